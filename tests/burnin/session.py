"""One day of a burn-in: the clock is stepped, the desk lives through it, the books are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from common.config import Settings
from common.errors import TradingError
from services.broker.access import AlpacaAccess
from services.runtime import Services, open_services
from tests.burnin import account
from tests.burnin.days import Day, Kind
from tests.burnin.trader import Trader
from tests.exchange import Exchange

T = TypeVar("T")

PATIENCE: Final = 30.0  # seconds of wall time until what must come has come
POLL: Final = 0.02
SIGHT: Final = timedelta(seconds=3)  # how long the desk gets to see a step of the clock
FAULTY: Final = timedelta(minutes=40)  # how long a fault lasts, of market time

# What goes wrong at the exchange on some days, as its admin takes it.
FAULTS: Final[Mapping[Kind, Sequence[Mapping[str, Any]]]] = {
    Kind.FEED_LOSS: ({"kind": "stale_feed"}, {"kind": "drop_sockets"}),
    Kind.BROKER_ERRORS: (
        {"kind": "500", "method": "POST", "path": "/v2/orders", "times": 2},
        {"kind": "timeout_after_accept", "method": "POST", "path": "/v2/orders", "times": 1},
        {"kind": "429", "path": "/v2/", "times": 4},
        {"kind": "drop", "method": "GET", "path": "/v2/positions", "times": 3},
        {"kind": "duplicated_updates", "times": 5},
        {"kind": "drop_sockets"},
    ),
}


class BurnInFailed(Exception):
    """What had to happen did not."""


@dataclass(slots=True, kw_only=True)
class Record:
    """What came of one day."""

    day: Day
    trades: int = 0
    orders: int = 0
    rejected: int = 0
    low: Decimal = Decimal(0)  # the worst the session's result was seen at
    result: Decimal = Decimal(0)
    breaches: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    unexplained: Decimal = Decimal(0)


@asynccontextmanager
async def desk_on(
    exchange: Exchange, folder: Path, settings: Settings
) -> AsyncIterator[Services]:
    """Run the desk in this process on an exchange, its memory in a folder."""
    access = AlpacaAccess(key=exchange.key, secret=exchange.secret, base_url=exchange.url)
    async with open_services(settings, access, folder / "desk.db", folder / "KILL") as desk:
        await until(lambda: desk.tracker.not_ready() is None, "the desk reads its orders")
        yield desk


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something; BurnInFailed when it does not come."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not true():
        if asyncio.get_running_loop().time() > deadline:
            raise BurnInFailed(f"waited {PATIENCE:.0f} s in vain: {what}")
        await asyncio.sleep(POLL)


class TradingDay:
    """Walks one session with a trader at the desk, and judges it at every look."""

    def __init__(
        self, exchange: Exchange, desk: Services, trader: Trader, day: Day, every: timedelta
    ) -> None:
        self._exchange = exchange
        self._desk = desk
        self._trader = trader
        self._day = day
        self._every = every
        self._record = Record(day=day)

    async def run(self) -> Record:
        """Return the day's record; the exchange stands at the next day's open after it."""
        session, store = self._day.session, self._desk.store
        opening, paid = await self._read(account.cash), await self._read(account.fees)
        at = session.open
        while (at := at + self._every) < session.close - timedelta(minutes=10):
            await self._step(at)
            await self._trouble(at)
            await self._trader.act(self._desk)
            await self._judge()
        self._record.orphans += await self._books()
        await self._move(session.close + timedelta(minutes=31))
        await until(lambda: not self._desk.exits.armed(), "every exit is done")
        records = store.of_day(session.day)
        closing, fees = await self._read(account.cash), await self._read(account.fees) - paid
        money = account.Money(opening=opening, closing=closing, fees=fees)
        mine = self._record
        mine.trades = sum(bool(r.filled_qty) and r.intent.opens for r in records)
        mine.orders = len(records)
        mine.rejected = sum(r.broker_status == "rejected" for r in records)
        mine.result = closing - opening
        mine.unexplained = await asyncio.to_thread(
            account.unexplained, self._exchange, store, session, money
        )
        mine.orphans += [f"held overnight: {p['symbol']}" for p in await self._read(Exchange.positions)]
        return mine

    async def _step(self, at: datetime) -> None:
        """Move the clock; let the desk see where the market now is and do what is due."""
        await self._move(at)
        with suppress(TimeoutError):
            async with asyncio.timeout(SIGHT.total_seconds()):
                while not await self._seen(at):
                    await asyncio.sleep(POLL)
        await until(
            lambda: all(plan.flat_by > at or plan.note for plan in self._desk.exits.armed()),
            f"the exits due by {at} close, or say why they cannot",
        )

    async def _seen(self, at: datetime) -> bool:
        try:
            view = await self._desk.watch.view()
        except TradingError:
            return False
        chain = view.chain
        return chain.at >= at and any(row.quote and row.quote.at > at - SIGHT for row in chain.rows)

    async def _move(self, to: datetime) -> None:
        now = await asyncio.to_thread(self._exchange.step_to, to)
        self._desk.clock.anchor(now, 0.0)

    async def _trouble(self, at: datetime) -> None:
        """Begin and end what goes wrong on a day of its kind."""
        begins, ends = self._day.trouble, self._day.trouble + FAULTY
        if begins <= at < begins + self._every:
            for fault in FAULTS.get(self._day.kind, ()):
                await asyncio.to_thread(self._exchange.fault, **fault)
        if ends <= at < ends + self._every:
            await asyncio.to_thread(self._exchange.clear_faults)

    async def _judge(self) -> None:
        """Hold the books of this instant against what was promised."""
        try:
            pnl = await self._desk.portfolio.pnl()
        except TradingError:
            return  # the broker does not answer: judged at the next look
        cap = self._desk.settings.max_daily_loss
        if pnl.session is not None:
            self._record.low = min(self._record.low, pnl.session)
            if pnl.session < -cap:
                self._record.breaches.append(f"{pnl.session} at {self._desk.clock.now():%H:%M}Z")

    async def _books(self) -> list[str]:
        return await asyncio.to_thread(
            account.orphans, self._exchange, self._desk.store, self._day.session
        )

    async def _read(self, what: Callable[[Exchange], T]) -> T:
        return await asyncio.to_thread(what, self._exchange)
