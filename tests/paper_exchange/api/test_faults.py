"""Faults on demand, over real sockets: what is planned happens, as often, and no more."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from common.clock import MonotonicClock
from common.contracts import OptionContract, Right
from common.errors import OrderUncertain
from common.ids import ClientOrderId
from common.orders import Approved, Leg, OrderIntent, PositionIntent
from common.session import trading_day
from services.broker.alpaca import AlpacaAccess, open_broker
from tests.exchange import Exchange
from tests.paper_exchange.api.test_orders import send
from tests.paper_exchange.stream.test_order_stream import LISTEN, ask, credentials

PATIENCE = 20.0


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """An exchange of its own: what happens here would disturb others."""
    with Exchange.start(tmp_path_factory.mktemp("exchange"), clock="stepped", at="10:05") as found:
        yield found


@pytest.fixture
def exchange(faulty: Exchange) -> Iterator[Exchange]:
    yield faulty
    assert admin(faulty, "DELETE").status == 204


def admin(exchange: Exchange, method: str, body: object = None, key: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {key or exchange.admin_key}"}
    return exchange.request(method, "/admin/faults", body, headers=headers)


def plan(exchange: Exchange, kind: str, **more: object) -> None:
    answer = admin(exchange, "POST", {"kind": kind, **more})
    assert answer.status == 200, answer.body


def account(exchange: Exchange) -> int:
    return exchange.request("GET", "/v2/account").status


@contextmanager
def listening(exchange: Exchange) -> Iterator[ClientConnection]:
    with connect(exchange.websocket_url + "/stream", ping_interval=None) as socket:
        ask(socket, credentials(exchange))
        ask(socket, LISTEN)
        yield socket


def heard(socket: ClientConnection, count: int) -> list[tuple[str, str]]:
    messages = [json.loads(socket.recv(PATIENCE)) for _ in range(count)]
    return [(m["data"]["event"], m["data"]["order"]["client_order_id"]) for m in messages]


def test_they_are_for_the_admin_key_alone(exchange: Exchange) -> None:
    assert admin(exchange, "POST", {"kind": "500"}, key="wrong").status == 401
    assert exchange.request("GET", "/admin/faults").status == 401
    assert admin(exchange, "GET").body == []


@pytest.mark.parametrize(
    "wrong",
    [{}, {"kind": "flood"}, {"kind": "429", "times": -1}, {"kind": "delay", "seconds": 1e9}, [1],
     {"kind": "500", "typo": 1}, {"kind": "delay", "seconds": "NaN"}],
)  # fmt: skip
def test_what_is_no_fault_is_refused(exchange: Exchange, wrong: object) -> None:
    assert admin(exchange, "POST", wrong).status == 422
    assert admin(exchange, "GET").body == []


@pytest.mark.parametrize(("kind", "code"), [("429", 42910000), ("500", 50010000)])
def test_refusals_strike_as_often_as_planned(exchange: Exchange, kind: str, code: int) -> None:
    plan(exchange, kind, times=2, path="/v2/account")
    answers = [exchange.request("GET", "/v2/account") for _ in range(3)]
    assert [answer.status for answer in answers] == [int(kind), int(kind), 200]
    assert answers[0].body["code"] == code


def test_only_what_it_names_is_struck(exchange: Exchange) -> None:
    plan(exchange, "500", times=0, method="POST", path="/v2/orders")
    assert [account(exchange), account(exchange)] == [200, 200]
    for _ in range(2):
        body = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
        assert exchange.request("POST", "/v2/orders", body).status == 500
    [shown] = admin(exchange, "GET").body
    assert (shown["kind"], shown["left"]) == ("500", None)


def test_a_dropped_connection_has_done_nothing(exchange: Exchange) -> None:
    plan(exchange, "drop", method="POST")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        send(exchange, client_order_id="dropped-1")
    query = {"client_order_id": "dropped-1"}
    assert exchange.request("GET", "/v2/orders:by_client_order_id", query=query).status == 404


def test_a_delayed_request_is_done_all_the_same(exchange: Exchange) -> None:
    plan(exchange, "delay", seconds=0.01)
    assert account(exchange) == 200
    assert admin(exchange, "GET").body == []


async def test_an_order_accepted_without_an_answer_is_uncertain_and_found(
    exchange: Exchange,
) -> None:
    """The desk's own adapter: it knows that it does not know, and finds out by its own id."""
    async with open_broker(
        AlpacaAccess(key=exchange.key, secret=exchange.secret, base_url=exchange.url),
        timeout=timedelta(seconds=20),
        requests_per_minute=10_000,
        wall=MonotonicClock(),
    ) as desk:
        today = trading_day((await desk.reader.clock()).timestamp)
        listed = await desk.reader.contracts("SPY", today)
        call = next(c.contract for c in listed if c.tradable and c.contract.right is Right.CALL)
        order_id = ClientOrderId("uncertain-1")
        plan(exchange, "timeout_after_accept", method="POST", path="/v2/orders", seconds=0.1)
        with pytest.raises(OrderUncertain) as raised:
            await desk.broker.submit(_bid(call), order_id, lambda: None)
        assert raised.value.client_order_id == order_id
        found = await desk.reader.order_by_client_id(order_id)
        assert found is not None
        assert found.client_order_id == order_id
        await desk.broker.cancel(found.id)


def _bid(call: OptionContract) -> Approved[OrderIntent]:
    leg = Leg(contract=call, intent=PositionIntent.BUY_TO_OPEN)
    return Approved(OrderIntent(strategy="test", legs=(leg,), qty=1, limit=Decimal("0.01")))


def test_streams_are_dropped_without_a_goodbye(exchange: Exchange) -> None:
    with listening(exchange) as socket:
        plan(exchange, "drop_sockets")
        with pytest.raises(ConnectionClosed) as raised:
            socket.recv(PATIENCE)
        assert raised.value.rcvd is None
    with listening(exchange) as socket:
        order = send(exchange, client_order_id="after-drop")
        assert heard(socket, 1) == [("new", "after-drop")]
        exchange.request("DELETE", f"/v2/orders/{order['id']}")


def test_a_half_open_stream_neither_hears_nor_speaks(exchange: Exchange) -> None:
    with listening(exchange) as socket:
        plan(exchange, "half_open")
        send(exchange, client_order_id="unheard-1")
        answered = socket.ping()
        assert not answered.wait(0.5)
        with pytest.raises(TimeoutError):
            socket.recv(0)
        assert admin(exchange, "DELETE").status == 204
        assert answered.wait(PATIENCE)
        send(exchange, client_order_id="heard-1")
        assert heard(socket, 1) == [("new", "heard-1")]


def test_updates_come_twice_late_and_out_of_order(exchange: Exchange) -> None:
    with listening(exchange) as socket:
        plan(exchange, "duplicated_updates")
        send(exchange, client_order_id="twice-1")
        assert heard(socket, 2) == [("new", "twice-1")] * 2
        plan(exchange, "reordered_updates", seconds=60)
        send(exchange, client_order_id="first-1")
        send(exchange, client_order_id="second-1")
        assert heard(socket, 2) == [("new", "second-1"), ("new", "first-1")]
        plan(exchange, "reordered_updates", seconds=0.05)
        send(exchange, client_order_id="alone-1")
        assert heard(socket, 1) == [("new", "alone-1")]
        plan(exchange, "late_updates", seconds=0.2)
        send(exchange, client_order_id="late-1")
        send(exchange, client_order_id="prompt-1")
        assert heard(socket, 2) == [("new", "prompt-1"), ("new", "late-1")]


def test_a_stale_feed_stands_still_while_the_exchange_trades(exchange: Exchange) -> None:
    plan(exchange, "stale_feed")
    before = _latest(exchange)
    exchange.step(timedelta(minutes=2))
    assert _latest(exchange) == before
    filled = send(exchange, type="market", client_order_id="stale-1")
    exchange.step(timedelta(seconds=1))
    assert exchange.request("GET", f"/v2/orders/{filled['id']}").body["status"] == "filled"
    assert admin(exchange, "DELETE").status == 204
    assert _latest(exchange) > before


def _latest(exchange: Exchange) -> str:
    answer = exchange.request("GET", "/v2/stocks/SPY/quotes/latest")
    assert answer.status == 200
    return str(answer.body["quote"]["t"])


async def test_without_an_admin_key_there_are_none() -> None:
    """The layer is not merely locked: it is not there."""
    from paper_exchange.api.faulty import FaultyConnections
    from paper_exchange.app import ClockKind, Options, open_exchange

    for admin_key, there in ((None, False), ("key", True)):
        options = Options(
            database="sqlite://", api_key="PKTEST0000000000", secret_key="s" * 32,
            clock=ClockKind.STEPPED, admin_key=admin_key,
        )  # fmt: skip
        async with asyncio.timeout(60), open_exchange(options) as app:
            assert isinstance(app, FaultyConnections) is there
