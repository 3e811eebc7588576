"""An account's configuration: what its owner may switch, as the broker names it."""

from __future__ import annotations

import msgspec


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """max_options_trading_level: the owner's own bound, None for the level approved.

    There is no overnight session here and no partnership, so disable_overnight_trading and
    ptp_no_exception_entry are remembered and change nothing; no mail is ever sent.
    """

    disable_overnight_trading: bool = False
    fractional_trading: bool = True
    max_options_trading_level: int | None = None
    no_shorting: bool = False
    ptp_no_exception_entry: bool = False
    suspend_trade: bool = False
    trade_confirm_email: str = "all"
