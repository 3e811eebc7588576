"""Reads are tried again within their time, page to the end, and invent nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.clock import MonotonicClock
from common.errors import BrokerRefused, BrokerUnavailable, MarketDataMissing, OrderNotFound
from common.ids import ClientOrderId, OrderId
from common.orders import OrderStatus
from services.broker import channel
from services.broker.alpaca import AlpacaAccess, open_broker
from services.ops.limiter import Lane
from tests.services.broker import fault_server as faults
from tests.services.broker.connecting import against, connected
from tests.services.broker.fault_server import fault_server, order_json, reply
from tests.services.broker.intents import CALL, PUT, long_call
from tests.services.broker.waiting import until

CID = ClientOrderId("desk-1")
DAY = date(2026, 11, 20)
SHORT = timedelta(seconds=0.6)
THREADS = dict(channel.THREADS)[Lane.READS]

CLOCK = {
    "timestamp": "2026-11-20T10:05:00.5-05:00",
    "is_open": True,
    "next_open": "2026-11-23T09:30:00-05:00",
    "next_close": "2026-11-20T16:00:00-05:00",
}


def quote_json(bid: float = 1.2, ask: float = 1.25) -> dict[str, Any]:
    return {"t": "2026-11-20T15:04:59.123456789Z", "bx": "C", "bp": bid, "bs": 10, "ap": ask,
            "as": 20, "ax": "C", "c": "A"}  # fmt: skip


async def test_a_read_is_tried_again_until_it_is_answered() -> None:
    async with against(
        reply(429, {"message": "too many requests."}), faults.reset, reply(500), reply(200, CLOCK)
    ) as (connection, server):
        clock = await connection.reader.clock()
    assert clock.timestamp == datetime(2026, 11, 20, 15, 5, 0, 500_000, tzinfo=UTC)
    assert clock.is_open
    assert server.count("GET") == 4


@pytest.mark.parametrize(
    "answer", [faults.hang, faults.trickle, reply(503), faults.break_off, reply(200, b"<html>")]
)
async def test_a_read_without_an_answer_ends_in_unavailable(answer: faults.Answer) -> None:
    async with against(answer, patience=SHORT) as (connection, _):
        with pytest.raises(BrokerUnavailable):
            await connection.reader.positions()


@pytest.mark.parametrize(
    "body", [{"is_open": "yes"}, {**CLOCK, "timestamp": "2026-11-20T10:05:00"}, [], "x", 5]
)
async def test_an_answer_of_another_shape_is_unavailable_too(body: Any) -> None:
    async with against(reply(200, body)) as (connection, _):
        with pytest.raises(BrokerUnavailable, match="cannot be read"):
            await connection.reader.clock()


async def test_wrong_keys_are_said_to_be_wrong() -> None:
    answer = reply(401, {"code": 40110000, "message": "request is not authorized"})
    async with against(answer) as (connection, server):
        with pytest.raises(BrokerRefused, match="not authorized") as raised:
            await connection.reader.account()
        assert "ALPACA_API_KEY" in raised.value.remedy
        assert server.count("GET") == 1


async def test_an_order_is_missing_only_when_the_broker_itself_says_so() -> None:
    missing = reply(404, {"code": 40410000, "message": "order not found"})
    strangers = (
        reply(404, b"<html>404</html>"),
        reply(404, {"message": "Not Found"}),
        reply(404, {"code": 40410000, "message": "endpoint not found."}),
    )
    async with against(missing, *strangers) as (connection, _):
        assert await connection.reader.order_by_client_id(CID) is None
        for _stranger in strangers:
            with pytest.raises(BrokerUnavailable):
                await connection.reader.order_by_client_id(CID)


async def test_a_lookup_asks_for_our_id_and_returns_the_order() -> None:
    body = order_json(symbol=CALL.symbol, side="buy", limit_price="1.25", client_order_id=CID)
    async with against(reply(200, body)) as (connection, server):
        order = await connection.reader.order_by_client_id(CID)
        assert order is not None
        assert order.limit == Decimal("1.25")
    assert server.heard[0].path == "/v2/orders:by_client_order_id"
    assert server.heard[0].query["client_order_id"] == CID


async def test_an_unknown_order_is_not_found() -> None:
    async with against(reply(404, {"code": 40410000, "message": "order not found"})) as (link, _):
        with pytest.raises(OrderNotFound):
            await link.reader.order(OrderId(faults.ORDER_ID))


async def test_orders_are_asked_for_nested_and_newest_first() -> None:
    child = order_json(id="child", symbol="SPY", side="sell", status="held")
    bracket = order_json(symbol="SPY", side="buy", order_class="bracket", legs=[child])
    async with against(reply(200, [bracket])) as (connection, server):
        orders = await connection.reader.orders(
            "open", 500, after=datetime(2026, 11, 20, 14, 30, tzinfo=UTC), symbols=["SPY", "QQQ"]
        )
    assert [order.id for order in orders] == [faults.ORDER_ID, "child"]
    assert orders[1].status is OrderStatus.ACCEPTED
    assert server.heard[0].query == {
        "status": "open",
        "limit": "500",
        "nested": "true",
        "direction": "desc",
        "after": "2026-11-20T14:30:00Z",
        "symbols": "SPY,QQQ",
    }


async def test_contracts_are_read_to_the_last_page_of_one_expiry() -> None:
    def listed(symbol: str, **changes: Any) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "root_symbol": "SPY",
            "size": "100",
            "tradable": True,
            "open_interest": None,
        } | changes

    adjusted = listed("SPY1261120C00670000", root_symbol="SPY1")
    pages = (
        {"option_contracts": [listed(CALL.symbol), adjusted], "next_page_token": "MTAw"},
        {"option_contracts": [listed(PUT.symbol, open_interest="12")], "next_page_token": None},
    )
    async with against(*(reply(200, page) for page in pages)) as (connection, server):
        found = await connection.reader.contracts("SPY", DAY)
    assert [(one.contract, one.open_interest) for one in found] == [(PUT, 12), (CALL, None)]
    assert server.heard[0].query["expiration_date"] == "2026-11-20"
    assert server.heard[0].query["limit"] == "10000"
    assert server.heard[1].query["page_token"] == "MTAw"


async def test_a_listing_without_end_is_given_up() -> None:
    endless = reply(200, {"option_contracts": [], "next_page_token": "again"})
    async with against(endless) as (connection, _):
        with pytest.raises(BrokerUnavailable, match="no end"):
            await connection.reader.contracts("SPY", DAY)


async def test_quotes_are_asked_for_a_hundred_at_a_time() -> None:
    symbols = [f"SPY261120C00{strike}000" for strike in range(500, 750)]

    async def answer(request: faults.Heard, writer: Any) -> None:
        asked = request.query["symbols"].split(",")
        body = {"quotes": {symbol: quote_json() for symbol in asked}}
        await reply(200, body)(request, writer)

    async with against(answer) as (connection, server):
        quotes = await connection.reader.option_quotes(symbols)
    assert set(quotes) == set(symbols)
    assert [len(r.query["symbols"].split(",")) for r in server.heard] == [100, 100, 50]
    assert server.heard[0].path == "/v1beta1/options/quotes/latest"
    assert server.heard[0].query["feed"] == "indicative"


async def test_a_chain_keeps_what_can_be_quoted() -> None:
    pages = (
        {
            "snapshots": {
                CALL.symbol: {"latestQuote": quote_json(1.2, 1.25), "dailyBar": None},
                "SPY261120C00671000": {"latestQuote": quote_json(-1, 1)},
                "SPY261120C00672000": {"latestTrade": {}},
            },
            "next_page_token": "x",
        },
        {"snapshots": {PUT.symbol: {"latestQuote": quote_json(0, 0.01)}}, "next_page_token": None},
    )
    async with against(*(reply(200, page) for page in pages)) as (connection, server):
        quotes = await connection.reader.chain_quotes("SPY", DAY)
    assert set(quotes) == {CALL.symbol, PUT.symbol}
    assert (quotes[CALL.symbol].bid, quotes[CALL.symbol].ask) == (Decimal("1.2"), Decimal("1.25"))
    assert quotes[PUT.symbol].bid == quotes[PUT.symbol].bid_size == 0
    assert server.heard[0].path == "/v1beta1/options/snapshots/SPY"


async def test_a_stock_without_a_quote_is_missing() -> None:
    async with against(reply(200, {"quotes": {}})) as (connection, _):
        with pytest.raises(MarketDataMissing, match="SPY"):
            await connection.reader.stock_quote("SPY")


async def test_bars_end_before_the_end() -> None:
    def bar(minute: int) -> dict[str, Any]:
        return {"t": f"2026-11-20T14:{minute}:00Z", "o": 670.1, "h": 670.5, "l": 670, "c": 670.2,
                "v": 1000, "n": 12, "vw": 670.21}  # fmt: skip

    pages = (
        {"bars": {"SPY": [bar(30), bar(31)]}, "next_page_token": "x"},
        {"bars": {"SPY": [bar(32)]}, "next_page_token": None},
    )
    start = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    async with against(*(reply(200, page) for page in pages)) as (connection, _):
        bars = await connection.reader.bars("SPY", start, start + timedelta(minutes=2))
    assert [bar.at.minute for bar in bars] == [30, 31]
    assert bars[0].open == Decimal("670.1")


async def test_no_bars_yet_are_no_bars() -> None:
    start = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    async with against(reply(200, {"bars": {}, "next_page_token": None})) as (connection, _):
        assert await connection.reader.bars("SPY", start, start + timedelta(minutes=1)) == ()


async def test_a_failing_data_host_is_left_alone_but_orders_are_looked_up() -> None:
    async with against(faults.hang, patience=timedelta(seconds=0.1)) as (connection, server):
        for _ in range(5):
            with pytest.raises(BrokerUnavailable):
                await connection.reader.stock_quote("SPY")
        asked = len(server.heard)
        with pytest.raises(BrokerUnavailable, match="left alone"):
            await connection.reader.stock_quote("SPY")
        assert len(server.heard) == asked
        with pytest.raises(BrokerUnavailable):
            await connection.reader.order_by_client_id(CID)
        assert len(server.heard) > asked


async def test_leaving_cuts_what_hangs_and_what_waits() -> None:
    """Threads end with the connection, or the process could not; each caller hears of it."""
    async with fault_server(faults.hang) as server:
        async with connected(server.url) as connection:
            reads = [asyncio.ensure_future(connection.reader.clock()) for _ in range(THREADS + 6)]
            await until(lambda: len(server.heard) == THREADS)
        for read in reads:
            with pytest.raises(BrokerUnavailable):
                await read
        assert len(server.heard) == THREADS


def test_alpaca_py_is_imported_only_when_it_is_needed() -> None:
    """Neither the broker package nor the opening of a connection pays for it."""
    code = (
        "import sys, services.broker.alpaca as a; from datetime import timedelta as d;"
        "from common.clock import MonotonicClock as m;"
        "a.open_broker(a.AlpacaAccess(key='k', secret='s'), timeout=d(seconds=1),"
        " requests_per_minute=200, wall=m());"
        "assert not {'alpaca', 'requests', 'pandas', 'websockets'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_it_can_be_imported_ahead_without_pandas() -> None:
    code = (
        "import asyncio, sys, services.broker.alpaca as a; from datetime import timedelta as d;"
        "from common.clock import MonotonicClock as m\n"
        "async def main():\n"
        "  async with a.open_broker(a.AlpacaAccess(key='k', secret='s'), timeout=d(seconds=1),"
        " requests_per_minute=200, wall=m()) as link: await link.warm()\n"
        "asyncio.run(main())\n"
        "assert 'alpaca' in sys.modules and 'pandas' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_a_url_the_hosts_are_alpacas() -> None:
    paper = AlpacaAccess(key="k", secret="s")
    assert paper.trading_root == "https://paper-api.alpaca.markets"
    assert paper.data_root == "https://data.alpaca.markets"
    assert paper.updates_url == "wss://paper-api.alpaca.markets/stream"
    live = AlpacaAccess(key="k", secret="s", paper=False, option_feed="opra")
    assert live.trading_root == "https://api.alpaca.markets"
    assert live.stock_feed == "sip"
    local = AlpacaAccess(key="k", secret="s", base_url="http://127.0.0.1:7777")
    assert local.data_root == local.trading_root == "http://127.0.0.1:7777"
    assert local.updates_url == "ws://127.0.0.1:7777/stream"
    assert "'s'" not in repr(local)


async def test_the_request_budget_is_kept_by_reads_and_lets_orders_pass() -> None:
    """With the reads' share spent, a read waits out its time; an order does not wait."""
    async with (
        fault_server(reply(200, CLOCK), reply(200, CLOCK), faults.taken()) as server,
        open_broker(
            AlpacaAccess(key="k", secret="s", base_url=server.url),
            timeout=SHORT,
            requests_per_minute=20,
            wall=MonotonicClock(),
        ) as connection,
    ):
        await connection.reader.clock()
        await connection.reader.clock()
        with pytest.raises(BrokerUnavailable):
            await connection.reader.clock()
        await connection.broker.submit(long_call(), CID, lambda: None)
        assert [request.method for request in server.heard] == ["GET", "GET", "POST"]
