"""A broker that misbehaves on a real socket, as told, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.services.broker.waiting import until

ORDER_ID = "61e69015-8549-4bfd-b9c3-01e75843f47d"
Answer = Callable[["Heard", asyncio.StreamWriter], Any]


@dataclass(frozen=True)
class Heard:
    """One request as it came off the wire."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class FaultServer:
    """answers are used up in turn; the last one stays."""

    answers: list[Answer]
    heard: list[Heard] = field(default_factory=list)
    peers: set[Any] = field(default_factory=set)
    url: str = ""
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    def count(self, method: str) -> int:
        return sum(request.method == method for request in self.heard)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.add(writer.get_extra_info("peername"))
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                request = await _request(head.decode(), reader)
                self.heard.append(request)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                await answer(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # either end may leave at any moment
        finally:
            self.serving.discard(task)
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _request(head: str, reader: asyncio.StreamReader) -> Heard:
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    return Heard(
        method, parts.path, dict(parse_qsl(parts.query)), headers, json.loads(body or "null")
    )


@asynccontextmanager
async def fault_server(
    *answers: Answer, tls: ssl.SSLContext | None = None
) -> AsyncIterator[FaultServer]:
    state = FaultServer(list(answers))
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0, ssl=tls)
    state.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        if tls is None:
            await _all_accepted(state, server.sockets[0].getsockname()[1])
        server.close()
        serving = tuple(state.serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _all_accepted(state: FaultServer, port: int) -> None:
    """Wait until every connection made so far is served: they are taken in their order."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    ours = writer.get_extra_info("sockname")
    await until(lambda: ours in state.peers)
    writer.close()
    await writer.wait_closed()


def reply(status: int, body: Any = None, **headers: str) -> Answer:
    """Answer with a status and JSON, or with raw text when the body is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""

    async def answer(_: Heard, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await writer.drain()

    return answer


def taken(**changes: Any) -> Answer:
    """Take the order, as the broker does in session."""

    async def answer(request: Heard, writer: asyncio.StreamWriter) -> None:
        await reply(200, order_json(request.body, **changes))(request, writer)

    return answer


async def hang(_: Heard, __: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.get_running_loop().create_future()


async def close(_: Heard, writer: asyncio.StreamWriter) -> None:
    """End the connection instead of answering."""
    writer.close()


async def reset(_: Heard, writer: asyncio.StreamWriter) -> None:
    """Answer with a TCP reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def break_off(_: Heard, writer: asyncio.StreamWriter) -> None:
    """Send half of an answer."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"id": "61e6')
    await writer.drain()
    writer.close()


async def trickle(_: Heard, writer: asyncio.StreamWriter) -> None:
    """Send an answer so slowly that no single read ever times out."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


def order_json(sent: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return an order as the broker writes it, every key there and every number a text."""
    sent = sent or {}
    stamp = "2026-11-20T15:05:00.668464435Z"
    body: dict[str, Any] = {
        "id": ORDER_ID,
        "client_order_id": "c-1",
        "created_at": stamp,
        "updated_at": stamp,
        "submitted_at": stamp,
        "filled_at": None,
        "asset_id": "",
        "symbol": "",
        "asset_class": "us_option",
        "notional": None,
        "qty": "1",
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "simple",
        "type": "limit",
        "side": "",
        "position_intent": "",
        "time_in_force": "day",
        "limit_price": None,
        "status": "pending_new",
        "legs": None,
    }
    body |= {key: value for key, value in sent.items() if key != "legs"}
    if sent.get("legs"):
        body["legs"] = [
            body | leg | {"qty": leg["ratio_qty"], "limit_price": None, "legs": None}
            for leg in sent["legs"]
        ]
    return body | changes
