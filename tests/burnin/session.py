"""One day of a burn-in: the clock is stepped, the desk lives through it, the books are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from mcp import Client

from alpaca_mcp_server import build_server
from common.config import Settings
from common.errors import TradingError
from common.limits import Halt
from services.broker.access import AlpacaAccess
from services.runtime import Services, open_services
from tests.burnin import account
from tests.burnin.days import Day, Kind
from tests.burnin.drills import Drill
from tests.burnin.trader import Seat, Trader
from tests.exchange import Exchange

T = TypeVar("T")

PATIENCE: Final = 120.0  # seconds of wall time until what must come has come
POLL: Final = 0.02
ACTS: Final = 5  # of the trader's at each look
LOOKS: Final = 100  # how many times POLL the desk gets to see a step of the clock
CALM: Final = 600  # times POLL
FRESH: Final = timedelta(seconds=3)  # of market time
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
class DayRecord:
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

    @property
    def date(self) -> date:
        """Which day it was."""
        return self.day.day


@asynccontextmanager
async def seat_at(exchange: Exchange, folder: Path, settings: Settings) -> AsyncIterator[Seat]:
    """Run the desk in this process on an exchange, its memory in a folder, and connect to it."""
    access = AlpacaAccess(key=exchange.key, secret=exchange.secret, base_url=exchange.url)
    async with open_services(settings, access, folder / "desk.db", folder / "KILL") as desk:
        await until(lambda: desk.tracker.not_ready() is None, "the desk reads its orders")
        async with Client(build_server(desk)) as client:
            yield Seat(desk, client, exchange, folder / "KILL")


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
        self,
        exchange: Exchange,
        trader: Trader,
        day: Day,
        every: timedelta,
        drills: Sequence[Drill] = (),
    ) -> None:
        self._exchange = exchange
        self._trader = trader
        self._day = day
        self._every = every
        self._drills = drills
        self._record = DayRecord(day=day)
        self._at = day.session.open
        self._opening = account.cash(exchange)
        self._paid = account.fees(exchange)

    async def walk(self, seat: Seat, end: datetime) -> None:
        """Trade until an instant, or the last look before the close."""
        desk = seat.desk
        await _calm(desk)
        end = min(end, self._day.session.close - timedelta(minutes=10))
        while self._at + self._every < end:
            self._at += self._every
            await self._step(desk, self._at)
            await self._trouble(self._at)
            for drill in self._drills:
                await drill(self._trader, seat)
            for _ in range(ACTS):
                await self._trader.act(seat)
            await self._judge(desk)

    async def finish(self, seat: Seat) -> DayRecord:
        """Go past the close and return the day's record; the next day is open then."""
        desk, mine, session = seat.desk, self._record, self._day.session
        mine.orphans += await asyncio.to_thread(
            account.orphans, self._exchange, desk.store, session
        )
        await self._move(desk, session.exercise_cut_off + timedelta(minutes=1))
        await until(lambda: not desk.exits.armed(), "every exit is done")
        records = desk.store.of_day(session.day)
        mine.trades = sum(bool(r.filled_qty) and r.intent.opens for r in records)
        mine.orders = len(records)
        mine.rejected = sum(r.broker_status == "rejected" for r in records)
        closing, fees = await self._read(account.cash), await self._read(account.fees)
        money = account.Money(opening=self._opening, closing=closing, fees=fees - self._paid)
        mine.result = closing - self._opening
        mine.unexplained = await asyncio.to_thread(
            account.unexplained, self._exchange, desk.store, session, money
        )
        left = await self._read(Exchange.positions)
        mine.orphans += [f"position overnight in {held['symbol']}" for held in left]
        return mine

    async def _step(self, desk: Services, at: datetime) -> None:
        """Move the clock; let the desk see where the market now is and do what is due."""
        await self._move(desk, at)
        for _ in range(LOOKS):
            if await _sees(desk, at):
                break
            await asyncio.sleep(POLL)
        await until(
            lambda: all(plan.flat_by > at or plan.note for plan in desk.exits.armed()),
            f"the exits due by {at} close, or say why they cannot",
        )

    async def _move(self, desk: Services, to: datetime) -> None:
        now = await asyncio.to_thread(self._exchange.step_to, to)
        desk.clock.anchor(now, 0.0)

    async def _trouble(self, at: datetime) -> None:
        """Begin and end what goes wrong on a day of its kind."""
        begins, ends = self._day.trouble, self._day.trouble + FAULTY
        if begins <= at < begins + self._every:
            for fault in FAULTS.get(self._day.kind, ()):
                await asyncio.to_thread(self._exchange.fault, **fault)
        if ends <= at < ends + self._every:
            await asyncio.to_thread(self._exchange.clear_faults)

    async def _judge(self, desk: Services) -> None:
        """Hold the books of this instant against what was promised."""
        try:
            pnl = await desk.portfolio.pnl()
        except TradingError:
            return  # the broker does not answer: judged at the next look
        cap = desk.settings.max_daily_loss
        if pnl.session is not None:
            self._record.low = min(self._record.low, pnl.session)
            if pnl.session < -cap:
                self._record.breaches.append(f"{pnl.session} at {self._at:%H:%M}Z")

    async def _read(self, what: Callable[[Exchange], T]) -> T:
        return await asyncio.to_thread(what, self._exchange)


async def _calm(desk: Services) -> None:
    """Let a drift that is over be seen to be over: the desk takes wall time for that."""
    for _ in range(CALM):
        if desk.kill_switch.halt() is Halt.ACTIVE:
            break
        await asyncio.sleep(POLL)


async def _sees(desk: Services, at: datetime) -> bool:
    """Tell whether the desk has quotes of an instant the clock was just stepped to."""
    try:
        chain = (await desk.watch.view()).chain
    except TradingError:
        return False
    return chain.at >= at and any(row.quote and row.quote.at > at - FRESH for row in chain.rows)
