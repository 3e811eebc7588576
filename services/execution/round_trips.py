"""Trades from in to out: an opening order of ours with everything that closed it.

Pure, from the desk's records: what it cost, what came back, what is still held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.fees import entry_fees
from common.ids import ClientOrderId
from common.money import ZERO, Dollars, Price
from services.execution.records import OrderRecord


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One trade. Amounts are dollars of the whole trade, estimated fees in them where said."""

    opening: OrderRecord
    closings: tuple[OrderRecord, ...]  # oldest first, filled at least in part

    @property
    def held(self) -> Mapping[OptionContract, int]:
        """What our own fills leave open, signed; empty once they have closed it all."""
        left: dict[OptionContract, int] = {}
        for record in (self.opening, *self.closings):
            for leg in record.intent.legs:
                filled = leg.signed_ratio * record.filled_qty
                left[leg.contract] = left.get(leg.contract, 0) + filled
        return {contract: qty for contract, qty in left.items() if qty}

    @property
    def closed(self) -> bool:
        """Whether our own orders have closed all of it."""
        return not self.held and all(r.status.terminal for r in (self.opening, *self.closings))

    @property
    def closed_at(self) -> datetime | None:
        """When the last of it was closed, None while it is open."""
        return max((r.updated_at for r in self.closings), default=None) if self.closed else None

    @property
    def fees(self) -> Dollars:
        """The estimated fees of what has filled."""
        return sum((_fees(record) for record in (self.opening, *self.closings)), ZERO)

    @property
    def cash(self) -> Dollars | None:
        """What came in less what went out, before fees; None where a price is unknown."""
        moved = ZERO
        for record in (self.opening, *self.closings):
            if record.filled_avg_price is None:
                return None
            moved -= record.filled_avg_price * OPTION_MULTIPLIER * record.filled_qty
        return moved

    @property
    def result(self) -> Dollars | None:
        """Gain or loss after fees; None while it is open, or closed by others than us."""
        cash = self.cash
        return cash - self.fees if self.closed and cash is not None else None

    @property
    def exit_average(self) -> Price | None:
        """The net price per share and unit at which it was closed, a credit negative."""
        if not self.closed or not self.opening.filled_qty:
            return None
        paid = sum((r.filled_avg_price or ZERO) * r.filled_qty for r in self.closings)
        return Decimal(paid) / self.opening.filled_qty

    @property
    def slippage(self) -> Dollars | None:
        """What all its fills cost beyond the mid at their sends; None where a mid is unknown."""
        total = ZERO
        for record in (self.opening, *self.closings):
            if record.slippage is None:
                return None
            total += record.slippage * OPTION_MULTIPLIER * record.filled_qty
        return total

    def marked(self, mids: Mapping[OptionContract, Price]) -> Dollars | None:
        """Return where it stands before fees, what is held at mid; None without a mid."""
        value, cash = ZERO, self.cash
        for contract, qty in self.held.items():
            if contract not in mids:
                return None
            value += mids[contract] * qty * OPTION_MULTIPLIER
        return None if cash is None else cash + value


def round_trips(records: Iterable[OrderRecord]) -> tuple[RoundTrip, ...]:
    """Return the trades among records that filled at all, oldest first."""
    openings: list[OrderRecord] = []
    closings: dict[ClientOrderId, list[OrderRecord]] = {}
    for record in sorted(records, key=lambda r: r.created_at):
        if not record.filled_qty:
            continue
        if record.intent.opens:
            openings.append(record)
        elif record.parent is not None:
            closings.setdefault(record.parent, []).append(record)
    return tuple(RoundTrip(one, tuple(closings.get(one.client_order_id, ()))) for one in openings)


def _fees(record: OrderRecord) -> Dollars:
    return entry_fees(replace(record.intent, qty=record.filled_qty), record.day)
