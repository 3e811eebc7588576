"""An order is sent once, and its outcome is a yes, a no, or honestly neither."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.clock import MonotonicClock
from common.errors import (
    BrokerRefused,
    BrokerUnavailable,
    Halted,
    OrderUncertain,
)
from common.ids import ClientOrderId
from common.orders import OrderStatus
from services.broker.alpaca import open_broker
from services.broker.attempt import Attempt, Unsent
from services.ops.metrics import Metrics
from tests.services.broker import fault_server as faults
from tests.services.broker.connecting import LONG, access_to, against, connected
from tests.services.broker.fault_server import Answer, fault_server, reply, taken
from tests.services.broker.intents import condor, long_call, sell_call
from tests.services.broker.waiting import until

CID = ClientOrderId("desk-1")
SHORT = timedelta(seconds=0.4)


def go() -> None:
    """Let the order leave."""


UNCERTAIN: dict[str, tuple[Answer, timedelta]] = {
    "never answers": (faults.hang, SHORT),
    "answers for ever": (faults.trickle, SHORT),
    "closes": (faults.close, LONG),
    "resets": (faults.reset, LONG),
    "breaks off": (faults.break_off, LONG),
    "408": (reply(408, {"message": "timeout"}), LONG),
    "409": (reply(409, {"message": "conflict"}), LONG),
    "429": (reply(429, {"code": 42910000, "message": "rate limit exceeded"}), LONG),
    "500": (reply(500, {"code": 50010000, "message": "internal server error occurred"}), LONG),
    "502": (reply(502, b"<html>bad gateway</html>"), LONG),
    "504": (reply(504, b"upstream timed out"), LONG),
    "302": (reply(302, Location="/elsewhere"), LONG),
    "200 of garbage": (reply(200, b"<html>"), LONG),
    "200 of nothing": (reply(200), LONG),
    "200 of another shape": (reply(200, {"id": 5}), LONG),
    "200 of a list": (reply(200, [1]), LONG),
    "200 with a nan": (taken(filled_qty="nan"), LONG),
    "duplicate": (
        reply(422, {"code": 40010001, "message": "client_order_id must be unique"}),
        LONG,
    ),
}


@pytest.mark.parametrize("case", UNCERTAIN)
async def test_an_unclear_answer_is_uncertain_and_never_sent_again(case: str) -> None:
    answer, patience = UNCERTAIN[case]
    async with against(answer, patience=patience) as (connection, server):
        with pytest.raises(OrderUncertain) as raised:
            await connection.broker.submit(long_call(), CID, go)
        assert raised.value.client_order_id == CID
        assert server.count("POST") == 1


REFUSED: dict[int, dict[str, Any]] = {
    400: {"message": "bad request"},
    401: {"code": 40110000, "message": "request is not authorized"},
    403: {
        "code": 40310000,
        "message": "insufficient options buying power",
        "options_buying_power": "12.50",
        "cost_basis": "650",
    },
    404: {"message": "endpoint not found."},
    422: {
        "code": 42210000,
        "message": "options market orders are only allowed during market hours",
    },
}


@pytest.mark.parametrize("status", REFUSED)
async def test_a_clear_no_is_refused_in_the_brokers_words(status: int) -> None:
    async with against(reply(status, REFUSED[status])) as (connection, server):
        with pytest.raises(BrokerRefused) as raised:
            await connection.broker.submit(long_call(), CID, go)
    assert raised.value.status == status
    assert raised.value.broker_code == REFUSED[status].get("code")
    assert str(raised.value).startswith(REFUSED[status]["message"])
    assert server.count("POST") == 1


async def test_a_refusal_names_what_was_missing() -> None:
    async with against(reply(403, REFUSED[403])) as (connection, _):
        with pytest.raises(BrokerRefused, match=r"options_buying_power 12\.50, cost_basis 650"):
            await connection.broker.submit(long_call(), CID, go)


async def test_a_yes_is_the_order_as_the_broker_took_it() -> None:
    async with against(taken()) as (connection, server):
        order = await connection.broker.submit(condor(), CID, go)
    assert (order.id, order.client_order_id) == (faults.ORDER_ID, CID)
    assert (order.status, order.broker_status) == (OrderStatus.ACCEPTED, "pending_new")
    assert (order.limit, order.qty) == (Decimal("-0.47"), Decimal(2))
    assert [leg.symbol for leg in order.legs] == [
        leg.contract.symbol for leg in condor().value.legs
    ]
    [request] = server.heard
    assert request.path == "/v2/orders"
    assert request.body["client_order_id"] == CID
    assert request.headers["apca-api-key-id"] == "KEY"


async def test_nothing_is_sent_where_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with connected(url) as connection:
            with pytest.raises(BrokerUnavailable, match="not sent"):
                await connection.broker.submit(long_call(), CID, go)


async def test_nothing_is_sent_to_a_host_without_an_address() -> None:
    async with connected("http://broker.invalid") as connection:
        with pytest.raises(BrokerUnavailable, match="not sent"):
            await connection.broker.submit(long_call(), CID, go)


async def test_a_halt_at_the_last_moment_stops_the_order() -> None:
    """The connection is open by then, and the thread that would write asks."""
    asked: list[tuple[str, int]] = []

    async with against(taken()) as (connection, server):

        def stop() -> None:
            asked.append((threading.current_thread().name, len(server.peers)))
            raise Halted("the kill switch is set")

        await connection.broker.submit(long_call(), ClientOrderId("warm"), go)
        with pytest.raises(Halted, match="kill switch"):
            await connection.broker.submit(long_call(), CID, stop)
        assert server.count("POST") == 1
    [(thread, connections)] = asked
    assert thread.startswith("broker-orders")
    assert connections == 1


async def test_whatever_the_last_look_raises_stops_the_order() -> None:
    async with against(taken()) as (connection, server):

        def unreadable() -> None:
            raise PermissionError("cannot read the sentinel")

        with pytest.raises(PermissionError):
            await connection.broker.submit(long_call(), CID, unreadable)
        assert server.count("POST") == 0


async def test_an_order_whose_time_is_up_in_the_queue_is_never_sent() -> None:
    """All threads are busy with a broker that hangs; the one that waits gives up unsent."""
    async with against(faults.hang, patience=SHORT) as (connection, server):
        results = await asyncio.gather(
            *(connection.broker.submit(sell_call(), ClientOrderId(f"c{i}"), go) for i in range(12)),
            return_exceptions=True,
        )
        uncertain = sum(isinstance(result, OrderUncertain) for result in results)
        unsent = sum(isinstance(result, BrokerUnavailable) for result in results)
        assert uncertain + unsent == 12
        assert unsent > 0
        assert server.count("POST") == uncertain


async def test_replies_that_never_end_do_not_keep_the_threads() -> None:
    endless = [faults.trickle] * 8
    async with against(*endless, taken(), patience=timedelta(seconds=1)) as (connection, _):
        for _ in range(2):
            results = await asyncio.gather(
                *(connection.broker.submit(sell_call(), CID, go) for _ in range(4)),
                return_exceptions=True,
            )
            assert [type(result) for result in results] == [OrderUncertain] * 4
        assert (await connection.broker.submit(sell_call(), CID, go)).client_order_id == CID


async def test_a_caller_who_leaves_before_the_send_sends_nothing() -> None:
    async with against(taken()) as (connection, server):
        blocked, looked = threading.Event(), threading.Event()

        def wait() -> None:
            looked.set()
            blocked.wait(10)

        sending = asyncio.ensure_future(connection.broker.submit(long_call(), CID, wait))
        await asyncio.to_thread(looked.wait, 10)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        blocked.set()
        await connection.broker.submit(long_call(), ClientOrderId("next"), go)
        assert [request.body["client_order_id"] for request in server.heard] == ["next"]


def test_either_the_sender_begins_or_the_caller_leaves() -> None:
    """Whoever comes first, both know the same: it left, or it never will."""
    for _ in range(300):
        attempt = Attempt(MonotonicClock(), 10)
        together = threading.Barrier(2)
        told: list[bool] = []

        def leave(attempt: Attempt, together: threading.Barrier, told: list[bool]) -> None:
            together.wait()
            told.append(attempt.abandon())

        caller = threading.Thread(target=leave, args=(attempt, together, told))
        caller.start()
        together.wait()
        with suppress(Unsent):
            attempt.begin(None)
        caller.join()
        assert told == [not attempt.begun]


async def test_a_connection_closed_by_the_broker_meanwhile_is_not_written_to() -> None:
    async def last(request: faults.Heard, writer: asyncio.StreamWriter) -> None:
        await taken()(request, writer)
        writer.close()

    async with against(last) as (connection, server):
        for number in range(3):
            await connection.broker.submit(long_call(), ClientOrderId(f"c{number}"), go)
            await until(lambda: not server.serving)
        assert server.count("POST") == len(server.peers) == 3


async def test_a_failing_broker_is_left_alone_but_not_with_a_close() -> None:
    async with against(reply(500)) as (connection, server):
        for i in range(5):
            with pytest.raises(OrderUncertain):
                await connection.broker.submit(long_call(), ClientOrderId(f"c{i}"), go)
        with pytest.raises(BrokerUnavailable, match="left alone"):
            await connection.broker.submit(long_call(), CID, go)
        assert server.count("POST") == 5
        with pytest.raises(OrderUncertain):
            await connection.broker.submit(sell_call(), CID, go)
        assert server.count("POST") == 6


async def test_a_scrape_tells_of_replies_breakers_and_budget() -> None:
    metrics = Metrics()
    async with (
        fault_server(reply(500)) as server,
        open_broker(
            access_to(server.url),
            timeout=LONG,
            requests_per_minute=200,
            wall=MonotonicClock(),
            metrics=metrics,
        ) as connection,
    ):
        for i in range(5):
            with pytest.raises(OrderUncertain):
                await connection.broker.submit(long_call(), ClientOrderId(f"c{i}"), go)
        scrape = metrics.render().decode()
    assert 'breaker_state{breaker="orders"} 2.0' in scrape
    assert 'breaker_state{breaker="market data"} 0.0' in scrape
    assert 'http_requests_total{code="500",host="trading",method="POST"} 5.0' in scrape
    assert 'ws_staleness_seconds{stream="trade_updates"}' in scrape
    assert metrics.registry.get_sample_value("ratelimit_remaining") == pytest.approx(35, abs=4)
