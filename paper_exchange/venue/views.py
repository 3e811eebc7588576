"""What a read returns: values as of one moment, shown once that moment is durable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from common.ids import AccountId
from paper_exchange.engine.figures import AccountFigures
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.refusals import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account and its numbers."""

    id: AccountId
    number: str
    options_level: int
    opened_at: datetime | None
    figures: AccountFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What became of closing one position: its order, or why not."""

    symbol: str
    order: OrderState | None = None
    refused: Refused | None = None
