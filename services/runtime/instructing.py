"""Making the desk for what is done with holdings other than by option orders."""

from __future__ import annotations

from dataclasses import dataclass

from common.clock import MarketClock, WallClock
from common.config import Settings
from common.ids import RandomIds
from services.broker.access import AlpacaAccess
from services.broker.alpaca import Connection
from services.execution.desk import TradingDesk
from services.execution.instructions import InstructionDesk, InstructionTerms
from services.execution.kill_switch import KillSwitch
from services.execution.previews import PreviewStore
from services.execution.share_closer import ShareCloser
from services.execution.sight import Sight
from services.execution.tracker import OrderTracker
from services.execution.trail import Trail
from services.ops.supervisor import Supervisor
from services.portfolio.portfolio import Portfolio
from services.risk.manager import RiskManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructing:
    """What it is made from."""

    settings: Settings
    access: AlpacaAccess
    connection: Connection
    supervisor: Supervisor
    kill_switch: KillSwitch
    tracker: OrderTracker
    risk: RiskManager
    portfolio: Portfolio
    sight: Sight
    closer: ShareCloser
    trail: Trail
    clock: MarketClock
    wall: WallClock

    def made(self, desk: TradingDesk) -> InstructionDesk:
        """Make it, in the trading desk's own lane."""
        settings, connection = self.settings, self.connection
        terms = InstructionTerms(
            mode=settings.mode, account=self.access.key, needs_person=settings.needs_person
        )
        return InstructionDesk(
            terms,
            lane=desk.lane,
            sight=self.sight,
            portfolio=self.portfolio,
            risk=self.risk,
            reader=connection.reader,
            closer=self.closer,
            holder=connection.holder,
            tracker=self.tracker,
            kill_switch=self.kill_switch,
            previews=PreviewStore(self.wall, RandomIds(), settings.confirmation_timeout),
            supervisor=self.supervisor,
            trail=self.trail,
            clock=self.clock,
        )
