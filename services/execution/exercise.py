"""What exercising an option comes to: shares, cash, and the account as it would stand then.

Pure: a holding and a book in, a delivery and a book out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.errors import BadArgument
from common.limits import Breach
from common.money import ZERO, Dollars, Price, Qty, plain
from common.orders import Leg, OrderIntent, PositionIntent
from common.portfolio import Account, Position
from services.portfolio.book import Book

Facts = tuple[tuple[str, str], ...]

SELL_INSTEAD = "sell the option instead: sell_option_limit or close_position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An exercise of all that is held of an option. shares: received, or delivered if negative.

    cash: dollars received, or paid if negative.
    """

    contract: OptionContract
    contracts: int
    shares: Qty
    cash: Dollars

    @classmethod
    def of(cls, held: Position) -> Delivery:
        """Return what exercising a holding delivers; raise BadArgument for no long option."""
        contract = held.contract
        if contract is None or held.qty <= 0:
            raise BadArgument(
                f"symbol: {plain(held.qty)} of {held.symbol} is no long option",
                remedy="only an option that was bought can be exercised",
            )
        sign = 1 if contract.is_call else -1
        shares = held.qty * OPTION_MULTIPLIER * sign
        return cls(
            contract=contract,
            contracts=int(held.qty),
            shares=shares,
            cash=-shares * contract.strike,
        )

    @property
    def closing(self) -> OrderIntent:
        """The exercise as a sale of the option: what it takes away must cover nothing else."""
        leg = Leg(contract=self.contract, intent=PositionIntent.SELL_TO_CLOSE)
        return OrderIntent(strategy="exercise", legs=(leg,), qty=self.contracts, limit=ZERO)

    def gain(self, spot: Price) -> Dollars:
        """Return what the shares are worth beyond what is paid for them at a price."""
        return self.shares * spot + self.cash

    def facts(self, held: Position, spot: Price, power: Dollars) -> Facts:
        """Return what it brings and takes, for a person."""
        verb = "receives" if self.shares > 0 else "delivers"
        paid = "cash needed" if self.cash < 0 else "cash received"
        worth = held.market_value
        return (
            ("exercises", f"{self.contracts} {held.symbol}, all that is held"),
            (verb, f"{plain(abs(self.shares))} {self.contract.underlying}"),
            (paid, f"${abs(self.cash):,.2f}"),
            ("buying power", f"${power:,.2f}"),
            (f"{self.contract.underlying} now", f"{spot:.2f}"),
            ("worth of exercising now", f"${self.gain(spot):,.2f}"),
            ("worth of the option", "unknown" if worth is None else f"${worth:,.2f}"),
        )

    def warnings(self, held: Position, spot: Price) -> tuple[str, ...]:
        """Return what to beware of."""
        gain, worth = self.gain(spot), held.market_value
        told = ["the shares stay when the session ends: no exit of the desk's watches them"]
        if gain <= 0:
            told.append(f"it is out of the money: exercising now loses ${-gain:,.2f}")
        if worth is not None and worth > max(gain, ZERO):
            told.append(f"selling it brings about ${worth - gain:,.2f} more than exercising")
        return tuple(told)

    def breaches(self, account: Account, positions: Sequence[Position]) -> Iterator[Breach]:
        """Yield why it cannot be paid for, or not delivered."""
        if self.cash < 0 and -self.cash > account.buying_power:
            yield Breach(
                limit="buying_power",
                allowed=f"${account.buying_power:,.2f}",
                projected=f"${-self.cash:,.2f}",
                remedy=SELL_INSTEAD,
            )
        held = _shares(positions, self.contract.underlying)
        free = ZERO if held is None else max(held.qty_available, ZERO)
        if self.shares < 0 and -self.shares > free:
            yield Breach(
                limit="shares",
                allowed=f"{plain(free)} {self.contract.underlying} held and free",
                projected=plain(-self.shares),
                remedy=SELL_INSTEAD,
            )

    def delivered(self, book: Book, spot: Price) -> Book:
        """Return the account as it would stand after it, shares at a price."""
        name = self.contract.underlying
        before = _shares(book.positions, name)
        qty = self.shares + (ZERO if before is None else before.qty)
        rest = tuple(p for p in book.positions if p.symbol not in (name, self.contract.symbol))
        shares = Position(
            symbol=name,
            qty=qty,
            qty_available=qty,
            avg_entry_price=self.contract.strike if before is None else before.avg_entry_price,
            current_price=spot,
            market_value=qty * spot,
            cost_basis=qty * self.contract.strike,
            unrealized_pl=None,
        )
        account = replace(book.account, cash=book.account.cash + self.cash)
        return replace(book, account=account, positions=(*rest, shares) if qty else rest)


def _shares(positions: Sequence[Position], underlying: str) -> Position | None:
    return next((held for held in positions if held.symbol == underlying), None)
