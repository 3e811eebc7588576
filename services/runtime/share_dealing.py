"""Making what works orders in stocks and coins: their sender, their closer, their desk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from common.clock import MarketClock, WallClock
from common.config import Settings
from common.ids import RandomIds
from services.broker.alpaca import Connection
from services.execution.broker_lock import BrokerLock
from services.execution.kill_switch import KillSwitch
from services.execution.previews import PreviewStore
from services.execution.share_closer import ShareCloser
from services.execution.share_desk import ShareDesk, ShareTerms
from services.execution.share_sender import ShareSender
from services.execution.share_watch import ShareWatch
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.execution.trail import Trail
from services.market.calendar import SessionCalendar
from services.ops.metrics import Metrics
from services.ops.supervisor import Supervisor
from services.portfolio.portfolio import Portfolio
from services.risk.manager import RiskManager
from services.runtime.services import UNDERLYING


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareDealing:
    """What deals in stocks and coins, made once."""

    desk: ShareDesk
    closer: ShareCloser


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareDealings:
    """What they are made from. account: whose the connection is; lane: the option desk's own."""

    settings: Settings
    account: str
    connection: Connection
    supervisor: Supervisor
    store: DeskStore
    kill_switch: KillSwitch
    calendar: SessionCalendar
    portfolio: Portfolio
    tracker: OrderTracker
    risk: RiskManager
    lock: BrokerLock
    trail: Trail
    clock: MarketClock
    wall: WallClock
    metrics: Metrics
    lane: asyncio.Lock

    def made(self) -> ShareDealing:
        """Make each once."""
        sender, reader = self._sender(), self.connection.reader
        return ShareDealing(
            desk=self._desk(sender),
            closer=ShareCloser(self.risk, reader, sender, self.tracker.shares),
        )

    def _sender(self) -> ShareSender:
        return ShareSender(
            self.store.shares,
            self.connection.broker,
            self.tracker.shares,
            self.kill_switch,
            self.supervisor,
            RandomIds(),
            self.clock,
            self.metrics,
            self.trail,
            self.lock,
        )

    def _desk(self, sender: ShareSender) -> ShareDesk:
        watch = ShareWatch(
            self.connection.reader,
            self.calendar,
            self.portfolio,
            self.store,
            self.tracker,
            self.clock,
            UNDERLYING,
        )
        return ShareDesk(
            ShareTerms(mode=self.settings.mode, account=self.account),
            watch=watch,
            risk=self.risk,
            previews=PreviewStore(self.wall, RandomIds(), self.settings.confirmation_timeout),
            store=self.store,
            sender=sender,
            tracker=self.tracker,
            kill_switch=self.kill_switch,
            clock=self.clock,
            metrics=self.metrics,
            lane=self.lane,
        )
