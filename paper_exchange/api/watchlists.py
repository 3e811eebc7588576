"""Watchlists, by id and by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from common.clock import Clock
from common.ids import Ids
from paper_exchange.api.endpoint import NOTHING, Call, Handler, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.engine.refusals import Refused, invalid
from paper_exchange.feed.source import Asset, Source
from paper_exchange.store.watchlists import (
    LISTS_MAX,
    NameTaken,
    TooMany,
    Wanted,
    Watchlist,
    Watchlists,
)
from paper_exchange.wire.errors import BadParameter, not_found
from paper_exchange.wire.reference import asset
from paper_exchange.wire.scalars import asset_id, position_symbol
from paper_exchange.wire.watchlists import Added, ListChange, NewList, read, summary

SymbolsChange: TypeAlias = Callable[[tuple[str, ...]], tuple[str, ...]]


class WatchlistPaths:
    """The watchlist paths of the trading host."""

    def __init__(self, lists: Watchlists, source: Source, clock: Clock, ids: Ids) -> None:
        self._lists = lists
        self._clock = clock
        self._ids = ids
        self._assets = {
            name: asset
            for asset in source.assets()
            for name in (asset.symbol, position_symbol(asset.symbol), asset_id(asset.symbol))
        }

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        by_one: dict[str, Handler] = {
            "GET": self.one,
            "PUT": self.change,
            "POST": self.add,
            "DELETE": self.remove,
        }
        return (
            trading("/v2/watchlists", GET=self.listing, POST=self.create),
            trading("/v2/watchlists:by_name", **by_one),
            trading("/v2/watchlists/{id:str}", **by_one),
            trading("/v2/watchlists/{id:str}/{symbol:path}", DELETE=self.drop),
        )

    async def listing(self, call: Call) -> Reply:
        """Answer GET /v2/watchlists, without what is on them."""
        return reply([summary(one) for one in await self._lists.of(call.account)])

    async def create(self, call: Call) -> Reply:
        """Answer POST /v2/watchlists {"name", "symbols"}."""
        wanted = read(call.body, NewList)
        now = self._clock.now()
        made = Watchlist(
            id=self._ids.uuid(),
            account=call.account,
            name=wanted.name,
            symbols=self._symbols(wanted.symbols or ()),
            created_at=now,
            updated_at=now,
        )
        try:
            await self._lists.add(made)
        except NameTaken:
            raise _name_taken() from None
        except TooMany:
            raise invalid(f"an account keeps at most {LISTS_MAX} watchlists") from None
        return reply(self._shown(made))

    async def one(self, call: Call) -> Reply:
        """Answer GET of one list."""
        wanted = _wanted(call)
        found = next(filter(wanted, await self._lists.of(call.account)), None)
        return reply(self._found(found))

    async def change(self, call: Call) -> Reply:
        """Answer PUT of one list: another name, other symbols, or both."""
        change = read(call.body, ListChange)
        symbols = None if change.symbols is None else self._symbols(change.symbols)

        def changed(before: Watchlist) -> Watchlist:
            return replace(
                before,
                name=before.name if change.name is None else change.name,
                symbols=before.symbols if symbols is None else symbols,
                updated_at=self._clock.now(),
            )

        try:
            found = await self._lists.change(call.account, _wanted(call), changed)
        except NameTaken:
            raise _name_taken() from None
        return reply(self._found(found))

    async def add(self, call: Call) -> Reply:
        """Answer POST of one list {"symbol"}; a symbol on it already stays where it is."""
        (symbol,) = self._symbols([read(call.body, Added).symbol])
        return await self._with(call, lambda held: tuple(dict.fromkeys((*held, symbol))))

    async def drop(self, call: Call) -> Reply:
        """Answer DELETE of one symbol on a list."""
        (symbol,) = self._symbols([call.path["symbol"]])
        found = next(filter(_wanted(call), await self._lists.of(call.account)), None)
        if found is not None and symbol not in found.symbols:
            raise not_found(f"symbol {symbol} is not on the watchlist")
        return await self._with(call, lambda held: tuple(one for one in held if one != symbol))

    async def remove(self, call: Call) -> Reply:
        """Answer DELETE of one list."""
        if not await self._lists.remove(call.account, _wanted(call)):
            raise _no_list()
        return NOTHING

    async def _with(self, call: Call, changed: SymbolsChange) -> Reply:
        found = await self._lists.change(
            call.account,
            _wanted(call),
            lambda before: replace(
                before, symbols=changed(before.symbols), updated_at=self._clock.now()
            ),
        )
        return reply(self._found(found))

    def _symbols(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return what symbols or ids name, each once; raise a 422 for what is not listed."""
        found: list[Asset] = []
        for name in names:
            asset = self._assets.get(name) or self._assets.get(name.upper())
            if asset is None:
                raise invalid(f"asset not found for {name:.40}")
            found.append(asset)
        return tuple(dict.fromkeys(asset.symbol for asset in found))

    def _found(self, found: Watchlist | None) -> dict[str, object]:
        if found is None:
            raise _no_list()
        return self._shown(found)

    def _shown(self, of: Watchlist) -> dict[str, object]:
        return {**summary(of), "assets": [asset(self._assets[name]) for name in of.symbols]}


def _wanted(call: Call) -> Wanted:
    """Return what tells the list a path or a query names."""
    if "id" not in call.path:
        name = call.query.required("name")
        return lambda one: one.name == name
    try:
        wanted = str(UUID(call.path["id"]))
    except ValueError:
        raise BadParameter("watchlist_id must be a UUID") from None
    return lambda one: one.id == wanted


def _no_list() -> Refused:
    return not_found("watchlist not found")


def _name_taken() -> Refused:
    return invalid("watchlist name must be unique")
