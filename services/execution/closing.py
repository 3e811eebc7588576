"""What to send to undo positions: spreads as spreads, shorts before longs, never more.

Pure: positions, the desk's own records and quotes in, closing intents out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.contracts import OptionContract, option_tick
from common.ids import ClientOrderId
from common.money import CENT, Price, ceil_to_tick
from common.orders import Leg, OrderIntent, PositionIntent, Side
from common.portfolio import Position
from common.quotes import Quote, natural, net_mid
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

        None when a leg cannot be priced: nothing asked where we must buy, or nothing bid
        at all for a single option we would sell.
        """
        priced = [(leg, quotes.get(leg.contract.symbol)) for leg in self.legs]
        known = [(leg.signed_ratio, quote) for leg, quote in priced if quote is not None]
        if len(known) < len(priced) or any(r > 0 and quote.ask <= 0 for r, quote in known):
            return None
        if len(known) == 1 and self.sells_only and known[0][1].bid <= 0:
            return None
        touch = natural(known)
        limit = ceil_to_tick(touch + max(abs(touch) * collar, 2 * CENT), self._tick(touch))
        if self.sells_only:
            limit = min(limit, -CENT)  # a sale is never for nothing
        return OrderIntent(strategy=self.strategy, legs=self.legs, qty=self.qty, limit=limit)

    def mid(self, quotes: Mapping[str, Quote]) -> Price | None:
        """Return the net mid of the legs, None where a leg has no quote."""
        known = [(leg.signed_ratio, quotes.get(leg.contract.symbol)) for leg in self.legs]
        if any(quote is None for _, quote in known):
            return None
        return net_mid((ratio, quote) for ratio, quote in known if quote is not None)

    def _tick(self, price: Price) -> Price:
        return CENT if len(self.legs) > 1 else option_tick(self.legs[0].contract.underlying, price)


def plan_unwinds(
    positions: Sequence[Position], openings: Iterable[OrderRecord]
) -> tuple[Unwind, ...]:
    """Return the orders that would flatten every option position.

    Positions that an opening order of ours explains are closed as that order was built;
    what is left over goes leg by leg. Orders that buy shorts back come first: selling
    their cover first would leave them naked.
    """
    held: dict[OptionContract, int] = {}
    for position in positions:
        contract = position.contract
        if contract is not None and position.qty:
            held[contract] = int(position.qty)
    unwinds = []
    for record in openings:
        unit = unwind_of(record, held)
        if unit is not None:
            unwinds.append(unit)
            for leg in unit.legs:
                held[leg.contract] += leg.signed_ratio * unit.qty
    unwinds.extend(
        Unwind(
            legs=(Leg(contract=contract, intent=_closing_intent(qty)),),
            qty=min(abs(qty), LEG_QTY_MAX),
            strategy="flatten",
        )
        for contract, qty in held.items()
        if qty
    )
    return tuple(sorted(unwinds, key=lambda unwind: unwind.sells_only))


def unwind_of(record: OrderRecord, held: Mapping[OptionContract, int]) -> Unwind | None:
    """Return how to undo what is still held of one opening order, None if nothing is."""
    legs = record.intent.legs
    units = min((held.get(leg.contract, 0) * leg.side.sign // leg.ratio for leg in legs), default=0)
    qty = min(units, record.filled_qty)
    if qty <= 0 or not record.intent.opens:
        return None
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


def _closing_intent(qty: int) -> PositionIntent:
    return PositionIntent.SELL_TO_CLOSE if qty > 0 else PositionIntent.BUY_TO_CLOSE
