"""The lists of symbols that the account keeps at the broker."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from services.broker.published import Found
from services.broker.watchlists import Watchlist
from services.runtime import Services
from tools.market_views import MarketPage, told
from tools.paging import Cursor, Rows
from tools.symbols import AnySymbol, AnySymbols
from tools.toolset import ERASES, READS, SWITCHES, Toolset
from tools.untrusted import Untrusted
from tools.views import View, new_york_text
from tools.wants import Desk

watchlists = Toolset("watchlists")


def _uuid(text: str) -> str:
    """Return an id; raise ValueError for what is none."""
    return str(UUID(text))


ListId = Annotated[
    str, AfterValidator(_uuid), Field(max_length=36, description="of get_watchlists")
]
Name = Annotated[str, Field(min_length=1, max_length=64, description="unique, for people")]


class WatchlistRow(BaseModel):
    """A list; symbols is null where only the lists were asked for."""

    id: str
    untrusted_name: Untrusted
    symbols: list[str] | None
    updated: str | None

    @classmethod
    def of(cls, found: Watchlist) -> WatchlistRow:
        """Return the view of a list."""
        return cls(
            id=found.id,
            untrusted_name=found.name,
            symbols=None if found.symbols is None else list(found.symbols),
            updated=new_york_text(found.updated_at) if found.updated_at else None,
        )


class WatchlistsView(MarketPage):
    """Lists."""

    watchlists: list[WatchlistRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Watchlist]) -> WatchlistsView:
        """Return the view of a page of lists."""
        rows = [WatchlistRow.of(one) for one in found.rows]
        return cls(**told(desk, found, nothing="there is no watchlist"), watchlists=rows)


class WatchlistView(View):
    """One list as it is now, or as it was when it was deleted."""

    status: str = Field(description="kept or deleted")
    watchlist: WatchlistRow

    @classmethod
    def of(cls, desk: Services, found: Watchlist, status: str = "kept") -> WatchlistView:
        """Return the view of a list."""
        return cls(mode=desk.mode, status=status, watchlist=WatchlistRow.of(found))


@watchlists.tool(READS)
async def get_watchlists(
    desk: Desk, watchlist_id: ListId | None = None, limit: Rows = 50, cursor: Cursor = None
) -> WatchlistsView:
    """List the watchlists; with an id, show that one's symbols."""
    found = await desk.data.watchlists.lists(watchlist_id, limit, cursor)
    return WatchlistsView.of(desk, found)


@watchlists.tool(SWITCHES)
async def create_watchlist(desk: Desk, name: Name, symbols: AnySymbols) -> WatchlistView:
    """Make a watchlist; nothing is traded."""
    return WatchlistView.of(desk, await desk.data.watchlists.create(name, symbols))


@watchlists.tool(ERASES)
async def update_watchlist(
    desk: Desk, watchlist_id: ListId, name: Name | None = None, symbols: AnySymbols | None = None
) -> WatchlistView:
    """Rename a watchlist, or put other symbols in place of all of its own."""
    return WatchlistView.of(desk, await desk.data.watchlists.change(watchlist_id, name, symbols))


@watchlists.tool(SWITCHES)
async def add_asset_to_watchlist_by_id(
    desk: Desk, watchlist_id: ListId, symbol: AnySymbol
) -> WatchlistView:
    """Put a symbol on a watchlist."""
    return WatchlistView.of(desk, await desk.data.watchlists.add(watchlist_id, symbol))


@watchlists.tool(ERASES)
async def remove_asset_from_watchlist_by_id(
    desk: Desk, watchlist_id: ListId, symbol: AnySymbol
) -> WatchlistView:
    """Take a symbol off a watchlist."""
    return WatchlistView.of(desk, await desk.data.watchlists.drop(watchlist_id, symbol))


@watchlists.tool(ERASES)
async def delete_watchlist_by_id(desk: Desk, watchlist_id: ListId) -> WatchlistView:
    """Delete a watchlist; the answer tells what was on it."""
    return WatchlistView.of(desk, await desk.data.watchlists.delete(watchlist_id), "deleted")
