"""Resting orders on a market in motion: from the tick that reaches an order to its news.

A venue with its journal, as the exchange runs it, on a market that ticks by a script. An
order is reached at an instant the script fixes; its news is published once its fill is durable.
The delay between the two holds the wait for the next look at the market, the fill, and
the commit.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import process_time

import uvloop

from bench.rows import Row, percentile
from common.clock import MonotonicClock, SystemClock
from common.contracts import AssetClass
from common.ids import AccountId, RandomIds
from common.money import CENT
from common.orders import OrderType, Side, TimeInForce
from common.quotes import Quote
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.market import Rules
from paper_exchange.engine.updates import OrderUpdate
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.clock import DemoClock
from paper_exchange.feed.clock_file import ClockFile
from paper_exchange.feed.synthetic import SyntheticSource
from paper_exchange.store.database import Database
from paper_exchange.store.journal import SqlJournal
from paper_exchange.venue.markets import Markets
from paper_exchange.venue.pulse import Pulse
from paper_exchange.venue.shard import Shard
from paper_exchange.venue.venue import Venue

RUNS = 3
RESTING, ACCOUNTS = 10_000, 10
TICKS_A_SECOND = 1_000
SECONDS = 10
SPACING = 5  # ticks from one order of a symbol to the next: a fifth of all ticks fires one
P95_MOST = 50.0
DAY, START = date(2026, 11, 20), time(10, 30)
TOP = Decimal(1000)


class Falling(SyntheticSource):
    """The synthetic market with every quote of a share replaced: a cent less each tick."""

    def __init__(self, calendar: Calendar) -> None:
        super().__init__(7, calendar)
        stocks = [a.symbol for a in self.assets() if a.asset_class is AssetClass.EQUITY]
        self.every = timedelta(seconds=len(stocks) / TICKS_A_SECOND)  # a symbol's ticks
        self._phases = {symbol: n * self.every / len(stocks) for n, symbol in enumerate(stocks)}
        self.symbols = stocks
        self.begin: datetime | None = None

    def quotes(self, symbols: Sequence[str], at: datetime) -> list[Quote | None]:
        return [self._standing(symbol, at) for symbol in symbols]

    def ticked(self, symbol: str, number: int) -> datetime:
        """Return when a symbol's tick came."""
        assert self.begin is not None
        return self.begin + self._phases[symbol] + number * self.every

    def _standing(self, symbol: str, at: datetime) -> Quote:
        number = 0
        if self.begin is not None:
            number = max((at - self.begin - self._phases[symbol]) // self.every, 0)
        ask = TOP - number * CENT
        return Quote(bid=ask - CENT, ask=ask, bid_size=1000, ask_size=1000, at=at)


@dataclass(slots=True)
class Run:
    """What one run saw: delays from tick to published fill, ms; CPU, share of a core."""

    due: int
    delays: list[float] = field(default_factory=list)
    cpu: float = 0.0


def rows() -> list[Row]:
    """Measure the delay."""
    runs = [uvloop.run(_run()) for _ in range(RUNS)]
    note = (
        f"{RESTING:,} resting, {TICKS_A_SECOND:,} ticks/s, "
        f"{median(len(run.delays) for run in runs) / SECONDS:.0f} fills/s"
    )

    def delay(at: float) -> list[float]:
        return [percentile(run.delays, at) for run in runs]

    return [
        Row.of("tick to durable fill, p50", delay(0.50), "ms", note),
        Row.of("tick to durable fill, p95", delay(0.95), "ms", at_most=P95_MOST),
        Row.of("tick to durable fill, p99", delay(0.99), "ms"),
        Row.of("CPU of the venue", [run.cpu * 100 for run in runs], "%", "of one core"),
        Row.of("reached, but not filled", [r.due - len(r.delays) for r in runs], "", at_most=0),
    ]


async def _run() -> Run:
    with tempfile.TemporaryDirectory(prefix="bench-triggers-") as folder:
        database = await Database.open(f"sqlite:///{Path(folder) / 'exchange.sqlite'}")
        try:
            return await _measured(database)
        finally:
            await database.close()


async def _measured(database: Database) -> Run:
    calendar = Calendar()
    source = Falling(calendar)
    wall, system = MonotonicClock(), SystemClock()
    clock = DemoClock(calendar, ClockFile(None), system=system, wall=wall, day=DAY, at=START)
    run = Run(
        due=len(source.symbols) * (SECONDS * TICKS_A_SECOND // len(source.symbols) // SPACING)
    )

    def news(_: AccountId, update: OrderUpdate) -> None:
        if update.execution is not None and len(run.delays) < run.due:
            depth = int((TOP - (update.order.limit_price or TOP)) / CENT)
            reached = source.ticked(update.order.symbol, depth)
            run.delays.append((clock.now() - reached) / timedelta(milliseconds=1))

    markets = Markets(source, calendar, clock, Rules())
    shard = Shard(SqlJournal(database), news)
    pulse = Pulse(shard, markets, source, calendar, clock)
    await pulse.beat()
    await _place(Venue(shard, markets, clock, RandomIds()), source.symbols)
    beating = asyncio.create_task(pulse.run())
    source.begin = clock.now()
    before = process_time()
    await asyncio.sleep(SECONDS)
    run.cpu = (process_time() - before) / SECONDS
    await _drained(run)
    beating.cancel()
    return run


async def _place(venue: Venue, symbols: Sequence[str]) -> None:
    """Rest orders to buy under the market, spread over accounts."""
    accounts = [AccountId(f"bench-{number}") for number in range(ACCOUNTS)]
    for account in accounts:
        await venue.open_account(account, cash=Decimal(10**9))
    orders = []
    for number in range(RESTING):
        depth = (number // len(symbols) + 1) * SPACING
        command = SubmitOrder(
            order_id=venue.new_order_id(),
            symbol=symbols[number % len(symbols)],
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(1),
            limit_price=TOP - depth * CENT,
        )
        orders.append(venue.submit(accounts[number // len(symbols) % ACCOUNTS], command))
    await asyncio.gather(*orders)


async def _drained(run: Run) -> None:
    """Give what was reached in time a moment to be filled, then look no further."""
    for _ in range(100):
        if len(run.delays) >= run.due:
            break
        await asyncio.sleep(0.02)
