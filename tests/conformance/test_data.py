"""alpaca-py's historical data clients, unmodified but for their address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from alpaca.data.requests import (
    OptionChainRequest,
    OptionLatestQuoteRequest,
    OptionSnapshotRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.enums import ContractType

from tests.conformance.conftest import Chain, Client


def minutes_ago(trading: Client, minutes: int) -> datetime:
    now: datetime = trading.get_clock().timestamp
    return now.astimezone(UTC) - timedelta(minutes=minutes)


def test_latest_quotes_trades_and_bars(stocks: Client) -> None:
    symbols = ["SPY", "AAPL"]
    quotes = stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=symbols))
    assert set(quotes) == set(symbols)
    assert all(0 < quote.bid_price < quote.ask_price for quote in quotes.values())
    trades = stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=symbols))
    assert abs(trades["SPY"].price - quotes["SPY"].ask_price) < 1
    bars = stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=symbols))
    assert bars["SPY"].low <= bars["SPY"].close <= bars["SPY"].high


def test_the_morning_is_there_minute_by_minute(stocks: Client, trading: Client) -> None:
    bars = stocks.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols="SPY", timeframe=TimeFrame.Minute, start=minutes_ago(trading, 35)
        )
    )["SPY"]
    assert len(bars) >= 30
    assert all(a.timestamp < b.timestamp for a, b in pairwise(bars))
    five = stocks.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols="SPY",
            timeframe=TimeFrame(5, TimeFrameUnit.Minute),
            start=minutes_ago(trading, 35),
        )
    )["SPY"]
    assert five[0].open == bars[0].open
    assert five[0].high == max(bar.high for bar in bars[:5])


def test_daily_bars_of_last_week(stocks: Client, trading: Client) -> None:
    bars = stocks.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols=["SPY", "QQQ"],
            timeframe=TimeFrame.Day,
            start=minutes_ago(trading, 7 * 1440),
        )
    )
    assert len(bars["SPY"]) >= 4
    assert len(bars["QQQ"]) == len(bars["SPY"])


def test_history_comes_in_pages_that_join(stocks: Client, trading: Client) -> None:
    start = minutes_ago(trading, 1)
    quotes = stocks.get_stock_quotes(StockQuotesRequest(symbol_or_symbols="SPY", start=start))
    times = [quote.timestamp for quote in quotes["SPY"]]
    assert times == sorted(times)
    few = stocks.get_stock_quotes(
        StockQuotesRequest(symbol_or_symbols="SPY", start=start, limit=3)
    )["SPY"]
    assert [quote.timestamp for quote in few] == times[:3]
    trades = stocks.get_stock_trades(StockTradesRequest(symbol_or_symbols="SPY", start=start))
    assert trades["SPY"]


def test_stock_snapshots(stocks: Client) -> None:
    shown = stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["SPY", "MSFT"]))
    assert set(shown) == {"SPY", "MSFT"}
    assert shown["SPY"].latest_quote is not None
    assert shown["SPY"].daily_bar is not None
    assert shown["SPY"].previous_daily_bar is not None


def test_the_whole_chain_of_a_day(options: Client, trading: Client, chain: Chain) -> None:
    today = trading.get_clock().timestamp.date()
    shown = options.get_option_chain(
        OptionChainRequest(underlying_symbol="SPY", expiration_date=today)
    )
    assert set(shown) == {contract.symbol for contract in chain.contracts}
    money = shown[chain.near(ContractType.CALL, 0)]
    assert money.latest_quote is not None
    assert 0 < money.latest_quote.bid_price < money.latest_quote.ask_price
    assert money.greeks is None, "Alpaca publishes none on expiry day"


def test_a_later_expiry_has_greeks(options: Client, chain: Chain) -> None:
    shown = options.get_option_chain(
        OptionChainRequest(
            underlying_symbol="SPY",
            type=ContractType.CALL,
            strike_price_gte=chain.spot - 2,
            strike_price_lte=chain.spot + 2,
            expiration_date_gte=min(c.expiration_date for c in chain.contracts) + timedelta(days=1),
        )
    )
    greeks = [found.greeks for found in shown.values() if found.greeks is not None]
    assert greeks
    for found in greeks:
        assert 0.2 < (found.delta or 0) < 0.8
        assert (found.gamma or 0) > 0 > (found.theta or 0)
        assert (found.vega or 0) > 0
        assert (found.rho or 0) > 0


def test_quotes_and_snapshots_by_symbol(options: Client, chain: Chain) -> None:
    symbols = [chain.near(ContractType.CALL, n) for n in range(-3, 4)]
    quotes = options.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=symbols))
    shown = options.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=symbols))
    assert set(quotes) == set(shown) == set(symbols)
    assert all(quotes[name].bid_price <= quotes[name].ask_price for name in symbols)
