"""How many quotes a second each client takes from a socket into the cache, and how late.

Ours (services/market) and alpaca-py's OptionDataStream, its default models and handler, read
the same pre-encoded frames from a separate process and write the same OptionChainCache through
the same method. Rounds are interleaved; medians and ranges are reported.

    python -m bench.quote_stream
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgpack

from common.clock import MonotonicClock
from common.contracts import OptionContract, Right
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream
from services.market.wire import QuoteMessage

DAY = datetime.now(UTC).date()
CONTRACTS = [
    OptionContract(underlying="SPY", expiry=DAY, strike=Decimal(620 + k), right=right)
    for k in range(100)
    for right in Right
]
SYMBOLS = [contract.symbol for contract in CONTRACTS]
FRAMES = 1_000  # distinct ones, sent over and over
STAMP = struct.Struct(">Q")
STAMP_MARK = b"\xa1t\xd7\xff"  # key "t", then a 64-bit msgpack timestamp
READ_EVERY = 0.25  # seconds between reads of the cache, as the desk does
TICK = 0.001  # seconds between sends when paced


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: median of the rounds, with their range."""

    what: str
    median: float
    low: float
    high: float
    unit: str
    note: str = ""

    @classmethod
    def of(cls, what: str, values: Sequence[float], unit: str, note: str = "") -> Row:
        return cls(
            what=what,
            median=statistics.median(values),
            low=min(values),
            high=max(values),
            unit=unit,
            note=note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the sender sends: rate 0 is as fast as the reader takes it."""

    per_frame: int
    quotes: int
    rate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one client made of one load."""

    received: int
    conflated: int
    seconds: float
    cpu: float
    delays: list[float]  # ms from just before the send to being in the cache

    @property
    def rate(self) -> float:
        return self.received / self.seconds


def chain_cache(load: Load) -> OptionChainCache:
    """Return the cache both clients write; one that takes the time only when paced."""
    cache = TimedCache() if load.rate else OptionChainCache(MonotonicClock())
    cache.load(DAY, CONTRACTS)
    return cache


class TimedCache(OptionChainCache):
    """The cache, noting when each quote was in."""

    def __init__(self) -> None:
        super().__init__(MonotonicClock())
        self.due: list[datetime] = []  # two lists of what the collector need not look at
        self.at: list[int] = []

    def apply(self, quotes: Iterable[QuoteMessage], received_ns: int) -> None:
        super().apply(quotes, received_ns)
        now = time.time_ns()
        for quote in quotes:
            self.at.append(now)
            self.due.append(quote.at)


# ---------------------------------------------------------------- the sender's process


def frame(start: int, per_frame: int) -> bytearray:
    """Encode one WebSocket frame of quotes, stamps to be filled in."""
    payload = msgpack.packb(
        [
            {
                "T": "q",
                "S": SYMBOLS[(start + i) % len(SYMBOLS)],
                "t": msgpack.Timestamp(2**33, 1),  # outside 32 bits, so that it takes 64
                "bx": "A",
                "bp": round(1 + (start + i) % 700 / 100, 2),
                "bs": 53,
                "ax": "C",
                "ap": round(1.02 + (start + i) % 700 / 100, 2),
                "as": 38,
                "c": "A",
            }
            for i in range(per_frame)
        ]
    )
    return bytearray(ws_header(len(payload)) + payload)


def ws_header(size: int) -> bytes:
    if size < 126:
        return bytes([0x82, size])
    if size < 65_536:
        return struct.pack(">BBH", 0x82, 126, size)
    return struct.pack(">BBQ", 0x82, 127, size)


def stamps(encoded: bytearray) -> list[int]:
    """Return where the timestamps of a frame lie."""
    found, at = [], encoded.find(STAMP_MARK)
    while at >= 0:
        found.append(at + len(STAMP_MARK))
        at = encoded.find(STAMP_MARK, at + 1)
    return found


def send(connection: socket.socket, load: Load) -> None:
    """Send the load: all at once, or each tick's share when it is due."""
    if load.rate:
        send_paced(connection, load)
        return
    now = STAMP.pack(time.time_ns() // 1_000_000_000)
    batch = bytearray()
    for i in range(FRAMES):
        encoded = frame(i * load.per_frame, load.per_frame)
        for place in stamps(encoded):
            encoded[place : place + 8] = now
        batch += encoded
    for _ in range(load.quotes // (FRAMES * load.per_frame)):
        connection.sendall(batch)


def send_paced(connection: socket.socket, load: Load) -> None:
    frames = [frame(i * load.per_frame, load.per_frame) for i in range(FRAMES)]
    places = [stamps(encoded) for encoded in frames]
    total = load.quotes // load.per_frame
    batch = max(round(load.rate * TICK / load.per_frame), 1)
    began = time.time_ns()
    for first in range(0, total, batch):
        due = began + round(first * load.per_frame / load.rate * 1e9)
        if (left := due - time.time_ns()) > 0:
            time.sleep(left / 1e9)
        seconds, ns = divmod(time.time_ns(), 1_000_000_000)
        stamp = STAMP.pack(ns << 34 | seconds)
        chunk = bytearray()
        for i in range(first, min(first + batch, total)):
            encoded = frames[i % FRAMES]
            for place in places[i % FRAMES]:
                encoded[place : place + 8] = stamp
            chunk += encoded
        connection.sendall(chunk)


def control(connection: socket.socket, **message: object) -> None:
    payload = msgpack.packb([message])
    connection.sendall(ws_header(len(payload)) + payload)


def serve(load: Load) -> None:
    """Print the port, serve one client the load after its login and subscription, and end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.suppress(ConnectionError):
            request = connection.recv(65_536).decode()
            key = next(
                line.split(": ")[1]
                for line in request.split("\r\n")
                if line.lower().startswith("sec-websocket-key")
            )
            digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())  # noqa: S324
            accept = base64.b64encode(digest.digest()).decode()
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
            )
            control(connection, T="success", msg="connected")
            connection.recv(65_536)
            control(connection, T="success", msg="authenticated")
            connection.recv(65_536)
            control(connection, T="subscription", quotes=SYMBOLS, trades=[])
            time.sleep(0.2)
            send(connection, load)
            while connection.recv(65_536):  # until the client leaves
                pass


@contextlib.contextmanager
def sender(load: Load) -> Iterator[str]:
    """Start the sender; give its address."""
    command = [sys.executable, "-m", "bench.quote_stream", "serve"]
    command += [str(load.per_frame), str(load.quotes), str(load.rate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            yield f"ws://127.0.0.1:{port}/v1beta1/indicative"
        finally:
            process.kill()


# ---------------------------------------------------------------- the two clients


async def watched(cache: OptionChainCache, load: Load) -> Run:
    """Wait until everything came, or nothing more does."""

    def applied() -> int:
        return cache.counters().applied

    while not applied():  # noqa: ASYNC110 (nothing tells of it)
        await asyncio.sleep(0.001)
    start, cpu = time.perf_counter(), time.process_time()
    before, read_at, moved = applied(), start, start
    already = before
    while applied() < load.quotes and time.perf_counter() - moved < 5:
        await asyncio.sleep(0.002)
        now = time.perf_counter()
        if applied() != before:
            before, moved = applied(), now
        if now - read_at > READ_EVERY:
            cache.columns()
            read_at = now
    delays = (
        [
            (at - round(due.timestamp() * 1e6) * 1000) / 1e6
            for at, due in zip(cache.at, cache.due, strict=True)
        ]
        if isinstance(cache, TimedCache)
        else []
    )
    return Run(
        received=applied() - already if not load.rate else applied(),
        conflated=cache.counters().conflated,
        seconds=moved - start,
        cpu=time.process_time() - cpu,
        delays=delays,
    )


async def ours(url: str, load: Load) -> Run:
    cache = chain_cache(load)
    stream = OptionQuoteStream(url, "K", "S", feed="bench", cache=cache, wall=MonotonicClock())
    stream.want(SYMBOLS)
    stream.start()
    job = asyncio.create_task(stream.run())
    run = await watched(cache, load)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    return run


async def alpacas(url: str, load: Load) -> Run:
    from alpaca.data.live.option import OptionDataStream

    cache = chain_cache(load)
    client = OptionDataStream("K", "S", url_override=url)

    async def write(quote: Any) -> None:
        message = QuoteMessage(
            quote.symbol,
            quote.timestamp,
            quote.bid_price,
            quote.ask_price,
            quote.bid_size,
            quote.ask_size,
        )
        cache.apply((message,), time.monotonic_ns())

    client.subscribe_quotes(write, *SYMBOLS)
    job = asyncio.create_task(client._run_forever())
    run = await watched(cache, load)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    return run


CLIENTS: dict[str, Callable[[str, Load], Coroutine[Any, Any, Run]]] = {
    "ours": ours,
    "alpaca-py": alpacas,
}


def measure(client: str, load: Load) -> Run:
    with sender(load) as url:
        return asyncio.run(CLIENTS[client](url, load))


# ---------------------------------------------------------------- the table


def ceilings(rounds: int, quotes: int) -> list[Row]:
    """Return the highest rates at 1, 10 and 50 quotes a frame, and their ratio."""
    rows = []
    for per_frame in (1, 10, 50):
        load = Load(per_frame=per_frame, quotes=quotes)
        runs: dict[str, list[Run]] = {name: [] for name in CLIENTS}
        for _ in range(rounds):
            for name in CLIENTS:
                runs[name].append(measure(name, load))
        for name, made in runs.items():
            cpu = statistics.median(run.cpu / run.received * 1e6 for run in made)
            note = f"CPU {cpu:.2f} us a quote; {_account(load, made)}"
            what = f"quotes/s, {per_frame} a frame, {name}"
            rows.append(Row.of(what, [run.rate for run in made], "/s", note))
        ratios = [
            mine.rate / his.rate for mine, his in zip(runs["ours"], runs["alpaca-py"], strict=True)
        ]
        rows.append(Row.of(f"quotes/s, {per_frame} a frame, ratio", ratios, "x"))
    return rows


def delays(rounds: int, rate: int = 50_000, seconds: int = 5) -> list[Row]:
    """Return how late quotes are in our cache at a steady rate, 10 a frame."""
    load = Load(per_frame=10, quotes=rate * seconds, rate=rate)
    runs = [measure("ours", load) for _ in range(rounds)]
    rows = []
    for name, at in (("p50", 0.50), ("p99", 0.99), ("p99.9", 0.999)):
        values = [sorted(run.delays)[int(at * len(run.delays))] for run in runs]
        what = f"socket to cache at {rate:,} quotes/s, {name}"
        rows.append(Row.of(what, values, "ms", _account(load, runs)))
    return rows


def _account(load: Load, runs: Sequence[Run]) -> str:
    offered = load.quotes if load.rate else None
    received = sorted({run.received for run in runs})
    conflated = statistics.median(run.conflated for run in runs)
    all_in = f"offered {offered:,} received {received}" if offered else f"of {load.quotes:,}"
    return f"{all_in}, conflated {conflated:,.0f}"


def rows(rounds: int = 3, quotes: int = 100_000) -> list[Row]:
    """Measure everything; the rows of the table."""
    logging.getLogger("alpaca").setLevel(logging.CRITICAL)
    return ceilings(rounds, quotes) + delays(rounds)


def main() -> None:
    """Print the table."""
    for row in rows():
        print(
            f"{row.what:48} {row.median:12,.2f} {row.unit:3}"
            f" [{row.low:,.2f} .. {row.high:,.2f}]  {row.note}",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Load(per_frame=int(sys.argv[2]), quotes=int(sys.argv[3]), rate=int(sys.argv[4])))
    else:
        main()
