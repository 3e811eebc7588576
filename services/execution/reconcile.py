"""What the desk believes it holds against what the broker shows: each difference by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from common.contracts import OptionContract
from common.ids import ClientOrderId
from common.money import ZERO, Qty, plain
from common.orders import Order
from common.portfolio import Position
from services.broker.reader import BrokerReader
from services.execution.attribution import Attribution
from services.execution.holdings import Holdings
from services.execution.records import ExitState, Tracked, root_of
from services.execution.share_records import ShareRecord, net_filled
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker

LOOK_AGAIN = timedelta(milliseconds=750)  # positions may lag a fill by this much


class Kind(StrEnum):
    """How desk and broker differ."""

    GHOST = "ghost"  # we recorded a holding or a working order, the broker shows none
    EXTERNAL = "external"  # the broker shows what no order of ours made
    QUANTITY = "quantity"  # both show it, in different numbers
    ORPHAN = "orphan"  # ours and held, but no exit watches it
    UNKNOWN = "unknown"  # an order whose outcome is being looked up


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not the same on both sides. ours and theirs in contracts or shares."""

    kind: Kind
    what: str
    ours: str
    theirs: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """Both sides as they were read. checked: holdings and working orders compared."""

    positions: int
    orders: int
    differences: tuple[Difference, ...]


class Reconciler:
    """Reads, compares, and reads again before it calls anything different."""

    def __init__(
        self, store: DeskStore, reader: BrokerReader, tracker: OrderTracker, holdings: Holdings
    ) -> None:
        self._store = store
        self._reader = reader
        self._tracker = tracker
        self._holdings = holdings

    async def reconcile(self) -> Reconciled:
        """Compare everything held and working. Raises what the reader raises."""
        first = await self._compared()
        if not first.differences:
            return first
        await asyncio.sleep(LOOK_AGAIN.total_seconds())
        second = await self._compared()
        lasting = tuple(found for found in second.differences if found in first.differences)
        return Reconciled(positions=second.positions, orders=second.orders, differences=lasting)

    async def _compared(self) -> Reconciled:
        await self._tracker.look()
        positions, orders = await asyncio.gather(
            self._reader.positions(), self._reader.orders("open", limit=500)
        )
        found = self._holdings.of(positions)
        return Reconciled(
            positions=len(positions),
            orders=len(orders),
            differences=(
                *_contracts(found),
                *self._shares(positions),
                *self._unwatched(found),
                *self._orders(orders),
            ),
        )

    def _unwatched(self, found: Attribution) -> list[Difference]:
        differences = []
        for name, contracts in found.owned.items():
            plan = self._store.exit_plan(name)
            if any(contracts.values()) and (plan is None or plan.state is ExitState.DONE):
                differences.append(
                    Difference(
                        kind=Kind.ORPHAN,
                        what=f"position of {name}",
                        ours="no exit watches it",
                        theirs=_told(contracts),
                        remedy="flatten_all closes it",
                    )
                )
        return differences

    def _shares(self, positions: tuple[Position, ...]) -> list[Difference]:
        """Compare stocks and coins with what our orders made of the last holding they saw."""
        held = {p.symbol: p.qty for p in positions if p.contract is None}
        recorded = {symbol: self._recorded(symbol, held) for symbol in self._store.shares.symbols()}
        return [
            _difference(symbol, recorded.get(symbol, ZERO), held.get(symbol, ZERO), _OF_SHARES)
            for symbol in sorted({*recorded, *held})
            if recorded.get(symbol, ZERO) != held.get(symbol, ZERO)
        ]

    def _recorded(self, symbol: str, held: Mapping[str, Qty]) -> Qty:
        """Return what should be held of a symbol; what went since an earlier day is no news."""
        orders = self._store.shares.of_symbol(symbol)
        if not orders or (symbol not in held and not self._of_today(orders)):
            return ZERO
        return sum((net_filled(record) for record in orders), orders[0].held or ZERO)

    def _of_today(self, orders: Sequence[ShareRecord]) -> bool:
        return any(record.day == self._holdings.today for record in orders)

    def _orders(self, orders: tuple[Order, ...]) -> list[Difference]:
        roots = {root_of(order.client_order_id): order for order in orders}
        ours: list[Tracked] = [*self._store.working(), *self._store.shares.working()]
        working = {record.client_order_id: record for record in ours}
        gone = (record for name, record in working.items() if name not in roots)
        extra = (order for name, order in roots.items() if not self._made(name))
        return [*map(_ghost_order, gone), *map(_external_order, extra)]

    def _made(self, name: ClientOrderId) -> bool:
        shares = self._store.shares
        return self._store.order(name) is not None or shares.order(name) is not None


def _contracts(found: Attribution) -> list[Difference]:
    differences = []
    for contract in sorted({*found.recorded, *found.held}):
        ours, theirs = found.recorded.get(contract, 0), found.held.get(contract, 0)
        if ours != theirs:
            differences.append(
                _difference(contract.symbol, Decimal(ours), Decimal(theirs), _REMEDIES)
            )
    return differences


def _difference(symbol: str, ours: Qty, theirs: Qty, remedies: Mapping[Kind, str]) -> Difference:
    kind = Kind.GHOST if not theirs else Kind.QUANTITY if ours else Kind.EXTERNAL
    return Difference(
        kind=kind, what=symbol, ours=plain(ours), theirs=plain(theirs), remedy=remedies[kind]
    )


def _ghost_order(record: Tracked) -> Difference:
    unknown = record.broker_id is None
    return Difference(
        kind=Kind.UNKNOWN if unknown else Kind.GHOST,
        what=f"order {record.client_order_id}",
        ours=record.status.value,
        theirs="not open",
        remedy="it is being looked up; get_order_status tells",
    )


def _external_order(order: Order) -> Difference:
    return Difference(
        kind=Kind.EXTERNAL,
        what=f"order {order.id}",
        ours="none",
        theirs=order.broker_status,
        remedy="made elsewhere; cancel_order takes it back",
    )


def _told(contracts: dict[OptionContract, int]) -> str:
    return ", ".join(f"{qty:+d} {contract.symbol}" for contract, qty in contracts.items() if qty)


_REMEDIES: Final = MappingProxyType(
    {
        Kind.GHOST: "closed elsewhere; its exits end by themselves",
        Kind.QUANTITY: "traded elsewhere; exits close what is there of ours",
        Kind.EXTERNAL: "opened elsewhere, no exit watches it; flatten_all closes it",
    }
)
_OF_SHARES: Final = MappingProxyType(
    {
        Kind.GHOST: "closed elsewhere",
        Kind.QUANTITY: "traded elsewhere; the next order here starts from what is held then",
        Kind.EXTERNAL: "opened elsewhere; flatten_all closes it",
    }
)
