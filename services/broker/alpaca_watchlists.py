"""Watchlists at Alpaca, through the channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote as escaped

from common.errors import BrokerUnavailable
from services.broker.attempt import Request
from services.broker.channel import Channel, definite
from services.broker.fields import Json, Unreadable, instant, reads, word
from services.broker.listing_codec import name, words
from services.broker.watchlists import Watchlist
from services.ops.breaker import Breaker


class AlpacaWatchlists:
    """A WatchlistKeeper."""

    def __init__(self, channel: Channel, breaker: Breaker) -> None:
        self._channel = channel
        self._breaker = breaker

    async def all(self) -> tuple[Watchlist, ...]:
        """Return every list, without its symbols."""
        found = await self._ask("GET", "")
        return tuple(_read(one) for one in (found if isinstance(found, list) else [None]))

    async def one(self, watchlist_id: str) -> Watchlist:
        """Return a list with its symbols."""
        return _read(await self._ask("GET", _path(watchlist_id)))

    async def create(self, name: str, symbols: Sequence[str]) -> Watchlist:
        """Make a list; the broker refuses a name that is taken."""
        return _read(await self._ask("POST", "", {"name": name, "symbols": list(symbols)}))

    async def change(
        self, watchlist_id: str, name: str | None, symbols: Sequence[str] | None
    ) -> Watchlist:
        """Give a list another name, other symbols or both; None stays as it is."""
        told: dict[str, Any] = {} if name is None else {"name": name}
        if symbols is not None:
            told["symbols"] = list(symbols)
        return _read(await self._ask("PUT", _path(watchlist_id), told))

    async def add(self, watchlist_id: str, symbol: str) -> Watchlist:
        """Put a symbol on a list."""
        return _read(await self._ask("POST", _path(watchlist_id), {"symbol": symbol}))

    async def drop(self, watchlist_id: str, symbol: str) -> Watchlist:
        """Take a symbol off a list."""
        path = f"{_path(watchlist_id)}{_path(symbol)}"
        return _read(await self._ask("DELETE", path))

    async def delete(self, watchlist_id: str) -> None:
        """Delete a list."""
        await self._ask("DELETE", _path(watchlist_id))

    async def _ask(self, method: str, path: str, values: Json | None = None) -> Any:
        request = Request(method=method, path=f"/watchlists{path}", values=values)
        with self._breaker.guard():
            return definite(await self._channel.ask(request)).body


def _path(part: str) -> str:
    return f"/{escaped(part, safe='')}"


def _read(body: Any) -> Watchlist:
    try:
        return _watchlist(body)
    except Unreadable as e:
        raise BrokerUnavailable(f"the broker's answer cannot be read: {e}") from e


@reads("watchlist")
def _watchlist(body: Json) -> Watchlist:
    assets, updated = body.get("assets"), body.get("updated_at")
    return Watchlist(
        id=word(body["id"]),
        name=words(body["name"]),
        symbols=None if assets is None else tuple(name(one["symbol"]) for one in assets),
        updated_at=instant(updated) if updated else None,
    )
