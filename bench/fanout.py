"""Quotes to a hundred subscribers: how many arrive, how late, and how late at the slowest.

A hundred connections to the exchange's own stock stream, an account each, every one wanting
the quotes of the same symbols. The delay runs from the instant the quote was made, on the
exchange's clock, to its being decoded here: the wait for the stream's next look at the market
is in it. Clocks are compared once over HTTP, good to half of that call's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from time import perf_counter, time
from typing import Any

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.exchange import Exchange, Keys, call, exchange
from bench.rows import Row, percentile

RUNS = 3
SUBSCRIBERS = 100
SECONDS = 8.0
SYMBOLS = ("SPY", "QQQ", "IWM", "AAPL", "MSFT", "GOOG", "AMZN", "META", "TSLA", "NVDA")
SETTLE = 2.0  # seconds from the last subscription to the measurement
PROBES = 20


class _Message(msgspec.Struct):
    """Of any kind; t: when a quote was made, by the exchange's clock."""

    T: str
    msg: str = ""
    t: datetime | None = None


@dataclass(slots=True)
class Run:
    """The delays each subscriber saw, ms, and how long it listened."""

    delays: list[list[float]] = field(default_factory=list)
    closed: int = 0


class Subscriber(WSListener):
    """One connection; notes the delay of every quote once measuring begins."""

    def __init__(self, keys: Keys, offset: float) -> None:
        self._keys, self._offset = keys, offset
        self._decoder = msgspec.json.Decoder(list[_Message])
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.measuring = self.closed = False
        self.delays: list[float] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        key, secret = self._keys
        _send(transport, {"action": "auth", "key": key, "secret": secret})

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed = True

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            return
        now = time() + self._offset
        for message in self._decoder.decode(frame.get_payload_as_bytes()):
            if message.T == "q" and message.t is not None:
                if self.measuring:
                    self.delays.append((now - message.t.timestamp()) * 1e3)
            elif message.T == "subscription" and not self.subscribed.done():
                self.subscribed.set_result(None)
            elif message.msg == "authenticated":
                _send(transport, {"action": "subscribe", "quotes": SYMBOLS})


def rows() -> list[Row]:
    """Measure the fan-out."""
    with exchange(clock="demo", at="10:00") as running:
        keys = [running.open_account() for _ in range(SUBSCRIBERS)]
        offset = _offset(running)
        runs = [uvloop.run(_run(running.url, keys, offset)) for _ in range(RUNS)]
    every = [[delay for delays in run.delays for delay in delays] for run in runs]
    counts = [[len(delays) for delays in run.delays] for run in runs]
    note = f"{SUBSCRIBERS} subscribers, {len(SYMBOLS)} symbols each"
    slowest = [max(percentile(one, 0.95) for one in run.delays if one) for run in runs]
    return [
        Row.of("delivered", [len(run) / SECONDS for run in every], "quotes/s", note),
        Row.of("quote to subscriber, p50", [percentile(run, 0.5) for run in every], "ms"),
        Row.of("quote to subscriber, p95", [percentile(run, 0.95) for run in every], "ms"),
        Row.of("p95 of the slowest subscriber", slowest, "ms"),
        Row.of("least delivered / median", [min(c) / median(c) for c in counts], "x"),
        Row.of("cut off as too slow", [run.closed for run in runs], "", at_most=0),
    ]


async def _run(url: str, keys: Sequence[Keys], offset: float) -> Run:
    subscribers = [Subscriber(pair, offset) for pair in keys]
    address = url.replace("http://", "ws://") + "/v2/iex"
    transports = [
        (await ws_connect(lambda: subscriber, address))[0]  # noqa: B023 (called at once)
        for subscriber in subscribers
    ]
    await asyncio.gather(*(subscriber.subscribed for subscriber in subscribers))
    await asyncio.sleep(SETTLE)
    for subscriber in subscribers:
        subscriber.measuring = True
    await asyncio.sleep(SECONDS)
    for subscriber in subscribers:
        subscriber.measuring = False
    run = Run([subscriber.delays for subscriber in subscribers], sum(s.closed for s in subscribers))
    for transport in transports:
        transport.disconnect()
    return run


def _offset(running: Exchange) -> float:
    """Return what to add to this machine's time to have the exchange's, seconds."""
    found = []
    headers = {"APCA-API-KEY-ID": running.keys.key, "APCA-API-SECRET-KEY": running.keys.secret}
    for _ in range(PROBES):
        begin, clock = perf_counter(), time()
        told = call(running.url, "GET", "/v2/clock", b"", headers)
        took = perf_counter() - begin
        at = datetime.fromisoformat(told["timestamp"]).timestamp()
        found.append((took, at - clock - took / 2))
    return min(found)[1]


def _send(transport: WSTransport, message: Any) -> None:
    transport.send(WSMsgType.TEXT, msgspec.json.encode(message))
