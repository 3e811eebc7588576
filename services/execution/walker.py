"""Walks a working order from the mid towards the market, by replacing it, never beyond its limit.

What was approved and is reserved is the worst price; where the order stands is better or the
same. A walk stops where it is on quotes that are old or widening, on a first fill, on a halt,
and on an answer that is not clear: the order is then looked up, not moved again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from common.contracts import option_tick
from common.errors import (
    BrokerRefused,
    BrokerUnavailable,
    Halted,
    MarketError,
    OrderUncertain,
)
from common.ids import ClientOrderId
from common.money import CENT, Price, ceil_to_tick
from common.orders import Approved, OrderIntent, OrderStatus
from common.quotes import Quote, natural, net_mid
from services.broker.gateway import Broker
from services.execution.cancels import Canceler
from services.execution.kill_switch import KillSwitch
from services.execution.live_quotes import LiveQuotes
from services.execution.records import OrderRecord, replacement_id
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker

log = logging.getLogger(__name__)

WIDENED = Decimal("1.5")  # times the spread at the start: then the market is leaving
STEP_OF_SPREAD = Decimal("0.25")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a walk goes: so many steps, one each interval of wall time.

    to_limit: a last step goes from natural to the order's own limit.
    """

    steps: int
    every: timedelta
    to_limit: bool = False


@dataclass(frozen=True, slots=True)
class Net:
    """The market of an order's legs as one price: mid, natural, and what lies between."""

    mid: Price
    natural: Price

    @classmethod
    def of(cls, intent: OrderIntent, quotes: Mapping[str, Quote]) -> Net:
        """Net the quotes of every leg; KeyError where one is missing."""
        legs = [(leg.signed_ratio, quotes[leg.contract.symbol]) for leg in intent.legs]
        return cls(net_mid(legs), natural(legs))

    @property
    def spread(self) -> Price:
        """Twice the way from mid to natural."""
        return 2 * (self.natural - self.mid)

    def step(self, intent: OrderIntent, number: int) -> Price:
        """Return the limit of a step, 0 at the mid, on a tick, no worse than natural or limit."""
        wanted = self.mid + number * STEP_OF_SPREAD * self.spread
        return min(ceil_to_tick(wanted, tick_of(intent)), self.natural, intent.limit)


def tick_of(intent: OrderIntent) -> Price:
    """Return the price step of an order: a net of several legs moves by cents."""
    if len(intent.legs) > 1:
        return CENT
    return option_tick(intent.legs[0].contract.underlying, intent.limit)


class LimitWalker:
    """Moves orders; one walk an order, ended by whoever cancels it."""

    def __init__(
        self,
        store: DeskStore,
        broker: Broker,
        tracker: OrderTracker,
        kill_switch: KillSwitch,
        canceler: Canceler,
        quotes: LiveQuotes,
    ) -> None:
        self._store = store
        self._broker = broker
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._canceler = canceler
        self._quotes = quotes

    def start(self, intent: OrderIntent) -> Price:
        """Return where an order begins: the mid, or its own limit without fresh quotes."""
        try:
            return self._net(intent).step(intent, 0)
        except MarketError as e:
            log.info("no walk from the mid: %s", e)
            return intent.limit

    async def walk(
        self, approved: Approved[OrderIntent], client_order_id: ClientOrderId, pace: Pace
    ) -> OrderRecord | None:
        """Walk until it fills, ends, must stop, or stands at the end of the way."""
        intent, first = approved.value, self._spread(approved.value)
        for number in range(1, pace.steps + 1 + pace.to_limit):
            record = await self._tracker.settled(client_order_id, pace.every)
            if record is None or self._stays(record) or first is None:
                return record
            to = self._next(intent, number, first, last=number > pace.steps)
            if to is None:
                return record
            better = record.working is not None and to > record.working
            if better and not await self._move(approved, record, to):
                return self._store.order(client_order_id)
        return await self._tracker.settled(client_order_id, pace.every)

    def _stays(self, record: OrderRecord) -> bool:
        """Tell whether an order is not to be moved: ended, filling, unknown, or to be gone."""
        return (
            record.status is not OrderStatus.ACCEPTED
            or record.filled_qty > 0
            or record.broker_id is None
            or self._canceler.asked(record.client_order_id)
        )

    def _next(self, intent: OrderIntent, number: int, first: Price, *, last: bool) -> Price | None:
        try:
            net = self._net(intent)
        except MarketError as e:
            log.info("the walk stops: %s", e)
            return None
        if net.spread > first * WIDENED + tick_of(intent):
            log.info("the walk stops: the spread went from %s to %s", first, net.spread)
            return None
        return intent.limit if last else net.step(intent, number)

    async def _move(self, approved: Approved[OrderIntent], record: OrderRecord, to: Price) -> bool:
        """Replace an order; return whether the walk may go on."""
        if record.broker_id is None:
            return False
        name = replacement_id(record.client_order_id, record.version + 1)
        try:
            order = await self._broker.replace(
                record.broker_id,
                approved,
                name,
                lambda: self._kill_switch.require(approved.value),
                to,
            )
        except (BrokerRefused, BrokerUnavailable) as e:
            log.info("%s was not moved: %s", record.client_order_id, e)
            self._tracker.look_soon()  # most likely it has just filled
            return isinstance(e, BrokerUnavailable)
        except (Halted, OrderUncertain) as e:
            log.warning("the walk of %s stops: %s", record.client_order_id, e)
            self._tracker.look_soon()
            return False
        await self._tracker.note(record, order)
        return True

    def _spread(self, intent: OrderIntent) -> Price | None:
        try:
            return self._net(intent).spread
        except MarketError:
            return None

    def _net(self, intent: OrderIntent) -> Net:
        return Net.of(intent, self._quotes.of(leg.contract for leg in intent.legs))
