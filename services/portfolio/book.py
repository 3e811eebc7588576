"""The account as read at one moment, with a price to leave at for everything held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Final

from common.contracts import OptionContract, multiplier
from common.money import ZERO, Dollars, Price
from common.portfolio import Account, Position
from common.pricing.hygiene import QuoteFlag
from common.quotes import ChainSnapshot, Quote
from services.portfolio.worst_case import least_values

STALE: Final = QuoteFlag.STALE.name.lower()  # old, and the underlying has moved since


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What one holding is worth per share; exit is the touch it would leave at."""

    exit: Price | None
    mid: Price | None
    unknown: str | None = None


@dataclass(frozen=True, kw_only=True)
class Book:
    """Money, holdings and their quotes. opening_equity: the session's, None when unknown.

    chain: of the underlying's same-day contracts, None before there is one. quotes: of held
    options outside it. torn: why account and positions may not belong together.
    """

    day: date
    account: Account
    positions: tuple[Position, ...]
    chain: ChainSnapshot | None
    quotes: Mapping[str, Quote]
    opening_equity: Dollars | None
    torn: str | None = None

    @cached_property
    def marks(self) -> Mapping[str, Mark]:
        """Every holding's mark by symbol."""
        return {position.symbol: self._mark(position) for position in self.positions}

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Why the session's result cannot be told; empty when it can."""
        reasons = [mark.unknown for mark in self.marks.values() if mark.unknown is not None]
        if self.opening_equity is None:
            reasons.append("the session's opening equity is not known")
        if self.torn is not None:
            reasons.append(self.torn)
        return tuple(reasons)

    def value(self, position: Position, *, natural: bool) -> Dollars | None:
        """Return what a holding is worth, owed ones negative, at its exit or at its mid."""
        mark = self.marks[position.symbol]
        price = mark.exit if natural else mark.mid
        return None if price is None else price * position.qty * multiplier(position.symbol)

    def equity(self, *, natural: bool) -> Dollars | None:
        """Return cash and all holdings; None when any holding's price is unknown.

        At natural prices the options of an expiry count for no less than they are worth there
        at the least: what a fast market asks for a spread beyond its width, nobody has to pay.
        """
        total, groups = self.account.cash, dict[tuple[str, date], Dollars]()
        for position in self.positions:
            if (value := self.value(position, natural=natural)) is None:
                return None
            if natural and (contract := position.contract) is not None:
                group = (contract.underlying, contract.expiry)
                groups[group] = groups.get(group, ZERO) + value
            else:
                total += value
        least = least_values(self.positions) if groups else {}
        for group, value in groups.items():
            floor = least[group]
            total += value if floor is None else max(value, floor)
        return total

    def session_pnl(self, *, natural: bool) -> Dollars | None:
        """Return equity less the session's opening equity; None when either is unknown."""
        equity = self.equity(natural=natural)
        if equity is None or self.opening_equity is None or self.torn is not None:
            return None
        return equity - self.opening_equity

    def _mark(self, position: Position) -> Mark:
        contract = position.contract
        if contract is None:
            # A share's or coin's spread is a trifle here; the broker's own mark serves as both.
            price = position.current_price
            why = None if price is not None else f"{position.symbol} has no price"
            return Mark(exit=price, mid=price, unknown=why)
        quote, flag = self._quote(contract)
        if quote is None or flag == STALE or quote.ask <= 0 or quote.bid > quote.ask:
            why = f"{position.symbol} has no usable quote ({flag})"
            return Mark(exit=None, mid=None, unknown=why)
        # Nobody bidding is a price to leave at: a long option is then worth nothing.
        return Mark(exit=quote.bid if position.qty > 0 else quote.ask, mid=quote.mid)

    def _quote(self, contract: OptionContract) -> tuple[Quote | None, str]:
        row = self.chain.find(contract) if self.chain is not None else None
        if row is not None:
            return row.quote, row.flag.lower()
        return self.quotes.get(contract.symbol), "not quoted"


def agrees(account: Account, positions: tuple[Position, ...]) -> bool:
    """Tell whether account and positions were read on the same side of every fill.

    The broker's equity is its cash and its marks of the positions. A fill between the two
    reads leaves them apart by the value of what was filled; the marks themselves move little
    in the moment between, so a dollar and 1% of what is held is allowed.
    """
    values = [position.market_value for position in positions]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return False
    gross = sum((abs(value) for value in known), ZERO)
    return abs(account.equity - account.cash - sum(known, ZERO)) <= 1 + gross * Decimal("0.01")
