"""The option quote stream: one connection, kept alive, feeding the chain cache.

Own client on picows and msgspec, because the broker's falls behind at a tenth of the rate and
reconnects without a pause when it is refused. A refusal is retried slowly, silence is
noticed, and a reconnect subscribes to exactly what is wanted at that moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from picows import WSAutoPingStrategy, WSError, ws_connect

from common.clock import WallClock
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_connection import (
    SYMBOL_LIMIT,
    QuoteConnection,
    Tally,
    limit_after_refusal,
)
from services.market.stream_stats import Meter, StreamState, StreamStats, percentile
from services.ops.backoff import Backoff

log = logging.getLogger(__name__)

_HEADERS: Final = (("Content-Type", "application/msgpack"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTimes:
    """How long the stream waits for what, in wall time."""

    ping_idle: timedelta = timedelta(seconds=2)  # silence before a ping
    ping_reply: timedelta = timedelta(seconds=2)  # then the socket counts as dead
    login: timedelta = timedelta(seconds=10)
    stale: timedelta = timedelta(seconds=5)  # mute while quotes are due
    mute: timedelta = timedelta(seconds=15)  # then connect anew
    look: timedelta = timedelta(seconds=0.5)  # how often silence is looked for
    close: timedelta = timedelta(seconds=1)
    retry_first: timedelta = timedelta(seconds=0.5)
    retry_most: timedelta = timedelta(seconds=30)
    refused: timedelta = timedelta(seconds=60)  # between half of it and all after a refusal


class OptionQuoteStream:
    """Owns the only connection to the option feed.

    run is a job for the supervisor; it connects while start has been called and stop has not.
    due tells whether quotes are to be expected now: outside the session silence is no fault.
    """

    def __init__(
        self,
        url: str,
        key: str,
        secret: str,
        *,
        feed: str,
        cache: OptionChainCache,
        wall: WallClock,
        due: Callable[[], bool] = lambda: True,
        times: StreamTimes | None = None,
    ) -> None:
        self._url = url
        self._key, self._secret = key, secret
        self._feed = feed
        self._cache = cache
        self._wall = wall
        self._due = due
        self._times = times or StreamTimes()
        self._wanted: frozenset[str] = frozenset()
        self._limit: int | None = None
        self._connection: QuoteConnection | None = None
        self._state = StreamState.OFF
        self._reason = ""
        self._tally = Tally()
        self._meter = Meter(wall)
        self._gaps = self._connects = 0
        self._silent_since_ns = 0
        self._on = asyncio.Event()
        self._off = asyncio.Event()
        self._off.set()
        self._idle = asyncio.Event()  # no socket is open
        self._idle.set()
        self._running = False

    @property
    def state(self) -> StreamState:
        """Where the stream stands."""
        return self._state

    @property
    def on(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._on.is_set()

    @property
    def symbols_limit(self) -> int | None:
        """How many symbols the feed was found to allow; None until it refused some."""
        return self._limit

    def start(self) -> None:
        """Connect, and stay connected; starting twice is starting once."""
        self._off.clear()
        self._on.set()

    async def stop(self) -> None:
        """Close the socket, and return once it is closed."""
        self._on.clear()
        self._off.set()
        await self._idle.wait()
        self._state, self._reason = StreamState.OFF, ""

    def want(self, symbols: Collection[str]) -> None:
        """Subscribe to exactly these symbols, now and after every reconnect."""
        self._wanted = frozenset(symbols)
        if self._connection is not None:
            self._connection.want(self._wanted)

    def stats(self) -> StreamStats:
        """Return how the stream fares."""
        subscribed = self._connection.subscribed if self._connection else frozenset[str]()
        ages = self._cache.ages(subscribed)
        last = self._tally.last_message_ns
        age = None if last is None else timedelta(microseconds=(self._wall.ns() - last) / 1000)
        return StreamStats(
            state=self._state,
            feed=self._feed,
            symbols=len(subscribed),
            messages=self._tally.messages,
            per_second=self._meter.per_second(self._tally.messages),
            p50_age=percentile(ages, 0.50),
            p95_age=percentile(ages, 0.95),
            last_message_age=age,
            gaps=self._gaps,
            reconnects=max(self._connects - 1, 0),
            errors=self._tally.errors,
            undecodable=self._tally.undecodable,
            reason=self._reason,
        )

    async def run(self) -> None:
        """Keep the stream connected while it is on, for ever.

        Raises RuntimeError when it already runs: there is one owner of the connection.
        """
        if self._running:
            raise RuntimeError("the quote stream already runs")
        self._running = True
        try:
            times = self._times
            backoff = Backoff(_seconds(times.retry_first), _seconds(times.retry_most))
            refusal = Backoff(_seconds(times.refused), _seconds(times.refused))
            while True:
                await self._on.wait()
                connection = await self._connected()
                if connection.quoted:
                    backoff.reset()
                pause = (refusal if connection.refused else backoff).delay()
                await _wait(self._off, pause)
        finally:
            self._running = False
            self._state = StreamState.OFF

    async def _connected(self) -> QuoteConnection:
        """Hold one connection from its opening to its end; return what it went through."""
        connection = QuoteConnection(self._key, self._secret, self._cache, self._wall, self._tally)
        if self._state is not StreamState.REFUSED:
            self._state = StreamState.CONNECTING
        self._idle.clear()
        try:
            await self._open(connection)
            self._connection = connection
            if not await _wait(connection.ready, _seconds(self._times.login), self._off):
                self._complain("the feed did not answer the login in time")
            elif connection.authenticated:
                await self._serve(connection)
        except (OSError, WSError, TimeoutError) as e:
            self._tally.errors += 1
            self._complain(f"cannot connect: {type(e).__name__}")
        finally:
            self._connection = None
            await self._shut(connection)
        if connection.refused and connection.error is not None:
            self._state = StreamState.REFUSED
            self._complain(f"{connection.error.code} {connection.error.msg}")
        elif self._state is not StreamState.REFUSED:
            self._state = StreamState.CONNECTING
        return connection

    async def _open(self, connection: QuoteConnection) -> None:
        times = self._times
        async with asyncio.timeout(_seconds(times.login)):
            await ws_connect(
                lambda: connection,
                self._url,
                extra_headers=dict(_HEADERS),
                enable_auto_ping=True,
                auto_ping_idle_timeout=_seconds(times.ping_idle),
                auto_ping_reply_timeout=_seconds(times.ping_reply),
                auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
                websocket_handshake_timeout=_seconds(times.login),
            )

    async def _serve(self, connection: QuoteConnection) -> None:
        """Watch over a connection that is logged in until it ends, falls mute or is stopped."""
        self._connects += 1
        self._state, self._reason = StreamState.LIVE, ""
        self._silent_since_ns = self._wall.ns()
        connection.want(self._wanted)
        while not await _wait(self._off, _seconds(self._times.look), connection.closed):
            self._meter.sample(self._tally.messages)
            self._heed(connection)
            if self._silence() > self._times.mute:
                self._complain("connected, but no quote came")
                return
        if connection.closed.is_set():
            error = connection.error
            said = f", after {error.code} {error.msg}" if error is not None else ""
            self._complain(f"the connection was lost{said}")

    def _heed(self, connection: QuoteConnection) -> None:
        """Note silence, and a subscription the feed found too large."""
        silent = self._silence() > self._times.stale
        if silent and self._state is StreamState.LIVE:
            self._gaps += 1
            self._state = StreamState.STALE
            self._reason = "connected, but no quote came"
        elif not silent and self._state is StreamState.STALE:
            self._state, self._reason = StreamState.LIVE, ""
        error = connection.error
        if error is not None and error.code == SYMBOL_LIMIT:
            connection.error = None
            self._limit = limit_after_refusal(self._wanted, connection.subscribed)
            self._reason = f"{error.code} {error.msg}; asking for {self._limit}"

    def _silence(self) -> timedelta:
        """Return how long quotes have been due and missing."""
        now = self._wall.ns()
        if not self._wanted or not self._due():
            self._silent_since_ns = now
        since = max(self._silent_since_ns, self._tally.last_message_ns or self._silent_since_ns)
        return timedelta(microseconds=(now - since) / 1000)

    async def _shut(self, connection: QuoteConnection) -> None:
        """Close the socket and wait for its end, but not for a peer that does not answer."""
        try:
            connection.close()
            if connection.opened and not await _wait(
                connection.closed, _seconds(self._times.close)
            ):
                connection.close(graceful=False)
        finally:
            connection.close(graceful=False)
            self._idle.set()

    def _complain(self, reason: str) -> None:
        self._reason = reason
        log.warning("option quote stream: %s", reason)


async def _wait(event: asyncio.Event, seconds: float, other: asyncio.Event | None = None) -> bool:
    """Wait for an event, or another, for so long; return whether either came."""
    tasks = [asyncio.ensure_future(e.wait()) for e in (event, other) if e is not None]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()


def _seconds(duration: timedelta) -> float:
    return duration.total_seconds()
