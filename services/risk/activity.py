"""What this session's orders have come to: the past that rules look at.

Pure, from the desk's durable records of the day and what is held, so that a restart forgets
nothing and nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.fees import Dealt, entry_fees
from common.ids import ClientOrderId
from common.money import ZERO, Dollars, Price
from common.orders import OrderIntent, OrderStatus
from common.shares import ShareIntent
from services.portfolio.worst_case import order_worst_case


class PastOrder(Protocol):
    """What is asked of a record of one of our orders."""

    @property
    def client_order_id(self) -> ClientOrderId:
        """Its name."""
        ...

    @property
    def parent(self) -> ClientOrderId | None:
        """The opening order that a closing one undoes."""
        ...

    @property
    def intent(self) -> OrderIntent:
        """What was wanted."""
        ...

    @property
    def status(self) -> OrderStatus:
        """Where it stands."""
        ...

    @property
    def created_at(self) -> datetime:
        """When it was sent."""
        ...

    @property
    def updated_at(self) -> datetime:
        """When it was last heard of."""
        ...

    @property
    def filled_qty(self) -> int:
        """Units filled."""
        ...

    @property
    def filled_avg_price(self) -> Price | None:
        """Their net price per share, a credit negative."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One opening order and what has become of it.

    open: units that are held or may still fill. risk: what those may lose, None without bound.
    result: dollars after fees once all is closed, None while it is not or when something else
    than our orders closed it. closed_at: None when that is not known.
    """

    intent: OrderIntent
    sent_at: datetime
    entered: bool
    open: int
    risk: Dollars | None
    closed: bool
    result: Dollars | None
    closed_at: datetime | None

    @property
    def lost(self) -> bool:
        """Whether it ended with a loss; a result nobody knows counts as one."""
        return self.closed and (self.result is None or self.result < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTrade:
    """One order in a stock or a coin of the session, and what has become of it.

    entered: whether it filled or still may. result: dollars that a closing order made, None for
    an opening one, and where it is not known.
    """

    intent: ShareIntent
    sent_at: datetime
    entered: bool
    result: Dollars | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """The session's opening orders, oldest first, refused ones included, as of an instant.

    dealt: the contracts that all orders, closing ones too, have filled. shares: orders in stocks
    and coins, which count with the others.
    """

    at: datetime
    trades: tuple[Trade, ...] = ()
    shares: tuple[ShareTrade, ...] = ()
    dealt: Dealt = field(default_factory=Dealt)

    @classmethod
    def of(
        cls,
        orders: Sequence[PastOrder],
        held: Mapping[OptionContract, int],
        at: datetime,
        shares: Sequence[ShareTrade] = (),
    ) -> Activity:
        """Return the activity of a day's records; held: contracts by signed quantity.

        held must have been read after the records were: what a record says is filled and is
        held no more was then closed by somebody else.
        """
        left = dict(held)
        closings: dict[ClientOrderId, list[PastOrder]] = {}
        for order in orders:
            if not order.intent.opens and order.parent is not None:
                closings.setdefault(order.parent, []).append(order)
        trades = (
            _trade(order, closings.get(order.client_order_id, ()), left)
            for order in orders
            if order.intent.opens
        )
        dealt = Dealt.of((order.intent, order.filled_qty) for order in orders)
        return cls(at=at, trades=tuple(trades), shares=tuple(shares), dealt=dealt)

    @property
    def entered(self) -> int:
        """Trades that filled or still may."""
        own = sum(trade.entered for trade in self.trades)
        return own + sum(trade.entered and trade.intent.opens for trade in self.shares)

    def entries(self, strategy: str) -> int:
        """Return how many trades of one strategy filled or still may."""
        return sum(trade.entered and trade.intent.strategy == strategy for trade in self.trades)

    def sent_within(self, span: timedelta) -> int:
        """Return the opening orders sent within a span before now, refused ones included."""
        sent = [trade.sent_at for trade in self.trades]
        sent += [trade.sent_at for trade in self.shares if trade.intent.opens]
        return sum(self.at - at < span for at in sent)

    def alike(self, intent: OrderIntent) -> tuple[Trade, ...]:
        """Return the trades in the same contracts on the same sides, of any size, oldest first."""
        wanted = _shape(intent)
        return tuple(t for t in self.trades if t.entered and _shape(t.intent) == wanted)

    @property
    def losing_streak(self) -> int:
        """The longest run of losing trades of the session, by the time they were closed.

        A later gain does not shorten it: the lockout it brings lasts for the session.
        """
        closed = [(t.closed_at or t.sent_at, t.lost) for t in self.trades if t.closed]
        closed += [(t.closed_at, t.result < 0) for t in self.shares if t.closed_at and t.result]
        longest = streak = 0
        for _, lost in sorted(closed, key=lambda end: end[0]):
            streak = streak + 1 if lost else 0
            longest = max(longest, streak)
        return longest

    @property
    def last_loss_at(self) -> datetime | None:
        """When a losing trade was last closed."""
        ends = [t.closed_at for t in self.trades if t.lost and t.closed_at]
        ends += [t.closed_at for t in self.shares if t.closed_at and t.result and t.result < 0]
        return max(ends, default=None)

    def alike_shares(self, intent: ShareIntent) -> tuple[ShareTrade, ...]:
        """Return the entries in the same symbol on the same side, of any size, oldest first."""
        return tuple(
            trade
            for trade in self.shares
            if trade.entered
            and trade.intent.opens
            and (trade.intent.symbol, trade.intent.side) == (intent.symbol, intent.side)
        )

    def risk_in_use(self, strategy: str) -> Dollars | None:
        """Return what one strategy's open trades may lose, None when one has no bound."""
        risks = [t.risk for t in self.trades if t.open and t.intent.strategy == strategy]
        known = [risk for risk in risks if risk is not None]
        return sum(known, ZERO) if len(known) == len(risks) else None

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that have something open."""
        return tuple(dict.fromkeys(t.intent.strategy for t in self.trades if t.open))


def _trade(
    order: PastOrder, closings: Iterable[PastOrder], left: dict[OptionContract, int]
) -> Trade:
    closings = tuple(closings)
    filled, over = order.filled_qty, order.status.terminal
    closed = sum(closing.filled_qty for closing in closings)
    # While a closing order is under way its fill may be in what is held and not yet in its record.
    settled = all(closing.status.terminal for closing in closings)
    still = max(filled - closed, 0)
    if settled and over:
        still = min(still, _units_of(order.intent, left))
    _take(order.intent, still, left)
    working = 0 if over else order.intent.qty - filled
    ended = over and filled > 0 and not still
    return Trade(
        intent=order.intent,
        sent_at=order.created_at,
        entered=filled > 0 or not over,
        open=still + working,
        risk=_risk(order, still + working),
        closed=ended,
        result=_result(order, closings) if ended and closed >= filled else None,
        closed_at=max((c.updated_at for c in closings), default=None) if ended else None,
    )


def _units_of(intent: OrderIntent, left: Mapping[OptionContract, int]) -> int:
    units = (left.get(leg.contract, 0) * leg.side.sign // leg.ratio for leg in intent.legs)
    return max(min(units, default=0), 0)


def _take(intent: OrderIntent, units: int, left: dict[OptionContract, int]) -> None:
    for leg in intent.legs:
        left[leg.contract] = left.get(leg.contract, 0) - leg.signed_ratio * units


def _risk(order: PastOrder, units: int) -> Dollars | None:
    if not units:
        return ZERO
    day = min(leg.contract.expiry for leg in order.intent.legs)
    return order_worst_case(replace(order.intent, qty=units), day)


def _result(order: PastOrder, closings: Iterable[PastOrder]) -> Dollars | None:
    paid = ZERO
    for one in (order, *closings):
        if not one.filled_qty:
            continue
        if one.filled_avg_price is None:
            return None
        filled = replace(one.intent, qty=one.filled_qty)
        day = min(leg.contract.expiry for leg in filled.legs)
        paid += one.filled_avg_price * OPTION_MULTIPLIER * one.filled_qty + entry_fees(filled, day)
    return -paid


def _shape(intent: OrderIntent) -> frozenset[tuple[OptionContract, int]]:
    return frozenset((leg.contract, leg.signed_ratio) for leg in intent.legs)
