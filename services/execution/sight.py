"""What an order is judged on, read in the one order that misses no fill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from common.errors import BrokerUnavailable
from common.ids import OrderId
from common.portfolio import Exposure, Position
from common.quotes import MarketView
from services.broker.reader import BrokerReader
from services.execution.kill_switch import KillSwitch
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.market.watch import MarketWatch
from services.portfolio.portfolio import Portfolio
from services.risk.activity import Activity


class Seen(NamedTuple):
    """What an order is judged on: the market, the account, and the session's own past."""

    view: MarketView
    exposure: Exposure
    activity: Activity


class Sight:
    """Reads the market, then the account; a halt, or no news of orders: no opening."""

    def __init__(
        self,
        watch: MarketWatch,
        portfolio: Portfolio,
        store: DeskStore,
        tracker: OrderTracker,
        kill_switch: KillSwitch,
        reader: BrokerReader,
    ) -> None:
        self._watch = watch
        self._portfolio = portfolio
        self._store = store
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._reader = reader

    async def look(self, *, opening: bool = True, without: OrderId | None = None) -> Seen:
        """Return what is seen now; without: an order that is to be thought away.

        Raises Halted and BrokerUnavailable where nothing may open, and what the readers raise.
        """
        if opening:
            self._kill_switch.require_open()
        if opening and (why := self._tracker.not_ready()):
            raise BrokerUnavailable(f"no order can be opened now: {why}")
        view = await self._watch.view()
        # Before the positions are read: see Activity.
        day = self._store.of_day(view.session.day)
        records = [one for one in day if without is None or one.broker_id != without]
        shares = [record.trade for record in self._store.shares.of_day(view.session.day)]
        exposure = await self._portfolio.exposure(
            self._tracker.pending(without), self._tracker.pending_shares()
        )
        held = {p.contract: int(p.qty) for p in exposure.positions if p.contract is not None}
        if without is not None:
            claims = await self._claims(without)
            freed = tuple(_freed(position, claims) for position in exposure.positions)
            exposure = replace(exposure, positions=freed)
        return Seen(view, exposure, Activity.of(records, held, view.now, shares))

    async def _claims(self, order_id: OrderId) -> Counter[str]:
        """Return the contracts that an order would close, by symbol."""
        claims: Counter[str] = Counter()
        order = await self._reader.order(order_id)
        if not order.status.terminal:
            left = int(order.qty - order.filled_qty)
            for leg in order.legs:
                if leg.intent is not None and not leg.intent.opens:
                    claims[leg.symbol] += left * leg.ratio
        return claims


def _freed(position: Position, claims: Mapping[str, int]) -> Position:
    """Return a position as if an order did not claim a part of it."""
    free = abs(position.qty_available) + claims.get(position.symbol, 0)
    free = min(free, abs(position.qty))
    return replace(position, qty_available=free.copy_sign(position.qty))
