"""Our stream on a feed, with short waits, and today's contracts in its cache."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal

from common.clock import MonotonicClock
from common.contracts import OptionContract, Right
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream, StreamTimes
from tests.services.market.feed import KEY, SECRET, Feed, until

DAY = date(2026, 11, 20)
CONTRACTS = [
    OptionContract(underlying="SPY", expiry=DAY, strike=Decimal(strike), right=right)
    for strike in range(660, 680)
    for right in Right
]
SYMBOLS = [contract.symbol for contract in CONTRACTS]
A, B, C = SYMBOLS[:3]
MS = timedelta(milliseconds=1)
QUICK = StreamTimes(look=20 * MS, retry_first=10 * MS, retry_most=50 * MS, close=200 * MS)


@asynccontextmanager
async def streaming(
    url: str, times: StreamTimes = QUICK, key: str = KEY
) -> AsyncIterator[tuple[OptionQuoteStream, OptionChainCache]]:
    """Run a stream on an empty cache of today's contracts."""
    wall = MonotonicClock()
    cache = OptionChainCache(wall)
    cache.load(DAY, CONTRACTS)
    stream = OptionQuoteStream(
        url, key, SECRET, feed="indicative", cache=cache, wall=wall, times=times
    )
    job = asyncio.create_task(stream.run())
    stream.start()
    try:
        yield stream, cache
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


def bid_of(cache: OptionChainCache, symbol: str) -> Decimal | None:
    held = cache.columns().quote(cache.row_of(symbol))
    return None if held is None else held.bid


async def live(served: Feed, stream: OptionQuoteStream, *symbols: str) -> None:
    """Wait until exactly these symbols are subscribed, on both sides."""
    stream.want(symbols)
    await served.until(lambda: served.subscribed == set(symbols))
    await until(lambda: stream.stats().symbols == len(symbols))
