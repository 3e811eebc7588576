"""Watchlists, whose changes may be repeated without harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from common.errors import BadArgument, BrokerRefused
from services.broker.published import Found
from services.broker.watchlists import Watchlist, WatchlistKeeper
from services.market.pages import page

SOURCE: Final = "alpaca watchlists"


class Watchlists:
    """The account's lists. Every method raises as the keeper does."""

    def __init__(self, keeper: WatchlistKeeper) -> None:
        self._keeper = keeper

    async def lists(
        self, watchlist_id: str | None, limit: int, cursor: str | None = None
    ) -> Found[Watchlist]:
        """Return a page of all lists without their symbols, or one list with its own."""
        if watchlist_id is not None:
            return Found(rows=(await self._keeper.one(watchlist_id),), source=SOURCE, total=1)
        found = Found(rows=await self._keeper.all(), source=SOURCE)
        return page(found, lambda one: one.id, limit, cursor)

    async def create(self, name: str, symbols: Sequence[str]) -> Watchlist:
        """Make a list; one that is there already, name and symbols, is returned as it is."""
        try:
            return await self._keeper.create(name, symbols)
        except BrokerRefused:
            for one in await self._keeper.all():
                if one.name == name:
                    there = await self._keeper.one(one.id)
                    if set(there.symbols or ()) == set(symbols):
                        return there
            raise

    async def change(
        self, watchlist_id: str, name: str | None, symbols: Sequence[str] | None
    ) -> Watchlist:
        """Give a list another name, other symbols in place of its own, or both."""
        if name is None and symbols is None:
            raise BadArgument("neither name nor symbols is given", remedy="give what changes")
        return await self._keeper.change(watchlist_id, name, symbols)

    async def add(self, watchlist_id: str, symbol: str) -> Watchlist:
        """Put a symbol on a list; on it already, it stays."""
        return await self._keeper.add(watchlist_id, symbol)

    async def drop(self, watchlist_id: str, symbol: str) -> Watchlist:
        """Take a symbol off a list; not on it, the list is returned as it is."""
        held = await self._keeper.one(watchlist_id)
        if symbol not in (held.symbols or ()):
            return held
        return await self._keeper.drop(watchlist_id, symbol)

    async def delete(self, watchlist_id: str) -> Watchlist:
        """Delete a list; return what it was."""
        held = await self._keeper.one(watchlist_id)
        await self._keeper.delete(watchlist_id)
        return held
