"""Which opening order each contract held belongs to: what it filled, less what its closings did.

What somebody else closed is taken from the oldest opening order first, as a broker matches
lots. Pure: records and positions in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from common.contracts import OptionContract
from common.ids import ClientOrderId
from common.portfolio import Position
from services.execution.records import OrderRecord

Contracts = dict[OptionContract, int]  # signed, a short negative


@dataclass(frozen=True, slots=True)
class Attribution:
    """Contracts by opening order, and how the account differs from their sum.

    recorded: what our orders come to. held: what the account shows.
    """

    owned: Mapping[ClientOrderId, Contracts]
    recorded: Mapping[OptionContract, int]
    held: Mapping[OptionContract, int]

    def of(self, client_order_id: ClientOrderId) -> Contracts:
        """Return what an opening order still holds."""
        return self.owned.get(client_order_id, {})

    def owner(self, contract: OptionContract) -> ClientOrderId | None:
        """Return the opening order that holds most of a contract, the oldest of equals."""
        most = max(self.owned, key=lambda one: abs(self.of(one).get(contract, 0)), default=None)
        return most if most is not None and self.of(most).get(contract, 0) else None


def held_of(positions: Iterable[Position]) -> Contracts:
    """Return the option contracts of an account."""
    return {p.contract: int(p.qty) for p in positions if p.contract is not None and p.qty}


def attribute(
    openings: Iterable[OrderRecord],
    closings: Iterable[OrderRecord],
    held: Mapping[OptionContract, int] | None,
) -> Attribution:
    """Give each opening order what is its own of what is held; None: as it was recorded."""
    ordered = sorted(openings, key=lambda record: record.created_at)
    owned = {record.client_order_id: _filled(record) for record in ordered}
    for closing in closings:
        if closing.parent in owned:
            _take(owned[closing.parent], _filled(closing))
    recorded: dict[OptionContract, int] = defaultdict(int)
    for contracts in owned.values():
        for contract, qty in contracts.items():
            recorded[contract] += qty
    before = {contract: qty for contract, qty in recorded.items() if qty}
    if held is None:
        return Attribution(owned, before, before)
    _let_go(list(owned.values()), recorded, held)
    return Attribution(owned, before, dict(held))


def _filled(record: OrderRecord) -> Contracts:
    filled: dict[OptionContract, int] = defaultdict(int)
    for leg in record.intent.legs:
        filled[leg.contract] += leg.signed_ratio * record.filled_qty
    return {contract: qty for contract, qty in filled.items() if qty}


def _take(own: Contracts, closed: Contracts) -> None:
    """Take what a closing order did off its opening one, never past nothing."""
    for contract, qty in closed.items():
        before = own.get(contract, 0)
        if before * qty < 0:
            own[contract] = before + (qty if abs(qty) <= abs(before) else -before)


def _let_go(
    oldest_first: Sequence[Contracts],
    recorded: Mapping[OptionContract, int],
    held: Mapping[OptionContract, int],
) -> None:
    for contract, qty in recorded.items():
        gone = qty - held.get(contract, 0)
        if gone * qty <= 0:
            continue  # nothing is missing; more than ours is somebody else's
        for own in oldest_first:
            mine = own.get(contract, 0)
            if mine * gone > 0:
                part = mine if abs(mine) <= abs(gone) else gone
                own[contract] = mine - part
                gone -= part
