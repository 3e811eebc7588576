"""What a person is shown of an order before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.config import Mode
from common.exits import ExitTerms
from common.ids import ConfirmToken
from common.limits import Limit
from common.money import Price
from common.orders import OrderIntent
from services.execution.exit_prices import ExitLine
from services.risk.analysis import TradeAnalysis
from services.strategies.base import Proposal, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A priced and approved intent, shown, waiting for its confirmation."""

    token: ConfirmToken
    expires_in: timedelta
    strategy: Strategy
    proposal: Proposal
    intent: OrderIntent
    natural: Price  # what the order would have cost when it was priced
    analysis: TradeAnalysis
    limits: tuple[Limit, ...]
    exits: ExitTerms
    exit_lines: tuple[ExitLine, ...]  # the same, in prices and dollars
    flat_by: datetime
    at: datetime
    feed: str
    mode: Mode

    @property
    def wanted(self) -> Strategy:
        """What was asked for."""
        return self.strategy

    @property
    def facts(self) -> dict[str, object]:
        """What the audit log keeps of it beside the order."""
        found = self.analysis
        return {
            "natural": self.natural,
            "mid": found.mid,
            "max_loss": found.max_loss,
            "max_profit": found.max_profit,
            "spot": found.spot,
            "feed": self.feed,
            "flat_by": self.flat_by,
        }
