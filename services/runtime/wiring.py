"""Making every service once, from settings, a broker connection and two clocks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from common.clock import MarketClock, WallClock
from common.config import Settings
from common.ids import RandomIds
from services.broker.access import AlpacaAccess
from services.broker.alpaca import Connection
from services.execution.approvals import Approvals
from services.execution.broker_lock import BrokerLock
from services.execution.clerk import OptionClerk, ShareClerk, Shown, TradeClerk
from services.execution.desk import DeskTerms, TradingDesk
from services.execution.enforcer import HaltEnforcer
from services.execution.journal import TradeJournal
from services.execution.kill_switch import KillSwitch
from services.execution.marks import TradeMarks
from services.execution.previews import PreviewStore
from services.execution.risk_watch import RiskWatch
from services.execution.sender import OrderSender
from services.execution.share_closer import ShareCloser
from services.execution.share_desk import ShareDesk
from services.execution.sight import Sight
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.market.chain import ChainService
from services.ops.metrics import Metrics
from services.ops.supervisor import Supervisor
from services.portfolio.portfolio import Portfolio
from services.risk.manager import RiskManager
from services.runtime.analyst import Analyst
from services.runtime.dealing import Dealing, Dealings
from services.runtime.instructing import Instructing
from services.runtime.known import Market
from services.runtime.market import Markets
from services.runtime.recording import Recording
from services.runtime.services import Services
from services.runtime.share_dealing import ShareDealing, ShareDealings
from services.runtime.terms import pricing, risk_limits


@dataclass(frozen=True, slots=True)
class Parts:
    """What every service is made from, and the making."""

    settings: Settings
    access: AlpacaAccess
    connection: Connection
    supervisor: Supervisor
    store: DeskStore
    kill_switch: KillSwitch
    clock: MarketClock
    wall: WallClock
    folder: Path
    records: Recording

    def wired(self, metrics: Metrics) -> Services:
        """Make every service once and hand each what it needs."""
        market, lane = self._market(), asyncio.Lock()
        reader, chain, watch = self.connection.reader, market.chain, market.watch
        portfolio = Portfolio(reader, chain, market.calendar, self.store, self.clock)
        risk, ages = RiskManager(risk_limits(self.settings)), self.settings.quote_age_max
        tracker, lock = self._tracker(metrics), self._lock(portfolio)
        shares = self._shares(market, portfolio, risk, tracker, lock, metrics, lane)
        sender = self._sender(tracker, lock, metrics)
        dealing = self._dealing(market, risk, tracker, lock, sender, shares.closer)
        sight = Sight(watch, portfolio, self.store, tracker, self.kill_switch, reader)
        desk = self._desk(sight, risk, sender, tracker, dealing, metrics, lane)
        trading, by_hand = self._clerks(desk, shares.desk)
        return Services(
            settings=self.settings,
            clock=self.clock,
            supervisor=self.supervisor,
            metrics=metrics,
            connection=self.connection,
            market=market,
            analyst=Analyst(watch, chain, portfolio, quote_age_max=ages),
            portfolio=portfolio,
            store=self.store,
            tracker=tracker,
            kill_switch=self.kill_switch,
            records=self.records,
            journal=self._journal(),
            marks=TradeMarks(self.store, self.records.journal, chain.snapshot, ages),
            option_desk=desk,
            trading=trading,
            shares=by_hand,
            orders=dealing.book,
            instructions=self._holder(sight, portfolio, risk, tracker, shares.closer).made(desk),
            dealing=dealing,
            enforcer=self._enforcer(tracker),
            broker_lock=lock,
            risk_watch=self._risk_watch(market, portfolio, risk, tracker, dealing, metrics),
        )

    def _journal(self) -> TradeJournal:
        audit, exports = self.folder / "audit", self.folder / "exports"
        return TradeJournal(self.store, self.records.journal, audit, exports)

    def _enforcer(self, tracker: OrderTracker) -> HaltEnforcer:
        return HaltEnforcer(self.store, self.connection.broker, tracker, self.kill_switch)

    def _market(self) -> Market:
        return Markets(
            settings=self.settings,
            access=self.access,
            connection=self.connection,
            clock=self.clock,
            wall=self.wall,
            folder=self.folder,
        ).made()

    def _marks(self, chain: ChainService) -> TradeMarks:
        journal, ages = self.records.journal, self.settings.quote_age_max
        return TradeMarks(self.store, journal, chain.snapshot, ages)

    def _dealing(
        self,
        market: Market,
        risk: RiskManager,
        tracker: OrderTracker,
        lock: BrokerLock,
        sender: OrderSender,
        closer: ShareCloser,
    ) -> Dealing:
        return Dealings(
            settings=self.settings,
            connection=self.connection,
            store=self.store,
            kill_switch=self.kill_switch,
            supervisor=self.supervisor,
            tracker=tracker,
            sender=sender,
            share_closer=closer,
            risk=risk,
            lock=lock,
            chain=market.chain,
            spot=market.spot,
            trail=self.records.trail,
            clock=self.clock,
            wall=self.wall,
        ).made()

    def _risk_watch(
        self,
        market: Market,
        portfolio: Portfolio,
        risk: RiskManager,
        tracker: OrderTracker,
        dealing: Dealing,
        metrics: Metrics,
    ) -> RiskWatch:
        settings = self.settings
        return RiskWatch(
            settings.loss_action,
            portfolio=portfolio,
            risk=risk,
            calendar=market.calendar,
            store=self.store,
            tracker=tracker,
            kill_switch=self.kill_switch,
            unwinder=dealing.unwinder,
            clock=self.clock,
            wall=self.wall,
            metrics=metrics,
        )

    def _lock(self, portfolio: Portfolio) -> BrokerLock:
        return BrokerLock(
            self.connection.broker,
            self.connection.reader,
            self.store,
            portfolio,
            self.kill_switch,
            self.clock,
            enabled=self.settings.locks_broker,
        )

    def _tracker(self, metrics: Metrics) -> OrderTracker:
        return OrderTracker(
            self.store,
            self.connection.reader,
            self.clock,
            self.wall,
            broker_timeout=self.settings.broker_timeout,
            metrics=metrics,
            trail=self.records.trail,
        )

    def _sender(self, tracker: OrderTracker, lock: BrokerLock, metrics: Metrics) -> OrderSender:
        return OrderSender(
            self.store,
            self.connection.broker,
            tracker,
            self.kill_switch,
            self.supervisor,
            RandomIds(),
            self.clock,
            metrics,
            self.records.trail,
            lock,
        )

    def _holder(
        self,
        sight: Sight,
        portfolio: Portfolio,
        risk: RiskManager,
        tracker: OrderTracker,
        closer: ShareCloser,
    ) -> Instructing:
        return Instructing(
            settings=self.settings,
            access=self.access,
            connection=self.connection,
            supervisor=self.supervisor,
            kill_switch=self.kill_switch,
            tracker=tracker,
            risk=risk,
            portfolio=portfolio,
            sight=sight,
            closer=closer,
            trail=self.records.trail,
            clock=self.clock,
            wall=self.wall,
        )

    def _shares(
        self,
        market: Market,
        portfolio: Portfolio,
        risk: RiskManager,
        tracker: OrderTracker,
        lock: BrokerLock,
        metrics: Metrics,
        lane: asyncio.Lock,
    ) -> ShareDealing:
        return ShareDealings(
            settings=self.settings,
            account=self.access.key,
            connection=self.connection,
            supervisor=self.supervisor,
            store=self.store,
            kill_switch=self.kill_switch,
            calendar=market.calendar,
            portfolio=portfolio,
            tracker=tracker,
            risk=risk,
            lock=lock,
            trail=self.records.trail,
            clock=self.clock,
            wall=self.wall,
            metrics=metrics,
            lane=lane,
        ).made()

    def _clerks(self, desk: TradingDesk, shares: ShareDesk) -> tuple[OptionClerk, ShareClerk]:
        """Return whom tools speak to; what waits for a person waits in one place."""
        trail, person = self.records.trail, self.settings.needs_person
        life = self.settings.approval_timeout
        approvals: Approvals[Shown] = Approvals(self.wall, life, self.supervisor, trail)
        return (
            TradeClerk(desk, approvals, trail, needs_person=person),
            TradeClerk(shares, approvals, trail, needs_person=person),
        )

    def _desk(
        self,
        sight: Sight,
        risk: RiskManager,
        sender: OrderSender,
        tracker: OrderTracker,
        dealing: Dealing,
        metrics: Metrics,
        lane: asyncio.Lock,
    ) -> TradingDesk:
        terms = DeskTerms(
            mode=self.settings.mode,
            account=self.access.key,
            pricing=pricing(self.settings),
            exit_before_close=self.settings.exit_before_close,
        )
        return TradingDesk(
            terms,
            sight=sight,
            risk=risk,
            previews=PreviewStore(self.wall, RandomIds(), self.settings.confirmation_timeout),
            sender=sender,
            reviser=dealing.reviser,
            store=self.store,
            holdings=dealing.holdings,
            entries=dealing.entries,
            tracker=tracker,
            kill_switch=self.kill_switch,
            metrics=metrics,
            lane=lane,
        )
