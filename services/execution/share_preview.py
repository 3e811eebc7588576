"""What a person is shown of an order in a stock or a coin before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.config import Mode
from common.ids import ConfirmToken
from common.limits import Limit
from common.money import Dollars, Price, Qty
from common.quotes import Quote
from common.shares import ShareIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class SharePreview:
    """A checked intent, shown, waiting for its confirmation.

    wanted is what was asked for, intent the same with what is held known. reference is the price
    its figures are reckoned at. max_loss: the session's stress move against it, fees included;
    None for what closes. held: of the symbol, signed.
    """

    token: ConfirmToken
    expires_in: timedelta
    wanted: ShareIntent
    intent: ShareIntent
    quote: Quote | None
    touch: Price | None
    reference: Price
    value: Dollars
    max_loss: Dollars | None
    buying_power: Dollars
    held: Qty
    limits: tuple[Limit, ...]
    at: datetime
    in_session: bool
    mode: Mode

    @property
    def facts(self) -> dict[str, object]:
        """What the audit log keeps of it beside the order."""
        return {
            "bid": None if self.quote is None else self.quote.bid,
            "ask": None if self.quote is None else self.quote.ask,
            "reference": self.reference,
            "value": self.value,
            "max_loss": self.max_loss,
            "held": self.held,
        }
