"""What coins trade at, around the clock."""

from __future__ import annotations

from services.market.tape import Range
from tools.market_arguments import Sort, Timeframe
from tools.market_views import BarsView, QuotesView, SnapshotsView, TradesView
from tools.paging import Cursor, Rows
from tools.screens import BooksView
from tools.symbols import CoinSymbols
from tools.times import Days, End, Start
from tools.toolset import READS, Toolset
from tools.wants import Desk

crypto = Toolset("crypto")


@crypto.tool(READS)
async def get_crypto_bars(
    desk: Desk,
    symbol: CoinSymbols,
    days: Days = 1,
    timeframe: Timeframe = "1Hour",
    start: Start = None,
    end: End = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> BarsView:
    """Show price bars of coins."""
    wanted = Range(days=days, start=start, end=end, limit=limit, cursor=cursor)
    found = await desk.data.coins.bars(symbol, wanted, timeframe)
    return BarsView.past(desk, found, symbol, cursor)


@crypto.tool(READS)
async def get_crypto_trades(
    desk: Desk,
    symbol: CoinSymbols,
    days: Days = 1,
    sort: Sort = "asc",
    start: Start = None,
    end: End = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> TradesView:
    """Show every trade of coins in a time."""
    newest = sort == "desc"
    wanted = Range(days=days, start=start, end=end, descending=newest, limit=limit, cursor=cursor)
    return TradesView.past(desk, await desk.data.coins.trades(symbol, wanted), symbol, cursor)


@crypto.tool(READS)
async def get_crypto_latest_quote(desk: Desk, symbol: CoinSymbols) -> QuotesView:
    """Show the latest bid and ask of coins."""
    return QuotesView.of(desk, await desk.data.coins.quotes(symbol), symbol)


@crypto.tool(READS)
async def get_crypto_latest_trade(desk: Desk, symbol: CoinSymbols) -> TradesView:
    """Show the last trade of coins."""
    return TradesView.latest(desk, await desk.data.coins.last_trades(symbol), symbol)


@crypto.tool(READS)
async def get_crypto_snapshot(desk: Desk, symbol: CoinSymbols) -> SnapshotsView:
    """Show quote, last trade, bars and the day's change of coins at once."""
    return SnapshotsView.of(desk, await desk.data.coins.snapshots(symbol), symbol)


@crypto.tool(READS)
async def get_crypto_latest_orderbook(desk: Desk, symbol: CoinSymbols) -> BooksView:
    """Show the order books of coins, as deep as the venue tells."""
    return BooksView.of(desk, await desk.data.coins.depths(symbol), symbol)
