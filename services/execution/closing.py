"""What to send to undo positions: spreads as spreads, shorts before longs, never more.

Pure: positions, the desk's own records and quotes in, closing intents out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.contracts import OPTION_MULTIPLIER, OptionContract, Right, option_tick
from common.ids import ClientOrderId
from common.money import CENT, ZERO, Price, ceil_to_tick
from common.orders import Leg, OrderIntent, PositionIntent, Side
from common.portfolio import Position
from common.pricing.payoff import Payoff, PayoffLeg
from common.quotes import Quote, natural, net_mid
from services.execution.attribution import attribute, held_of
from services.execution.records import OrderRecord

LEG_QTY_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwind:
    """A closing order to be priced and sent, and the opening order it undoes, if ours."""

    legs: tuple[Leg, ...]
    qty: int
    strategy: str
    parent: ClientOrderId | None = None

    @property
    def sells_only(self) -> bool:
        """Whether it only sells what is held: after the shorts are bought back."""
        return all(leg.side is Side.SELL for leg in self.legs)

    def priced(self, quotes: Mapping[str, Quote], collar: Decimal) -> OrderIntent | None:
        """Return the order at the natural price worsened by a share of it.

        Never more is paid for a spread than it can come to owe: holding it costs no more, and
        what may be lost was reckoned so. What nobody bids for is offered at the least price
        there is, and may rest there.

        None when a leg that must be bought is not offered, or one has no quote at all.
        """
        priced = [(leg, quotes.get(leg.contract.symbol)) for leg in self.legs]
        known = [(leg.signed_ratio, quote) for leg, quote in priced if quote is not None]
        if len(known) < len(priced) or any(r > 0 and quote.ask <= 0 for r, quote in known):
            return None
        touch = natural(known)
        limit = ceil_to_tick(touch + max(abs(touch) * collar, 2 * CENT), self._tick(touch))
        if self.sells_only:
            limit = min(limit, -self._tick(CENT))  # a sale is never for nothing
        if (most := self._owed_at_most()) is not None:
            limit = min(limit, most)
        return OrderIntent(strategy=self.strategy, legs=self.legs, qty=self.qty, limit=limit)

    def dear(self, quotes: Mapping[str, Quote]) -> bool:
        """Tell whether the market asks more for a spread than it can come to owe."""
        most, known = self._owed_at_most(), [quotes.get(leg.contract.symbol) for leg in self.legs]
        asked = [
            (leg.signed_ratio, quote)
            for leg, quote in zip(self.legs, known, strict=True)
            if quote is not None
        ]
        return most is not None and len(asked) == len(known) and natural(asked) > most

    def _owed_at_most(self) -> Price | None:
        """Return what a unit held can cost at its end, a share; None without bound, or nothing."""
        held = tuple(
            PayoffLeg(
                qty=-leg.signed_ratio,
                price=ZERO,
                right=leg.contract.right,
                strike=leg.contract.strike,
            )
            for leg in self.legs
        )
        owed = Payoff(legs=held).max_loss
        return owed / OPTION_MULTIPLIER if owed else None

    def unbid(self, quotes: Mapping[str, Quote]) -> bool:
        """Tell whether it only sells, and nobody bids anything."""
        known = (quotes.get(leg.contract.symbol) for leg in self.legs)
        return self.sells_only and all(quote is not None and quote.bid <= 0 for quote in known)

    def mid(self, quotes: Mapping[str, Quote]) -> Price | None:
        """Return the net mid of the legs, None where a leg has no quote."""
        known = [(leg.signed_ratio, quotes.get(leg.contract.symbol)) for leg in self.legs]
        if any(quote is None for _, quote in known):
            return None
        return net_mid((ratio, quote) for ratio, quote in known if quote is not None)

    def _tick(self, price: Price) -> Price:
        return CENT if len(self.legs) > 1 else option_tick(self.legs[0].contract.underlying, price)


def plan_unwinds(
    positions: Sequence[Position],
    openings: Iterable[OrderRecord],
    closings: Iterable[OrderRecord] = (),
) -> tuple[Unwind, ...]:
    """Return the orders that would flatten every option position.

    Positions that an opening order of ours explains are closed as that order was built;
    what is left over goes leg by leg. Orders that buy shorts back come first: selling
    their cover first would leave them naked.
    """
    held, records = held_of(positions), tuple(openings)
    owned = attribute(records, closings, held)
    unwinds = []
    for record in records:
        for unit in unwinds_of(record, owned.of(record.client_order_id), held):
            unwinds.append(unit)
            for leg in unit.legs:
                held[leg.contract] += leg.signed_ratio * unit.qty
    unwinds.extend(_singles(held, strategy="flatten"))
    return tuple(sorted(unwinds, key=lambda unwind: unwind.sells_only))


def unwinds_of(
    record: OrderRecord,
    own: Mapping[OptionContract, int],
    held: Mapping[OptionContract, int],
    side: Right | None = None,
) -> tuple[Unwind, ...]:
    """Return how to undo what is still held of one opening order, or of one side of it.

    own: what of the holdings is this order's. As one order where all its legs are there,
    else each vertical by itself, else leg by leg, what is short first.
    """
    if not record.intent.opens:
        return ()
    legs = tuple(leg for leg in record.intent.legs if side in (None, leg.contract.right))
    left = {leg.contract: _lesser(own, held, leg.contract) for leg in legs}
    sides = (tuple(leg for leg in legs if leg.contract.right is right) for right in Right)
    found = [_unit(record, part, left) for part in dict.fromkeys((legs, *sides)) if part]
    singles = _singles(left, strategy=record.intent.strategy, parent=record.client_order_id)
    whole = tuple(unwind for unwind in found if unwind is not None)
    return (*whole, *sorted(singles, key=lambda unwind: unwind.sells_only))


def _lesser(
    own: Mapping[OptionContract, int], held: Mapping[OptionContract, int], contract: OptionContract
) -> int:
    """Return what is both the order's and the account's, signed."""
    mine, all_held = own.get(contract, 0), held.get(contract, 0)
    if mine * all_held <= 0:
        return 0
    return mine if abs(mine) <= abs(all_held) else all_held


def _unit(
    record: OrderRecord, legs: tuple[Leg, ...], left: dict[OptionContract, int]
) -> Unwind | None:
    """Take whole units of some legs off what is left, None where there are none."""
    qty = min((left[leg.contract] * leg.side.sign // leg.ratio for leg in legs), default=0)
    if qty <= 0:
        return None
    for leg in legs:
        left[leg.contract] -= leg.signed_ratio * qty
    return Unwind(
        legs=tuple(
            Leg(
                contract=leg.contract,
                intent=PositionIntent.of(leg.side.opposite, opens=False),
                ratio=leg.ratio,
            )
            for leg in legs
        ),
        qty=qty,
        strategy=record.intent.strategy,
        parent=record.client_order_id,
    )


def _singles(
    left: Mapping[OptionContract, int], *, strategy: str, parent: ClientOrderId | None = None
) -> Iterator[Unwind]:
    for contract, qty in left.items():
        if qty:
            yield Unwind(
                legs=(Leg(contract=contract, intent=_closing_intent(qty)),),
                qty=min(abs(qty), LEG_QTY_MAX),
                strategy=strategy,
                parent=parent,
            )


def _closing_intent(qty: int) -> PositionIntent:
    return PositionIntent.SELL_TO_CLOSE if qty > 0 else PositionIntent.BUY_TO_CLOSE
