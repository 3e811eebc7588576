"""What the broker publishes is read row by row; what cannot be read is left out and counted."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.clock import FrozenClock
from common.contracts import AssetClass
from common.errors import BrokerRefused, BrokerUnavailable
from services.broker.alpaca import Connection
from services.broker.library import Contracts, News, Past
from services.market.news import NewsWire
from services.market.stocks import StockData
from services.market.tape import PAGES_MAX
from services.ops.breaker import BreakerState
from tests.services.broker.connecting import against
from tests.services.broker.fault_server import Answer, reply

STAMP = "2026-11-20T15:04:59.123456789Z"
NOW = datetime(2026, 11, 20, 15, 5, tzinfo=UTC)
BAR = {"t": STAMP, "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 10, "vw": 1.25, "n": 3}
SHORT = timedelta(seconds=0.2)
PAST = Past(symbols=["SPY"], start=NOW, end=NOW)


def resting(connection: Connection) -> list[str]:
    """Return the breakers that let nothing through."""
    return [one.name for one in connection.breakers if one.state is BreakerState.OPEN]


def bars(*told: dict[str, Any], token: str | None = None, symbol: str = "SPY") -> Answer:
    return reply(200, {"bars": {symbol: list(told)}, "next_page_token": token})


async def test_rows_that_cannot_be_read_are_left_out_and_counted() -> None:
    wrong = [{**BAR, "o": "x"}, {**BAR, "c": -1}, {**BAR, "t": "soon"}, {**BAR, "v": None}, {}, 5]
    async with against(bars(BAR, *wrong, BAR)) as (connection, _):  # type: ignore[arg-type]  # 5
        found = await connection.library.bars(AssetClass.EQUITY, PAST, "1Min")
    assert len(found.rows) == 2
    assert found.unreadable == 6
    assert found.rows[0].close == Decimal("1.5")
    assert found.rows[0].at == datetime(2026, 11, 20, 15, 4, 59, 123456, tzinfo=UTC)


async def test_symbols_that_were_not_asked_for_are_not_believed() -> None:
    async with against(bars(BAR, symbol="QQQ")) as (connection, _):
        found = await connection.library.bars(AssetClass.EQUITY, PAST, "1Min")
    assert found.rows == ()


@pytest.mark.parametrize("body", [[], "x", 5, {"trades": {}}, {"bars": 5}, {"bars": {"SPY": 5}}])
async def test_an_answer_of_another_shape_is_unavailable(body: Any) -> None:
    async with against(reply(200, body)) as (connection, _):
        with pytest.raises(BrokerUnavailable, match="cannot be read"):
            await connection.library.bars(AssetClass.EQUITY, PAST, "1Min")


async def test_a_side_at_zero_has_nobody() -> None:
    quote = {"t": STAMP, "bp": 0, "bs": 7, "ap": 1.1, "as": 3}
    async with against(reply(200, {"quotes": {"SPY": quote}})) as (connection, _):
        found = await connection.library.latest_quotes(AssetClass.EQUITY, ["SPY"])
    [touch] = found.rows
    assert (touch.bid, touch.ask) == (None, Decimal("1.1"))
    assert (touch.bid_size, touch.ask_size) == (Decimal(0), Decimal(3))


async def test_another_currency_must_be_confirmed() -> None:
    told = {"trades": {"SPY": {"t": STAMP, "p": 1, "s": 1}}}
    async with against(reply(200, told), reply(200, {**told, "currency": "EUR"})) as (
        connection,
        server,
    ):
        with pytest.raises(BrokerRefused, match="did not confirm prices in EUR"):
            await connection.library.latest_trades(AssetClass.EQUITY, ["SPY"], currency="EUR")
        found = await connection.library.latest_trades(AssetClass.EQUITY, ["SPY"], currency="EUR")
    assert len(found.rows) == 1
    assert server.heard[0].query["currency"] == "EUR"


async def test_each_class_is_asked_where_it_is_published() -> None:
    empty: dict[str, Any] = {
        name: {} for name in ("bars", "quotes", "trades", "snapshots", "orderbooks")
    }
    async with against(reply(200, empty)) as (connection, server):
        for of in AssetClass:
            await connection.library.bars(of, PAST, "1Day")
            await connection.library.latest_trades(of, ["SPY"])
            await connection.library.snapshots(of, ["SPY"])
        await connection.library.depths(["BTC/USD"])
    assert [heard.path for heard in server.heard] == [
        "/v2/stocks/bars", "/v2/stocks/trades/latest", "/v2/stocks/snapshots",
        "/v1beta1/options/bars", "/v1beta1/options/trades/latest", "/v1beta1/options/snapshots",
        "/v1beta3/crypto/us/bars", "/v1beta3/crypto/us/latest/trades",
        "/v1beta3/crypto/us/snapshots", "/v1beta3/crypto/us/latest/orderbooks",
    ]  # fmt: skip
    feeds = [heard.query.get("feed") for heard in server.heard]
    assert feeds == ["iex"] * 3 + ["indicative"] * 3 + [None] * 4
    assert server.heard[0].query["adjustment"] == "raw"


async def test_news_names_coins_without_a_stroke() -> None:
    async with against(reply(200, {"news": []})) as (connection, server):
        found = await NewsWire(connection.library).articles(News(symbols=["SPY", "BTC/USD"]))
    assert found.rows == ()
    assert server.heard[0].query["symbols"] == "SPY,BTCUSD"


async def test_the_last_expiry_is_always_said() -> None:
    day = date(2026, 11, 20)
    wanted = Contracts(underlying="SPY", first=day, last=day, strike_from=Decimal("1E+2"))
    async with against(reply(200, {"option_contracts": []})) as (connection, server):
        await connection.library.contracts(wanted)
    query = server.heard[0].query
    assert query["expiration_date_gte"] == query["expiration_date_lte"] == "2026-11-20"
    assert query["strike_price_gte"] == "100"


async def test_what_fails_here_blinds_nothing_the_desk_reads() -> None:
    gone = reply(404, {"message": "gone"})
    async with against(gone, reply(500), patience=SHORT) as (connection, _):
        with pytest.raises(BrokerRefused, match="gone"):
            await connection.library.news(News())
        assert resting(connection) == []  # a clear no is an answer
        async with asyncio.timeout(60):
            while not resting(connection):
                with pytest.raises(BrokerUnavailable):
                    await connection.library.news(News())
        assert resting(connection) == ["library"]


async def test_a_whole_series_is_read_page_by_page_and_an_endless_one_refused() -> None:
    later = {**BAR, "t": "2026-11-20T15:06:00Z"}
    async with against(bars(BAR, token="bW9yZQ=="), bars(later)) as (connection, server):
        stocks = StockData(connection.library, FrozenClock(NOW))
        found = await stocks.series(["SPY", "QQQ"], "1Min", NOW, NOW)
        assert [bar.at.minute for bar in found["SPY"]] == [4, 6]
        assert found["QQQ"] == ()
        assert server.heard[1].query["page_token"] == "bW9yZQ=="
    async with against(bars(BAR, token="bW9yZQ==")) as (connection, server):
        stocks = StockData(connection.library, FrozenClock(NOW))
        with pytest.raises(BrokerUnavailable, match="no end"):
            await stocks.series(["SPY"], "1Min", NOW, NOW)
        assert server.count("GET") == PAGES_MAX


async def test_a_watchlist_is_replaced_by_put() -> None:
    listed = {"id": "7c1e", "name": "mine", "assets": [{"symbol": "SPY"}], "updated_at": STAMP}
    async with against(reply(200, listed)) as (connection, server):
        found = await connection.watchlists.change("a/b", None, ["SPY"])
    assert found.symbols == ("SPY",)
    [heard] = server.heard
    assert (heard.method, heard.path) == ("PUT", "/v2/watchlists/a%2Fb")
    assert heard.body == {"symbols": ["SPY"]}
