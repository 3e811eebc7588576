"""Watchlists as the trading API reads and writes them."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from paper_exchange.store.watchlists import Watchlist
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.scalars import asset_id, instant

Json = dict[str, Any]

Name = Annotated[str, Meta(min_length=1, max_length=64)]


class NewList(msgspec.Struct, frozen=True):
    """A list to be made."""

    name: Name
    symbols: list[str] | None = None


class ListChange(msgspec.Struct, frozen=True):
    """What a list becomes; what is not given stays."""

    name: Name | None = None
    symbols: list[str] | None = None


class Added(msgspec.Struct, frozen=True):
    """A symbol to be put on a list."""

    symbol: str


T = TypeVar("T", NewList, ListChange, Added)


def read(body: bytes, kind: type[T]) -> T:
    """Read a request's body; raise BadParameter."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as e:
        raise BadParameter(f"invalid watchlist: {e}") from None


def summary(of: Watchlist) -> Json:
    """Return a list without what is on it."""
    return {
        "account_id": asset_id(f"account {of.account}"),
        "created_at": instant(of.created_at),
        "id": of.id,
        "name": of.name,
        "updated_at": instant(of.updated_at),
    }
