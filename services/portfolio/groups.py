"""Option holdings gathered: by underlying and expiry, and what each contract traded came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from typing import Protocol

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.money import ZERO, Dollars, Price, Qty
from common.portfolio import Position
from common.quotes import ChainSnapshot
from services.portfolio.greeks import Sensitivity, greeks_of_positions


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionGroup:
    """What is held of one expiry. net: contracts, shorts counted negative; amounts in dollars.

    value, result and sensitivity are None when any holding's is not known.
    """

    underlying: str
    expiry: date
    holdings: tuple[Position, ...]
    sensitivity: Sensitivity | None
    unknown: tuple[str, ...]

    @property
    def net(self) -> Qty:
        """Contracts, shorts negative."""
        return sum((held.qty for held in self.holdings), ZERO)

    @property
    def cost(self) -> Dollars:
        """What they cost, received ones negative."""
        return sum((held.cost_basis for held in self.holdings), ZERO)

    @property
    def value(self) -> Dollars | None:
        """What they are worth by the broker's marks."""
        return _total(held.market_value for held in self.holdings)

    @property
    def result(self) -> Dollars | None:
        """Their open result by the broker's marks."""
        return _total(held.unrealized_pl for held in self.holdings)


def option_groups(
    positions: Iterable[Position], chain: ChainSnapshot | None
) -> tuple[OptionGroup, ...]:
    """Return the option holdings by underlying and expiry, in that order."""
    held = [(p.contract, p) for p in positions if p.contract is not None]
    ordered = sorted(held, key=lambda one: (one[0].underlying, one[0].expiry, one[0]))
    return tuple(
        _group(key, [position for _, position in group], chain)
        for key, group in groupby(ordered, key=lambda one: (one[0].underlying, one[0].expiry))
    )


class Execution(Protocol):
    """What is asked of a fill as the broker lists it."""

    @property
    def symbol(self) -> str | None:
        """What was traded."""
        ...

    @property
    def side(self) -> str | None:
        """buy, sell or sell_short."""
        ...

    @property
    def qty(self) -> Qty | None:
        """How much."""
        ...

    @property
    def price(self) -> Price | None:
        """For how much a share."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """One contract's executions: contracts bought and sold, cash before fees, what is held."""

    contract: OptionContract
    bought: Qty = field(default=ZERO)
    sold: Qty = field(default=ZERO)
    cash: Dollars = field(default=ZERO)
    held: Position | None = None

    def after(self, qty: Qty, price: Price, *, bought: bool) -> Traded:
        """Return it with one more execution."""
        amount = qty * price * OPTION_MULTIPLIER
        if bought:
            return replace(self, bought=self.bought + qty, cash=self.cash - amount)
        return replace(self, sold=self.sold + qty, cash=self.cash + amount)


def traded(fills: Sequence[Execution], positions: Sequence[Position]) -> tuple[Traded, ...]:
    """Return every option held or traded, by contract. Fills without numbers count for nothing."""
    found = {
        contract: Traded(contract=contract, held=position)
        for position in positions
        if (contract := position.contract) is not None
    }
    for fill in fills:
        contract = _option(fill.symbol)
        if contract is None or fill.qty is None or fill.price is None:
            continue
        before = found.get(contract, Traded(contract=contract))
        found[contract] = before.after(abs(fill.qty), fill.price, bought=fill.side == "buy")
    return tuple(found[contract] for contract in sorted(found))


def _option(symbol: str | None) -> OptionContract | None:
    try:
        return OptionContract.from_occ(symbol or "")
    except ValueError:
        return None


def _group(
    key: tuple[str, date], holdings: Sequence[Position], chain: ChainSnapshot | None
) -> OptionGroup:
    report = greeks_of_positions(holdings, chain)
    return OptionGroup(
        underlying=key[0],
        expiry=key[1],
        holdings=tuple(holdings),
        sensitivity=report.total,
        unknown=report.unknown,
    )


def _total(values: Iterable[Dollars | None]) -> Dollars | None:
    known = list(values)
    if any(value is None for value in known):
        return None
    return sum((value for value in known if value is not None), ZERO)
