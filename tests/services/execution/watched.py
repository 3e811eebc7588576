"""An account and a broker that stand as they are told, for what watches them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from common.clock import FrozenClock
from common.config import LossAction
from common.contracts import Right
from common.errors import BrokerUnavailable
from common.orders import OrderIntent
from common.portfolio import Position
from common.session import Session
from common.shares import PendingShares
from services.execution.broker_lock import BrokerLock
from services.execution.kill_switch import KillSwitch
from services.execution.risk_watch import RiskWatch
from services.execution.store import DeskStore
from services.execution.unwinder import Flattened
from services.ops.metrics import Metrics
from services.portfolio.book import Book
from services.risk.manager import RiskManager
from tests.builders import DAY, SESSION, at, contract, make_account, make_chain, make_position
from tests.services.risk.cases import LIMITS

CHAIN = make_chain()
CALL = make_position(contract(673, Right.CALL), 1, entry="0.96", price="0.93")


@dataclass
class Account:
    """What is held and what it cost; the chain prices it."""

    positions: tuple[Position, ...] = ()
    lost: Decimal = Decimal(0)
    blind: bool = False
    reads: int = 0

    def repriced(self) -> Book:
        return Book(
            day=DAY,
            account=make_account(cash=100_000 - self.lost),
            positions=self.positions,
            chain=None if self.blind else CHAIN,
            quotes={},
            opening_equity=Decimal(100_000),
        )

    async def book(self) -> Book:
        self.reads += 1
        return self.repriced()


@dataclass
class Rest:
    """Everything else a watch asks: the calendar, the tracker, and who flattens."""

    account: Account
    session_now: Session = SESSION
    heard: int = 0
    flattened: int = 0
    down: bool = False

    async def session(self) -> Session:
        return self.session_now

    def pending(self) -> tuple[OrderIntent, ...]:
        return ()

    def pending_shares(self) -> tuple[PendingShares, ...]:
        return ()

    async def flatten(self, by: str, day: date) -> Flattened:
        if self.down:
            raise BrokerUnavailable("no answer")
        self.flattened += 1
        self.account.positions = ()
        return Flattened()


@dataclass
class Broker:
    """The account's configuration at the broker."""

    account: Account
    locked: bool = False
    down: bool = False
    calls: list[str] = field(default_factory=list)

    async def suspended(self) -> bool:
        if self.down:
            raise BrokerUnavailable("no answer")
        self.calls.append("asked")
        return self.locked

    async def suspend(self, suspended: bool) -> None:
        self.calls.append(f"suspend {suspended}")
        self.locked = suspended

    async def positions(self) -> tuple[Position, ...]:
        return self.account.positions

    async def orders(self, status: str, limit: int) -> tuple[()]:
        return ()


@dataclass
class Watched:
    """A desk's store and gates with a watch and a lock on them."""

    store: DeskStore
    kill_switch: KillSwitch
    clock: FrozenClock
    account: Account
    rest: Rest
    broker: Broker
    metrics: Metrics

    @classmethod
    def on(cls, folder: Path) -> Watched:
        """Return it on the database and the sentinel of a folder."""
        clock, store, account = FrozenClock(at(10, 5)), DeskStore(folder / "desk.sqlite"), Account()
        return cls(
            store=store,
            kill_switch=KillSwitch(store, folder / "KILL", clock),
            clock=clock,
            account=account,
            rest=Rest(account),
            broker=Broker(account),
            metrics=Metrics(),
        )

    def watch(self, action: LossAction = LossAction.HALT, cap: float = 50.0) -> RiskWatch:
        """Return a watch as a start of the desk makes it."""
        limits = RiskManager(replace(LIMITS, delta_cap=cap, sigma_delta_cap=1e6))
        rest = cast(Any, self.rest)
        return RiskWatch(
            action,
            portfolio=cast(Any, self.account),
            risk=limits,
            calendar=rest,
            store=self.store,
            tracker=rest,
            kill_switch=self.kill_switch,
            unwinder=rest,
            clock=self.clock,
            wall=self.clock,
            metrics=self.metrics,
        )

    def lock(self, *, enabled: bool = True) -> BrokerLock:
        """Return the broker's lock as a start of the desk makes it."""
        broker = cast(Any, self.broker)
        return BrokerLock(
            broker,
            broker,
            self.store,
            cast(Any, self.account),
            self.kill_switch,
            self.clock,
            enabled=enabled,
        )

    async def looks(self, watch: RiskWatch, times: int, apart: float = 0.3) -> None:
        """Look so many times, so many seconds apart."""
        for _ in range(times):
            await watch.look()
            self.clock.advance(timedelta(seconds=apart))

    @property
    def causes(self) -> list[str]:
        """Why trading is halted."""
        return [latch.cause for latch in self.kill_switch.causes()]
