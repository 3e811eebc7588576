"""What stocks trade at, have traded at, and which of them move."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.market.tape import Range
from tools.market_arguments import Currency, Sort, StockFeed, Timeframe, Top
from tools.market_views import BarsView, QuotesView, SnapshotsView, TradesView
from tools.paging import Cursor, Rows
from tools.screens import ActivesView, DepthView, MoversView
from tools.symbols import AnySymbol, StockSymbols
from tools.times import Day, Days, End, Start
from tools.toolset import READS, Toolset
from tools.wants import Desk

stocks = Toolset("stocks")

Adjustment = Annotated[
    Literal["raw", "split", "dividend", "all"], Field(description="for splits and dividends")
]
ListedAsOf = Annotated[Day, Field(description="day whose symbols are meant")]


@stocks.tool(READS, basic=True)
async def get_stock_quote(desk: Desk, symbol: StockSymbols) -> QuotesView:
    """Show the latest bid and ask of stocks, with sizes and age."""
    return QuotesView.of(desk, await desk.data.stocks.quotes(symbol), symbol)


@stocks.tool(READS, basic=True)
async def get_stock_bars(
    desk: Desk,
    symbol: StockSymbols,
    days: Days = 5,
    timeframe: Timeframe = "1Day",
    start: Start = None,
    end: End = None,
    adjustment: Adjustment = "raw",
    feed: StockFeed = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> BarsView:
    """Show price bars of stocks: open, high, low, close, volume, vwap."""
    wanted = Range(days=days, start=start, end=end, feed=feed, limit=limit, cursor=cursor)
    found = await desk.data.stocks.bars(symbol, wanted, timeframe, adjustment)
    return BarsView.past(desk, found, symbol, cursor)


@stocks.tool(READS)
async def get_stock_trades(
    desk: Desk,
    symbol: StockSymbols,
    days: Days = 5,
    limit: Rows = 100,
    sort: Sort = "asc",
    feed: StockFeed = None,
    currency: Currency = None,
    asof: ListedAsOf = None,
    start: Start = None,
    end: End = None,
    cursor: Cursor = None,
) -> TradesView:
    """Show every trade of stocks in a time; get_stock_bars is shorter."""
    wanted = Range(
        days=days,
        start=start,
        end=end,
        descending=sort == "desc",
        feed=feed,
        currency=currency,
        listed_as_of=asof,
        limit=limit,
        cursor=cursor,
    )
    return TradesView.past(desk, await desk.data.stocks.trades(symbol, wanted), symbol, cursor)


@stocks.tool(READS, basic=True)
async def get_stock_latest_trade(
    desk: Desk, symbol: StockSymbols, feed: StockFeed = None, currency: Currency = None
) -> TradesView:
    """Show the last trade of stocks."""
    found = await desk.data.stocks.last_trades(symbol, feed, currency)
    return TradesView.latest(desk, found, symbol)


@stocks.tool(READS)
async def get_stock_latest_bar(
    desk: Desk, symbol: StockSymbols, feed: StockFeed = None, currency: Currency = None
) -> BarsView:
    """Show the latest minute bar of stocks."""
    found = await desk.data.stocks.last_bars(symbol, feed, currency)
    return BarsView.latest(desk, found, symbol)


@stocks.tool(READS)
async def get_stock_snapshot(
    desk: Desk, symbol: StockSymbols, feed: StockFeed = None
) -> SnapshotsView:
    """Show quote, last trade, minute and day bars and the day's change of stocks at once."""
    return SnapshotsView.of(desk, await desk.data.stocks.snapshots(symbol, feed), symbol)


@stocks.tool(READS)
async def get_most_active_stocks(
    desk: Desk,
    by: Annotated[Literal["volume", "trades"], Field(description="what counts")] = "volume",
    top: Top = 10,
) -> ActivesView:
    """Show the stocks that traded most today."""
    return ActivesView.of(desk, await desk.data.stocks.most_active(by, top))


@stocks.tool(READS)
async def get_market_movers(
    desk: Desk,
    market_type: Annotated[Literal["stocks", "crypto"], Field(description="which")] = "stocks",
    top: Top = 10,
) -> MoversView:
    """Show today's largest gains and losses."""
    return MoversView.of(desk, await desk.data.stocks.movers(market_type, top))


@stocks.tool(READS)
async def stock_level2_data(
    desk: Desk,
    symbol: AnySymbol,
    levels: Annotated[int, Field(ge=1, le=50, description="a side")] = 10,
) -> DepthView:
    """Show the order book as deep as its venue tells: coins have one, stocks only the top."""
    return DepthView.of(desk, symbol, await desk.data.depth(symbol, levels))
