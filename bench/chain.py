"""How soon a quote is in the chain that strategies read, priced: 5,000 quotes a second.

The chain service as the desk runs it, its stream client on a socket of a separate process that
sends what was encoded beforehand. Each quote bears the time of its send. A reader looks at the
chain every few milliseconds and notes how old what it shows of each streamed contract is, the
price that its greeks belong to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast

from bench.quote_sender import DAY, FORWARD, Load, sender
from bench.rows import Row, percentile
from common.clock import MarketClock, MonotonicClock
from common.config import Settings
from common.contracts import OptionContract, Right
from common.quotes import Quote
from common.session import Session
from services.broker.reader import BrokerReader, ListedContract
from services.market.calendar import SessionCalendar
from services.market.chain import ChainService
from services.market.chain_plan import ChainPlan
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream
from services.market.spot import SpotFeed

ROUNDS = 5
LOAD = Load(per_frame=10, quotes=50_000, rate=5_000)
LOOK = 0.004  # seconds between two looks of the reader
REFRESH_MOST, VISIBLE_MOST = 250.0, 1_000.0  # ms
SESSION = Session.regular(DAY)
NOW = SESSION.open + timedelta(hours=2)
LISTED = [
    OptionContract(underlying="SPY", expiry=DAY, strike=Decimal(570 + k), right=right)
    for k in range(200)
    for right in Right
]


class Broker:
    """The few answers the chain asks of a broker, from memory."""

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        return (SESSION,)

    async def contracts(self, underlying: str, expiry: date) -> tuple[ListedContract, ...]:
        return tuple(
            ListedContract(contract=contract, tradable=True, open_interest=100)
            for contract in LISTED
        )

    async def chain_quotes(self, underlying: str, expiry: date) -> dict[str, Quote]:
        return {}

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        return {}

    async def stock_quote(self, symbol: str) -> Quote:
        mid = Decimal(str(FORWARD))
        cent = Decimal("0.01")
        return Quote(bid=mid - cent, ask=mid + cent, bid_size=1, ask_size=1, at=NOW)


def rows() -> list[Row]:
    """Measure how often the chain is new, and how late its quotes are."""
    refreshes, visibles, priced = [], [], []
    for _ in range(ROUNDS):
        with sender(LOAD) as url:
            between, ages, greeks = asyncio.run(_watched(url))
        refreshes.append(percentile(between, 0.95))
        visibles.append(percentile(ages, 0.95))
        priced.append(greeks)
    what = f"at {LOAD.rate:,} quotes/s over {len(LISTED)} contracts"
    note = f"greeks of {min(priced)} to {max(priced)} contracts"
    return [
        Row.of(f"between two prices {what}, p95", refreshes, "ms", note, at_most=REFRESH_MOST),
        Row.of(f"oldest quote shown {what}, p95", visibles, "ms", at_most=VISIBLE_MOST),
    ]


async def _watched(url: str) -> tuple[list[float], list[float], int]:
    """Return ms between refreshes, ms of the oldest quote shown, and contracts with greeks."""
    chain = _chain(url)
    jobs = [asyncio.ensure_future(job()) for job in chain.jobs().values()]
    between: list[float] = []
    ages: list[float] = []
    fitted: datetime | None = None
    priced = 0
    chain.start_streaming()
    end = time.perf_counter() + 3 + LOAD.quotes / LOAD.rate
    while time.perf_counter() < end:
        await asyncio.sleep(LOOK)
        if chain.status().counters.applied == 0:
            continue
        snapshot, now = chain.snapshot(), time.time_ns()
        if snapshot.at != fitted:
            if fitted is not None:
                between.append((snapshot.at - fitted) / timedelta(milliseconds=1))
            fitted = snapshot.at
            priced = sum(row.greeks is not None for row in snapshot.rows)
        quoted = [row.quote.at.timestamp() for row in snapshot.rows if row.quote is not None]
        if (
            quoted and chain.status().counters.applied < LOAD.quotes
        ):  # else they age for want of new ones
            ages.append(max(now / 1e6 - at * 1e3 for at in quoted))
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
    return between, ages, priced


def _chain(url: str) -> ChainService:
    reader, wall = cast(BrokerReader, Broker()), MonotonicClock()
    clock = MarketClock(wall, NOW)
    calendar = SessionCalendar(reader, clock)
    cache = OptionChainCache(wall)
    spot = SpotFeed(reader, "SPY", interval=timedelta(seconds=1), clock=clock, wall=wall)
    stream = OptionQuoteStream(url, "K", "S", feed="bench", cache=cache, wall=wall)
    interval = Settings(_env_file=None).spy_chain_update_interval
    plan = ChainPlan(feed="bench", update_interval=interval)
    return ChainService(reader, stream, cache, spot, calendar, clock=clock, wall=wall, plan=plan)
