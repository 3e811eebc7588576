"""A load generator: orders over keep-alive sockets, each connection one at a time.

    python -m bench.order_load      reads a Plan as JSON from stdin, prints a Run as JSON

Everything but the number in the client order id is encoded beforehand, so that what is
measured is the server, not this process. Asyncio protocols, no HTTP library.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from urllib.parse import SplitResult, urlsplit

LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One connection for each pair of keys, for so many seconds after a warm-up."""

    url: str
    keys: Sequence[tuple[str, str]]
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of it. acknowledged counts the warm-up too; delays do not, ms."""

    acknowledged: int
    refused: int
    rate: float  # acknowledged orders a second
    delays: list[float]


@dataclass(slots=True)
class Count:
    """What all connections have in common."""

    until: float
    measured_from: float
    acknowledged: int = 0
    refused: int = 0
    delays: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """Sends an order, waits for its reply, sends the next."""

    def __init__(self, name: str, head: bytes, count: Count) -> None:
        self._name, self._head, self._count = name, head, count
        self._buffer = bytearray()
        self._number = 0
        self._sent = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(head.partition(LENGTH)[2].partition(b"\r")[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._answered(head.startswith(b"http/1.1 200"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server hung up"))

    def _answered(self, acknowledged: bool) -> None:
        now = time.perf_counter()
        count = self._count
        if acknowledged:
            count.acknowledged += 1
            if now >= count.measured_from:
                count.delays.append((now - self._sent) * 1e3)
        else:
            count.refused += 1
        self._buffer.clear()
        if now < count.until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        self._number += 1
        body = (
            b'{"symbol":"SPY","qty":"1","side":"buy","type":"market","time_in_force":"day",'
            b'"client_order_id":"%s-%08d"}' % (self._name.encode(), self._number)
        )
        self._sent = time.perf_counter()
        self._transport.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))


async def offered(plan: Plan) -> Run:
    """Send orders for the time of the plan."""
    measured_from = time.perf_counter() + plan.warm_up
    count = Count(until=measured_from + plan.seconds, measured_from=measured_from)
    connections = [
        await _connected(urlsplit(plan.url), keys, f"bench-{number}", count)
        for number, keys in enumerate(plan.keys)
    ]
    await asyncio.gather(*(connection.done for connection in connections))
    elapsed = time.perf_counter() - measured_from
    return Run(
        acknowledged=count.acknowledged,
        refused=count.refused,
        rate=len(count.delays) / elapsed,
        delays=count.delays,
    )


async def _connected(
    address: SplitResult, keys: tuple[str, str], name: str, count: Count
) -> Connection:
    key, secret = keys
    head = (
        f"POST /v2/orders HTTP/1.1\r\nHost: {address.netloc}\r\nAPCA-API-KEY-ID: {key}\r\n"
        f"APCA-API-SECRET-KEY: {secret}\r\nContent-Type: application/json\r\nContent-Length: "
    )
    connection = Connection(name, head.encode(), count)
    await asyncio.get_running_loop().create_connection(
        lambda: connection, address.hostname or "", address.port or 0
    )
    return connection


def offer(plan: Plan) -> Run:
    """Send orders from a process of its own."""
    command = [sys.executable, "-m", "bench.order_load"]
    told = subprocess.run(
        command, input=json.dumps(asdict(plan)).encode(), stdout=subprocess.PIPE, check=True
    )
    return Run(**json.loads(told.stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(offered(Plan(**json.load(sys.stdin)))))))
