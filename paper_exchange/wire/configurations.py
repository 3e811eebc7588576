"""The account's configuration as the trading API reads and writes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from paper_exchange.engine.configuration import Configuration
from paper_exchange.wire.errors import BadParameter

Json = dict[str, Any]

Level = Annotated[int, Meta(ge=0, le=3)]


class _Patch(msgspec.Struct, frozen=True, kw_only=True):
    """What may be changed; a key that is missing stays as it is."""

    disable_overnight_trading: bool | UnsetType = UNSET
    fractional_trading: bool | UnsetType = UNSET
    max_margin_multiplier: str | UnsetType = UNSET
    max_options_trading_level: Level | UnsetType | None = UNSET
    no_shorting: bool | UnsetType = UNSET
    ptp_no_exception_entry: bool | UnsetType = UNSET
    suspend_trade: bool | UnsetType = UNSET
    trade_confirm_email: Literal["all", "none"] | UnsetType = UNSET


def configuration(of: Configuration, *, level: int, multiplier: int) -> Json:
    """Return a configuration; level is the approved one, multiplier the exchange's own."""
    shown: Json = msgspec.to_builtins(of)
    bound = of.max_options_trading_level
    shown["max_margin_multiplier"] = str(multiplier)
    shown["max_options_trading_level"] = level if bound is None else bound
    return shown


def patched(body: bytes, before: Configuration, *, multiplier: int) -> Configuration:
    """Return a configuration with what a request changes of it; raise BadParameter."""
    try:
        patch = msgspec.json.decode(body, type=_Patch)
    except (ValueError, RecursionError) as e:
        raise BadParameter(f"invalid configuration: {e}") from None
    changes = {
        name: value
        for name in _Patch.__struct_fields__
        if (value := getattr(patch, name)) is not UNSET
    }
    if changes.pop("max_margin_multiplier", str(multiplier)) != str(multiplier):
        raise BadParameter(f'max_margin_multiplier is always "{multiplier}" here')
    return msgspec.structs.replace(before, **changes)
