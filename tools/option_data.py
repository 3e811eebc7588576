"""Options of any underlying and expiry: what is listed, quoted, and was traded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.market.options import Listed
from services.market.tape import Range
from tools.contract_views import ChainView, ContractsView
from tools.market_arguments import (
    Expiry,
    LastExpiry,
    OptionFeed,
    Right,
    Sort,
    Strike,
    Timeframe,
)
from tools.market_views import BarsView, QuotesView, TradesView
from tools.paging import Cursor, Rows
from tools.symbols import OptionSymbols, StockSymbol
from tools.times import Days, End, Start
from tools.toolset import READS, Toolset
from tools.wants import Desk

option_data = Toolset("option_data")

Root = Annotated[str | None, Field(max_length=6, description="of adjusted contracts")]
Status = Annotated[
    Literal["active", "inactive"] | None, Field(description="default active: not expired")
]


@option_data.tool(READS, basic=True)
async def get_option_contracts(
    desk: Desk,
    underlying_symbol: StockSymbol = "SPY",
    expiration_date: Expiry = None,
    strike_price_gte: Strike = None,
    strike_price_lte: Strike = None,
    type: Right = None,
    status: Status = None,
    root_symbol: Root = None,
    expiration_date_lte: LastExpiry = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> ContractsView:
    """List option contracts with open interest and last close; without an expiry, today's."""
    wanted = Listed(
        underlying=underlying_symbol,
        expiry=expiration_date,
        until=expiration_date_lte,
        strike_from=strike_price_gte,
        strike_to=strike_price_lte,
        right=type,
        root=root_symbol,
        status=status or "active",
        limit=limit,
        cursor=cursor,
    )
    return ContractsView.of(desk, await desk.data.options.contracts(wanted))


@option_data.tool(READS)
async def get_option_chain(
    desk: Desk,
    underlying_symbol: StockSymbol = "SPY",
    expiration_date: Expiry = None,
    strike_price_gte: Strike = None,
    strike_price_lte: Strike = None,
    type: Right = None,
    feed: OptionFeed = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> ChainView:
    """Show quotes, last trades and the broker's greeks of any chain.

    The broker has no greeks on expiry day: for SPY today use get_option_snapshot.
    """
    wanted = Listed(
        underlying=underlying_symbol,
        expiry=expiration_date,
        strike_from=strike_price_gte,
        strike_to=strike_price_lte,
        right=type,
        limit=limit,
        cursor=cursor,
    )
    return ChainView.of(desk, await desk.data.options.chain(wanted, feed))


@option_data.tool(READS, basic=True)
async def get_option_latest_quote(
    desk: Desk, symbol: OptionSymbols, feed: OptionFeed = None
) -> QuotesView:
    """Show the latest bid and ask of options of any underlying and expiry."""
    return QuotesView.of(desk, await desk.data.options.quotes(symbol, feed), symbol)


@option_data.tool(READS)
async def get_option_latest_trade(
    desk: Desk, symbol: OptionSymbols, feed: OptionFeed = None
) -> TradesView:
    """Show the last trade of options."""
    return TradesView.latest(desk, await desk.data.options.last_trades(symbol, feed), symbol)


@option_data.tool(READS)
async def get_option_trades(
    desk: Desk,
    symbol: OptionSymbols,
    days: Days = 1,
    sort: Sort = "asc",
    start: Start = None,
    end: End = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> TradesView:
    """Show every trade of options in a time."""
    newest = sort == "desc"
    wanted = Range(days=days, start=start, end=end, descending=newest, limit=limit, cursor=cursor)
    return TradesView.past(desk, await desk.data.options.trades(symbol, wanted), symbol, cursor)


@option_data.tool(READS)
async def option_historicals(
    desk: Desk,
    symbol: OptionSymbols,
    days: Days = 5,
    timeframe: Timeframe = "1Day",
    start: Start = None,
    end: End = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> BarsView:
    """Show price bars of options, of their trades: the broker keeps no past quotes."""
    wanted = Range(days=days, start=start, end=end, limit=limit, cursor=cursor)
    found = await desk.data.options.bars(symbol, wanted, timeframe)
    return BarsView.past(desk, found, symbol, cursor)
