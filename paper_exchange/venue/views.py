"""What a read returns: values as of one moment, shown once that moment is durable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from common.ids import AccountId
from paper_exchange.engine.configuration import Configuration
from paper_exchange.engine.events import Event
from paper_exchange.engine.figures import AccountFigures
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.refusals import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account and its numbers."""

    id: AccountId
    number: str
    options_level: int
    configuration: Configuration
    opened_at: datetime | None
    figures: AccountFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What moved an account's cash and holdings, each with the order it filled, if any."""

    opened_at: datetime | None
    movements: tuple[tuple[Event, OrderState | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What became of closing one position: its order, or why not."""

    symbol: str
    order: OrderState | None = None
    refused: Refused | None = None
