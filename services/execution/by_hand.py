"""What people ask for by hand, against what is held: which legs close, and how much of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from common.contracts import OptionContract
from common.errors import BadArgument
from common.money import ZERO, Qty, plain
from common.orders import Leg, PositionIntent, Side
from common.portfolio import Position
from services.broker.reader import BrokerReader
from services.execution.holdings import Holdings
from services.execution.instructions import Instruction, Kind
from services.execution.records import OrderRecord
from services.execution.store import DeskStore
from services.strategies.custom import Custom

SHARE_PLACES: Final = Decimal("0.000000001")  # what a broker keeps of shares and coins


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLeg:
    """A leg as a caller names it; without an intent it is inferred from what is held."""

    contract: OptionContract
    side: Side
    ratio: int = 1
    intent: PositionIntent | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """How much of a holding: a number of units, a percentage of it, or neither for all."""

    qty: Qty | None = None
    percentage: Decimal | None = None

    def of(self, held: Position) -> Qty:
        """Return the units meant, without sign; a percentage is rounded down, never up.

        Raises BadArgument for both, for more than is held, for a part of a contract and for
        nothing at all.
        """
        if self.qty is not None and self.percentage is not None:
            raise BadArgument("give qty or percentage, not both")
        whole, all_held = held.contract is not None, abs(held.qty)
        units = all_held
        if self.qty is not None:
            units = self.qty
        elif self.percentage is not None:
            step = Decimal(1) if whole else SHARE_PLACES
            units = (all_held * self.percentage / 100).quantize(step, ROUND_DOWN)
        if whole and units != units.to_integral_value():
            raise BadArgument(f"qty: {plain(units)} is no number of contracts")
        if units > all_held:
            raise BadArgument(f"qty: {plain(units)} of {held.symbol}, but {plain(all_held)} held")
        if units <= ZERO:
            raise BadArgument(
                f"{plain(self.percentage or ZERO)}% of {plain(all_held)} {held.symbol} is less "
                f"than one"
            )
        return units


class ByHand:
    """Reads what is held, and makes of a request the strategy the desk can price."""

    def __init__(self, reader: BrokerReader, holdings: Holdings, store: DeskStore) -> None:
        self._reader = reader
        self._store = store
        self._holdings = holdings

    async def position(self, symbol: str) -> Position:
        """Return one holding; raise BadArgument where nothing of it is held."""
        wanted = symbol.strip().upper()
        for held in await self._reader.positions():
            if wanted in (held.symbol, held.symbol.replace("/", "")):
                return held
        raise BadArgument(
            f"symbol: nothing of {wanted:.21} is held", remedy="get_positions lists what is held"
        )

    async def legs(self, asked: Sequence[AskedLeg]) -> tuple[Leg, ...]:
        """Return legs with their intents: closing where every leg without one reduces a holding."""
        if all(leg.intent is not None for leg in asked):
            return tuple(_leg(leg, opens=True) for leg in asked)
        held = {position.symbol: position.qty for position in await self._reader.positions()}
        opens = any(
            held.get(leg.contract.symbol, ZERO) * leg.side.sign >= 0
            for leg in asked
            if leg.intent is None
        )
        return tuple(_leg(leg, opens=opens) for leg in asked)

    async def closing(self, symbol: str, part: Part) -> Custom | Instruction:
        """Return what closes a part of a holding: an order for an option, else an instruction."""
        held = await self.position(symbol)
        units, contract = part.of(held), held.contract
        if contract is None:
            return Instruction(kind=Kind.CLOSE, symbol=held.symbol, qty=units)
        side = Side.SELL if held.qty > 0 else Side.BUY
        leg = Leg(contract=contract, intent=PositionIntent.of(side, opens=False))
        found = self._holdings.of(await self._reader.positions())
        owner = found.owner(contract)
        record = None if owner is None else self._store.order(owner)
        return Custom(legs=(leg,), qty=int(units), beware=_of_spread(record, contract))

    async def whole(self, symbol: str, kind: Kind) -> Instruction:
        """Return an instruction on all that is held of an option."""
        held = await self.position(symbol)
        return Instruction(kind=kind, symbol=held.symbol, qty=abs(held.qty))


def _leg(asked: AskedLeg, *, opens: bool) -> Leg:
    intent = asked.intent or PositionIntent.of(asked.side, opens=opens)
    return Leg(contract=asked.contract, intent=intent, ratio=asked.ratio)


def _of_spread(record: OrderRecord | None, contract: OptionContract) -> tuple[str, ...]:
    """Warn of what is left of a trade whose one leg is closed alone."""
    if record is None or len(record.intent.legs) < 2:
        return ()
    others = [leg.contract.symbol for leg in record.intent.legs if leg.contract != contract]
    return (
        f"{contract.symbol} is one leg of the {record.intent.strategy} trade: the others "
        f"({', '.join(others)}) stay open; place_option_market_order closes several legs as one",
    )
