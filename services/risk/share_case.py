"""The one case that every limit on an order in a stock or a coin is applied to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from common.limits import Halt
from common.money import ZERO, Dollars, Price
from common.orders import Side
from common.portfolio import Exposure
from common.quotes import Quote
from common.session import Session
from common.shares import PendingShares, ShareAsset, ShareIntent
from services.portfolio.share_risk import pending_shares, reference_price
from services.risk.activity import Activity
from services.risk.limits import RiskLimits

# What the broker asks for a short sale: this much of the ask, or the limit if that is more.
SHORT_SALE_MARKUP = Decimal("1.03")


@dataclass(frozen=True, kw_only=True)
class ShareCase:
    """What a rule looks at: the account, the market of one symbol, the past, and the order.

    quote and asset are None where the broker has none. stale_after: how old, in market time, a
    quote may be. spot: of the underlying that the account's delta is told in.
    """

    limits: RiskLimits
    exposure: Exposure
    halt: Halt
    intent: ShareIntent
    activity: Activity
    now: datetime
    session: Session
    quote: Quote | None
    stale_after: timedelta
    asset: ShareAsset | None
    underlying: str
    spot: Price | None

    @property
    def usable(self) -> Quote | None:
        """The quote, if it has both sides."""
        return self.quote if self.quote is not None and self.quote.two_sided else None

    @cached_property
    def reference(self) -> Price | None:
        """The price the order is reckoned to fill at; None without a usable quote."""
        quote = self.usable
        return None if quote is None else reference_price(self.intent, quote)

    @cached_property
    def order(self) -> PendingShares | None:
        """What the order may do; None without a price."""
        return None if self.reference is None else pending_shares(self.intent, self.reference)

    @property
    def order_risk(self) -> Dollars | None:
        """The most the order can lose with its fees; None without a price."""
        return None if self.order is None else self.order.worst

    @property
    def order_cost(self) -> Dollars | None:
        """The dollars of buying power it takes, its possible loss on top where no limit binds."""
        quote = self.usable
        if self.order is None or quote is None:
            return None
        value = abs(self.order.value)
        if self.intent.side is Side.SELL:
            value = max(value, abs(self.order.qty) * quote.ask * SHORT_SALE_MARKUP)
        return value

    @property
    def touch(self) -> Price | None:
        """The price it would trade at now."""
        quote = self.usable
        if quote is None:
            return None
        return quote.ask if self.intent.side is Side.BUY else quote.bid

    @cached_property
    def delta(self) -> tuple[float, float] | None:
        """The account's share equivalents after the order, least and most; None unknown.

        Away from the hours of its options there is no chain; what holds no option is reckoned
        from its shares alone.
        """
        if self.order is None or self.spot is None:
            return None
        added, held = self.order.delta(self.underlying, self.spot), self.exposure.delta
        down, up = self.exposure.pending_delta
        if held is None:
            held = self._share_delta(self.spot)
            waiting = [
                order.delta(self.underlying, self.spot) for order in self.exposure.pending_shares
            ]
            down, up = sum(min(d, 0.0) for d in waiting), sum(max(d, 0.0) for d in waiting)
        return None if held is None else (held + added + down, held + added + up)

    def _share_delta(self, spot: Price) -> float | None:
        total = ZERO
        for position in self.exposure.positions:
            own = position.symbol == self.underlying
            price = spot if own else position.current_price
            if position.contract is not None or price is None:
                return None
            total += position.qty * price / spot
        return None if self.exposure.pending else float(total)
