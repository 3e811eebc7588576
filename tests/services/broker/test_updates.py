"""The order stream survives what a broker, a network or a handler does to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from common.clock import MonotonicClock
from common.orders import OrderStatus, Side, TradeUpdate
from services.broker.alpaca import AlpacaAccess
from services.broker.alpaca_stream import TradeUpdates
from services.ops.backoff import Backoff
from services.ops.metrics import Metrics
from tests.services.broker.fault_server import ORDER_ID, order_json
from tests.services.broker.intents import CALL, PUT
from tests.services.broker.waiting import until

Script = Callable[[ServerConnection], Awaitable[None]]
BAD_FRAMES = (
    "not json",
    "[1, 2]",
    "5",
    b"\xff\xfe\x00",
    "[" * 100_000,
    json.dumps({"stream": "trade_updates"}),
    json.dumps({"stream": "trade_updates", "data": None}),
    json.dumps({"stream": "trade_updates", "data": {"event": "fill"}}),
    json.dumps({"stream": "trade_updates", "data": {"event": "new", "order": {"id": ORDER_ID}}}),
    json.dumps({"stream": "trade_updates", "data": {"event": "new", "order": [1]}}),
)


@dataclass
class Listener:
    """What was told to whoever listens."""

    updates: list[TradeUpdate] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def connected(self) -> None:
        self.told.append("connected")

    def disconnected(self) -> None:
        self.told.append("disconnected")

    def unreadable(self) -> None:
        self.told.append("unreadable")


@asynccontextmanager
async def listening(
    *scripts: Script,
    on_update: Callable[[TradeUpdate], None] | None = None,
    backoff: Backoff | None = None,
) -> AsyncIterator[tuple[TradeUpdates, Listener]]:
    """Listen to a server which plays a script for each connection, the last one for ever."""
    left = list(scripts)

    async def play(socket: ServerConnection) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(socket)

    async with serve(play, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with running(f"http://127.0.0.1:{port}", on_update, backoff) as stream:
            yield stream


@asynccontextmanager
async def running(
    url: str,
    on_update: Callable[[TradeUpdate], None] | None = None,
    backoff: Backoff | None = None,
) -> AsyncIterator[tuple[TradeUpdates, Listener]]:
    heard = Listener()
    access = AlpacaAccess(key="KEY", secret="SECRET", base_url=url)
    updates = TradeUpdates(access, MonotonicClock(), Metrics(), backoff)
    task = asyncio.ensure_future(
        updates.run(
            on_update or heard.updates.append,
            heard.connected,
            heard.disconnected,
            heard.unreadable,
        )
    )
    try:
        yield updates, heard
    finally:
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def admit(socket: ServerConnection) -> None:
    """Let the client in as the broker does, in binary frames."""
    asked = json.loads(await socket.recv())
    assert asked == {
        "action": "authenticate",
        "data": {"key_id": "KEY", "secret_key": "SECRET"},
    }
    granted = {"status": "authorized", "action": "authenticate"}
    await socket.send(json.dumps({"stream": "authorization", "data": granted}).encode())
    asked = json.loads(await socket.recv())
    assert asked == {"action": "listen", "data": {"streams": ["trade_updates"]}}
    streams = {"streams": ["trade_updates"]}
    await socket.send(json.dumps({"stream": "listening", "data": streams}).encode())


def frame(event: str = "new", *, order: dict[str, Any] | None = None, **fields: Any) -> str:
    body = order or order_json(symbol=CALL.symbol, side="buy", limit_price="1.25", status="new")
    data = {"event": event, "timestamp": "2026-11-20T15:05:01Z", "order": body} | fields
    return json.dumps({"stream": "trade_updates", "data": data})


def sending(*frames: Any) -> Script:
    """Admit, send, and stay."""

    async def script(socket: ServerConnection) -> None:
        await admit(socket)
        for one in frames:
            await socket.send(one)
        await socket.wait_closed()

    return script


async def test_text_binary_and_fragmented_frames_are_read() -> None:
    whole = frame()
    frames = (whole, whole.encode(), [whole[:10], whole[10:40], whole[40:]])
    async with listening(sending(*frames)) as (updates, heard):
        await until(lambda: len(heard.updates) == 3)
        assert updates.state.unreadable == 0
        assert heard.updates[0] == heard.updates[1] == heard.updates[2]


async def test_no_bad_message_ends_it_and_each_is_told_of() -> None:
    async with listening(sending(*BAD_FRAMES, frame())) as (updates, heard):
        await until(lambda: len(heard.updates) == 1)
        assert heard.told == ["connected"] + ["unreadable"] * len(BAD_FRAMES)
        assert updates.state.unreadable == len(BAD_FRAMES)
        assert updates.connected


async def test_no_failing_handler_ends_it() -> None:
    seen = []

    def handler(update: TradeUpdate) -> None:
        seen.append(update.event)
        raise RuntimeError("a bug")

    frames = (frame("new"), frame("canceled"))
    async with listening(sending(*frames), on_update=handler) as (updates, heard):
        await until(lambda: seen == ["new", "canceled"])
        await until(lambda: heard.told.count("unreadable") == 2)
        assert updates.connected


async def test_a_multi_leg_fill_is_read_with_its_empty_fields() -> None:
    def leg(symbol: str, side: str, price: str) -> dict[str, Any]:
        return order_json(
            symbol=symbol, side=side, order_class="mleg", filled_qty="2", filled_avg_price=price,
            status="filled", ratio_qty="1",
        )  # fmt: skip

    legs = [leg(PUT.symbol, "sell", "0.60"), leg(CALL.symbol, "buy", "0.13")]
    order = order_json(
        order_class="mleg", legs=legs, qty="2", filled_qty="2", status="filled",
        filled_avg_price="-0.47", limit_price="-0.45", filled_at="2026-11-20T15:05:01Z",
    )  # fmt: skip
    data = {"execution_id": "x-1", "price": "-0.47", "qty": "2", "position_qtys": {}}
    async with listening(sending(frame("fill", order=order, **data))) as (_, heard):
        await until(lambda: len(heard.updates) == 1)
    [update] = heard.updates
    assert update.order.status is OrderStatus.FILLED
    assert [one.side for one in update.order.legs] == [Side.SELL, Side.BUY]
    assert update.fill is not None
    assert (update.fill.price, update.fill.qty) == (Decimal("-0.47"), Decimal(2))
    assert update.fill.execution_id == "x-1"


async def test_an_unknown_event_and_a_missing_time_pass() -> None:
    order = order_json(symbol=CALL.symbol, side="buy", status="on_the_moon")
    odd = frame("reticulated", order=order, timestamp=None, surprise=[1])
    async with listening(sending(odd)) as (_, heard):
        await until(lambda: len(heard.updates) == 1)
    [update] = heard.updates
    assert (update.event, update.order.status) == ("reticulated", OrderStatus.ACCEPTED)
    assert update.order.broker_status == "on_the_moon"
    assert update.at == datetime(2026, 11, 20, 15, 5, 0, 668464, tzinfo=UTC)


async def test_a_lost_connection_is_told_and_made_again() -> None:
    async def leave(socket: ServerConnection) -> None:
        await admit(socket)
        await socket.close()

    async def vanish(socket: ServerConnection) -> None:
        await admit(socket)
        socket.transport.abort()

    async with listening(leave, vanish, sending(frame())) as (updates, heard):
        await until(lambda: len(heard.updates) == 1)
        assert heard.told == ["connected", "disconnected"] * 2 + ["connected"]
        assert updates.state.connections == 3


async def test_messages_before_the_admission_are_passed_over() -> None:
    async def chatty(socket: ServerConnection) -> None:
        await socket.send("hello")
        await socket.send(json.dumps({"stream": "news", "data": 5}))
        await sending(frame())(socket)

    async with listening(chatty) as (_, heard):
        await until(lambda: len(heard.updates) == 1)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            {"stream": "authorization", "data": {"status": "unauthorized"}},
            "does not accept these keys",
        ),
        ({"action": "error", "data": {"error_message": "connection limit"}}, "connection limit"),
    ],
)
async def test_a_refusal_is_told_and_not_knocked_on(answer: dict[str, Any], why: str) -> None:
    knocks = []

    async def refuse(socket: ServerConnection) -> None:
        knocks.append(1)
        await socket.recv()
        await socket.send(json.dumps(answer))

    backoff = Backoff(0.5, 30)
    async with listening(refuse, backoff=backoff) as (updates, heard):
        await until(lambda: why in updates.state.error)
        assert backoff.delay() >= 15
        assert not updates.connected
        assert heard.told == []
        assert len(knocks) == 1


async def test_a_server_that_is_no_websocket_is_tried_again() -> None:
    tried = []

    async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(1)
        writer.write(b"HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(slam, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with running(f"http://127.0.0.1:{port}") as (updates, heard):
            await until(lambda: len(tried) >= 2)
            assert heard.told == []
            assert not updates.connected


async def test_a_peer_that_falls_silent_is_given_up() -> None:
    """Half open: the socket lives, nothing comes back, not even a pong."""
    frozen = asyncio.Event()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if frozen.is_set():
                await asyncio.get_running_loop().create_future()
            writer.write(data)

    async with serve(sending(frame()), "127.0.0.1", 0) as server:
        upstream = server.sockets[0].getsockname()[1]
        pumps: list[asyncio.Task[None]] = []
        writers: list[asyncio.StreamWriter] = []

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", upstream)
            writers.extend([writer, back])
            for source, sink in ((reader, back), (there, writer)):
                pumps.append(asyncio.ensure_future(carry(source, sink)))

        async with await asyncio.start_server(relay, "127.0.0.1", 0) as between:
            port = between.sockets[0].getsockname()[1]
            async with running(f"http://127.0.0.1:{port}") as (updates, heard):
                await until(lambda: len(heard.updates) == 1)
                frozen.set()
                await until(lambda: heard.told == ["connected", "disconnected"])
                assert not updates.connected
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in writers:
                writer.transport.abort()
