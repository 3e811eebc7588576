"""The bounded queue between the market and a client."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket

from paper_exchange.stream.outbox import Outbox


class Wire:
    """The far side of a socket that takes frames as fast as it is allowed to."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.open = asyncio.Event()

    def socket(self) -> WebSocket:
        async def send(message: object) -> None:
            await self.open.wait()
            assert isinstance(message, dict)
            if message["type"] == "websocket.send":
                self.sent.append(message["bytes"])

        async def receive() -> dict[str, object]:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b""}
        return WebSocket(scope, receive, send)


async def test_frames_leave_in_order_and_the_last_one_too() -> None:
    wire = Wire()
    wire.open.set()
    socket = wire.socket()
    await socket.accept()
    outbox = Outbox(binary=True)
    pump = asyncio.create_task(outbox.pump(socket))
    outbox.put(b"1")
    await asyncio.sleep(0)
    outbox.put(b"2")
    outbox.put(b"3")
    outbox.close()
    outbox.put(b"after the end")
    await asyncio.wait_for(pump, 5)
    assert wire.sent == [b"1", b"2", b"3"]
    assert not outbox.overrun


async def test_a_client_that_does_not_read_is_overrun_and_nothing_piles_up() -> None:
    outbox = Outbox(binary=True, frames_max=4)
    for n in range(4):
        outbox.put(bytes([n]))
    before = outbox.overrun
    outbox.put(b"one too many")
    assert (before, outbox.overrun) == (False, True)
    wire = Wire()
    wire.open.set()
    await asyncio.wait_for(outbox.pump(wire.socket()), 5)
    assert wire.sent == []
