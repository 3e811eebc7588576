"""The desk's services as one value, and what takes two of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.clock import MarketClock
from common.config import Settings
from common.errors import BrokerError, MarketError
from common.ids import Principal
from common.limits import Halt
from common.orders import Order
from common.session import Session
from services.broker.account_ledger import AccountLedger
from services.broker.alpaca import Connection
from services.broker.gateway import Broker
from services.broker.reader import BrokerReader
from services.execution.book import OrderBook
from services.execution.broker_lock import BrokerLock
from services.execution.clerk import OptionClerk, ShareClerk
from services.execution.desk import TradingDesk
from services.execution.enforcer import HaltEnforcer
from services.execution.exits import ExitMonitor, flat_by
from services.execution.instructions import InstructionDesk
from services.execution.journal import TradeJournal
from services.execution.kill_switch import KillSwitch
from services.execution.marks import TradeMarks
from services.execution.risk_watch import RiskWatch
from services.execution.store import DeskStore
from services.execution.sweeps import Swept
from services.execution.tracker import OrderTracker
from services.execution.unwinder import Flattened, Unwinder
from services.market.calendar import SessionCalendar
from services.market.chain import ChainService
from services.market.data import MarketData
from services.market.dividends import DividendCalendar
from services.market.history import MinuteHistory
from services.market.watch import MarketWatch
from services.ops.events import EventHub
from services.ops.health import Check, Health
from services.ops.metrics import Metrics
from services.ops.supervisor import Supervisor
from services.portfolio.portfolio import Portfolio
from services.runtime.analyst import Analyst
from services.runtime.dealing import Dealing
from services.runtime.known import Market
from services.runtime.operations import Operations
from services.runtime.recording import Recording
from services.runtime.studies import Studies

UNDERLYING = "SPY"
FRESH = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The market's time and today's edges."""

    now: datetime
    rate: float
    is_open: bool
    next_open: datetime
    next_close: datetime
    session: Session
    no_entry_after: datetime
    flat_by: datetime
    broker_last_order: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What tools may ask. Fields are services; methods are what takes two of them."""

    settings: Settings
    clock: MarketClock
    supervisor: Supervisor
    metrics: Metrics
    connection: Connection
    market: Market
    analyst: Analyst
    portfolio: Portfolio
    store: DeskStore
    tracker: OrderTracker
    kill_switch: KillSwitch
    records: Recording
    option_desk: TradingDesk
    trading: OptionClerk
    shares: ShareClerk
    journal: TradeJournal
    marks: TradeMarks
    orders: OrderBook
    instructions: InstructionDesk
    dealing: Dealing
    enforcer: HaltEnforcer
    broker_lock: BrokerLock
    risk_watch: RiskWatch

    @property
    def mode(self) -> str:
        """Whose money it is."""
        return self.settings.mode.value

    @property
    def calendar(self) -> SessionCalendar:
        """When it trades."""
        return self.market.calendar

    @property
    def chain(self) -> ChainService:
        """Today's contracts and their quotes."""
        return self.market.chain

    @property
    def history(self) -> MinuteHistory:
        """Its past minutes."""
        return self.market.history

    @property
    def dividends(self) -> DividendCalendar:
        """What it pays, and when."""
        return self.market.dividends

    @property
    def watch(self) -> MarketWatch:
        """One look at all that a trade needs."""
        return self.market.watch

    @property
    def data(self) -> MarketData:
        """What the broker publishes."""
        return self.market.data

    @property
    def studies(self) -> Studies:
        """What is computed of it."""
        return self.market.studies

    @property
    def events(self) -> EventHub:
        """What has happened and what has changed."""
        return self.records.events

    @property
    def unwinder(self) -> Unwinder:
        """What takes positions off."""
        return self.dealing.unwinder

    @property
    def exits(self) -> ExitMonitor:
        """What watches them."""
        return self.dealing.exits

    @property
    def broker(self) -> Broker:
        """What sends."""
        return self.connection.broker

    @property
    def reader(self) -> BrokerReader:
        """What reads."""
        return self.connection.reader

    @property
    def operations(self) -> Operations:
        """What looks at the desk's own parts."""
        audit = self.records.audit
        return Operations(self.metrics, self.connection, self.chain, audit, self.supervisor)

    async def kill(self, by: Principal) -> None:
        """Latch both gates; the enforcer takes back what works."""
        await self.kill_switch.engage(who=by, reason="kill_switch tool")
        self.enforcer.wake()

    async def flatten(self, by: Principal, *, cancel: bool = True) -> Flattened:
        """Cancel and close everything; the caller's leaving does not stop it half way."""
        session = await self.calendar.session()
        closing = self.unwinder.flatten(by, session.day, cancel=cancel)
        return await self.supervisor.shielded(closing)

    async def sweep(self, meant: Callable[[Order], bool]) -> Swept:
        """Cancel the orders meant; the caller's leaving does not stop it half way."""
        return await self.supervisor.shielded(self.dealing.sweeper.sweep(meant))

    @property
    def ledger(self) -> AccountLedger:
        """What reads the account's past and its settings."""
        return self.connection.ledger

    def flattening(self) -> str:
        """Return how far a flattening has come, in words."""
        book = self.portfolio.repriced()
        held = "positions" if book is None else f"{len(book.positions)} positions"
        return f"{len(self.store.working())} orders working, {held} as last read"

    async def hours(self) -> Hours:
        """Return the market's time and the edges of its session."""
        told, session = await asyncio.gather(self.reader.clock(), self.calendar.session())
        settings = self.settings
        return Hours(
            now=self.clock.now(),
            rate=self.clock.rate,
            is_open=told.is_open,
            next_open=told.next_open,
            next_close=told.next_close,
            session=session,
            no_entry_after=session.close - settings.no_entry_before_close,
            flat_by=flat_by(session, settings.exit_before_close),
            broker_last_order=session.close - settings.last_order_before_close,
        )

    def health(self) -> Health:
        """Return what is known without asking anybody."""
        halt, blind = self.kill_switch.halt(), self.risk_watch.blind()
        causes = "".join(f"; {cause}" for cause in self.kill_switch.causes())
        orders = self.tracker.not_ready()
        return Health(
            checks=(
                Check(name="orders", ok=orders is None, reason=orders or ""),
                Check(
                    name="kill switch",
                    ok=halt is Halt.ACTIVE,
                    reason="" if halt is Halt.ACTIVE else f"trading is {halt.value}{causes}",
                ),
                Check(name="risk watch", ok=blind is None, reason=blind or ""),
                self._chain_check(),
                Check(
                    name="audit",
                    ok=self.records.audit.damage is None,
                    reason=self.records.audit.damage or "",
                ),
                *(job.check for job in self.supervisor.jobs()),
            )
        )

    def _chain_check(self) -> Check:
        status = self.chain.status()
        try:
            snapshot = self.chain.snapshot()
        except MarketError as e:
            return Check(name="chain", ok=False, reason=str(e))
        remark = f"{status.contracts} contracts by {status.source}, stream {status.stream.state}"
        fresh = sum(row.age is not None and row.age <= FRESH for row in snapshot.rows)
        priced = sum(row.greeks is not None for row in snapshot.rows)
        # Whole since its first poll; a strike is picked by delta, so some must have one.
        ok = status.poll_age is not None and fresh > 0 and priced > 0
        told = f"{remark}, {fresh} quotes under 5 s old, {priced} with greeks"
        return Check(name="chain", ok=ok, reason=told)

    async def probe(self) -> Health:
        """Return the health with the broker asked now."""
        known = self.health()
        try:
            account = await self.reader.account()
        except BrokerError as e:
            asked = Check(name="broker", ok=False, reason=str(e))
        else:
            asked = Check(name="broker", ok=account.blocked is None, reason=account.blocked or "")
        return Health(checks=(asked, *known.checks))

    async def needed(self) -> str | None:
        """Return why the desk may not leave: an order, an exit or a position; else None."""
        if self.store.working() or self.store.shares.working():
            return "an order is working"
        if self.exits.armed():
            return "an exit is armed"
        try:
            held = await self.reader.positions()
        except BrokerError as e:
            return f"the positions cannot be read: {e}"
        return f"{len(held)} positions are open" if held else None
