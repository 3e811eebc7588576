"""What the desk believes it holds against what the broker shows: each difference by name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from common.contracts import OptionContract
from common.orders import Order
from common.portfolio import Position
from services.broker.reader import BrokerReader
from services.execution.attribution import Attribution
from services.execution.holdings import Holdings
from services.execution.records import ExitState, OrderRecord, root_of
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
                *_others(positions),
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

    def _orders(self, orders: tuple[Order, ...]) -> list[Difference]:
        roots = {root_of(order.client_order_id): order for order in orders}
        working = {record.client_order_id: record for record in self._store.working()}
        gone = (record for name, record in working.items() if name not in roots)
        extra = (order for name, order in roots.items() if self._store.order(name) is None)
        return [*map(_ghost_order, gone), *map(_external_order, extra)]


def _contracts(found: Attribution) -> list[Difference]:
    differences = []
    for contract in sorted({*found.recorded, *found.held}):
        ours, theirs = found.recorded.get(contract, 0), found.held.get(contract, 0)
        if ours != theirs:
            kind = Kind.GHOST if not theirs else Kind.QUANTITY if ours else Kind.EXTERNAL
            differences.append(
                Difference(
                    kind=kind,
                    what=contract.symbol,
                    ours=str(ours),
                    theirs=str(theirs),
                    remedy=_REMEDIES[kind],
                )
            )
    return differences


def _others(positions: tuple[Position, ...]) -> list[Difference]:
    """Shares and coins are never ours: the desk trades options only."""
    return [
        Difference(
            kind=Kind.EXTERNAL,
            what=position.symbol,
            ours="0",
            theirs=f"{position.qty:f}",
            remedy=_REMEDIES[Kind.EXTERNAL],
        )
        for position in positions
        if position.contract is None
    ]


def _ghost_order(record: OrderRecord) -> Difference:
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
