"""The two clients of the quote benchmark, writing one kind of cache through one method."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.quote_sender import CONTRACTS, DAY, SYMBOLS, Load, sender
from common.clock import MonotonicClock
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream
from services.market.wire import QuoteMessage

READ_EVERY = 0.25  # seconds between reads of the cache, as the desk does


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
    socket: Any = client._ws
    socket.transport.abort()  # closing in form takes it ten seconds
    await asyncio.gather(job, return_exceptions=True)
    return run


CLIENTS: dict[str, Callable[[str, Load], Coroutine[Any, Any, Run]]] = {
    "ours": ours,
    "alpaca-py": alpacas,
}


def measure(client: str, load: Load) -> Run:
    with sender(load) as url:
        return asyncio.run(CLIENTS[client](url, load))
