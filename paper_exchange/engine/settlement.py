"""What the options that expire turn into: shares, by exercise and assignment, or nothing.

Against one price per underlying, a cent in the money is enough. Shorts are assigned, whatever
the account can bear. Longs are exercised as far as the account can pay for the shares by its
buying power, or holds the shares that a put delivers; both legs of a spread in the money net.
What its holder declined to exercise, or cannot pay, expires with the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from common.contracts import OptionContract, Right
from common.money import CENT, ZERO, Dollars, Price, Qty
from paper_exchange.engine.delivery import ended, holdings_after, option, price_of, shares_for
from paper_exchange.engine.events import Ending, OptionEnded
from paper_exchange.engine.margin import excess
from paper_exchange.engine.market import Market
from paper_exchange.engine.positions import PositionState
from paper_exchange.engine.state import AccountState

Lots = Sequence[tuple[OptionContract, Qty]]


class Settlement:
    """An account's expiring options being ended one after the other, before it is decided.

    closes: the price of every underlying to be settled. held: dollars that working orders
    keep reserved. closed: positions taken as sold, or bought back, for what they are worth
    in the money. positions and events are as of the endings so far.
    """

    def __init__(
        self,
        state: AccountState,
        market: Market,
        day: date,
        closes: Mapping[str, Price],
        held: Dollars,
        now: datetime,
        closed: Collection[str] = (),
    ) -> None:
        self._state, self._market, self._day = state, market, day
        self._closes, self._held, self._now = closes, held, now
        self._cash = state.cash
        self.positions: Mapping[str, PositionState] = {
            symbol: position for symbol, position in state.positions.items() if symbol not in closed
        }
        for symbol in closed:
            self._cash += state.positions[symbol].value(self._intrinsic(symbol))
        self.events: list[OptionEnded] = []

    @property
    def cash(self) -> Dollars:
        """Dollars in the account, after the endings so far."""
        return self._cash

    def settle(self) -> None:
        """End everything that expires."""
        self.assign()
        wanted = self.exercisable()
        if self.bearable(wanted):
            self._exercise(wanted)
        else:
            for contract, qty in wanted:
                self._exercise([(contract, self._most(contract, qty))])
        for position in tuple(self._expiring()):
            self._end(position.symbol, position.qty, Ending.EXPIRED)

    def assign(self) -> None:
        """Let the holders of the shorts in the money exercise them."""
        for position in tuple(self._expiring()):
            if position.qty < 0 and self._in_the_money(position):
                self._end(position.symbol, position.qty, Ending.ASSIGNED)

    def exercisable(self) -> Lots:
        """Return the longs in the money that nobody declined; calls first, they bring shares."""
        found = [
            (option(position.symbol), position.qty)
            for position in self._expiring()
            if position.qty > 0
            and position.symbol not in self._state.declined
            and self._in_the_money(position)
        ]
        return sorted(found, key=lambda lot: (lot[0].right is Right.PUT, lot[0].symbol))

    def bearable(self, wanted: Lots) -> bool:
        """Whether the account can pay for exercising, and holds the shares its puts deliver.

        It can pay when buying power is left, or no less than without.
        """
        free = self.free_after(wanted)
        return free is not None and (free >= 0 or free >= self._free(self._qtys(), self._cash))

    def free_after(self, wanted: Lots) -> Decimal | None:
        """Return the equity free once longs were exercised and the rest that expires is gone.

        None when a put would deliver shares that are not there.
        """
        qtys, cash = self._qtys(), self._cash
        for contract, qty in wanted:
            shares = shares_for(contract, qty)
            there = qtys.get(contract.underlying, ZERO)
            if shares < 0 and there + shares < 0:
                return None
            qtys[contract.underlying] = there + shares
            cash -= price_of(shares, contract.strike)
        return self._free(qtys, cash)

    def in_the_money(self) -> tuple[PositionState, ...]:
        """Return what expires worth a cent or more."""
        return tuple(held for held in self._expiring() if self._in_the_money(held))

    def _most(self, contract: OptionContract, qty: Qty) -> Qty:
        """Return how many of so many contracts are bearable: none, or as many as go."""
        low, high = 0, int(qty)
        while low < high:
            middle = (low + high + 1) // 2
            if self.bearable([(contract, Decimal(middle))]):
                low = middle
            else:
                high = middle - 1
        return Decimal(low)

    def _exercise(self, lots: Lots) -> None:
        for contract, qty in lots:
            if qty:
                self._end(contract.symbol, qty, Ending.EXERCISED)

    def _end(self, symbol: str, qty: Qty, ending: Ending) -> None:
        event = ended(self._state.id, self.positions, symbol, qty, ending, self._now)
        self.positions = holdings_after(self.positions, event)
        contract = option(symbol)
        self._cash -= price_of(event.shares, contract.strike)
        self.events.append(event)

    def _expiring(self) -> Iterator[PositionState]:
        for position in self.positions.values():
            contract = position.contract
            if (
                contract is not None
                and contract.expiry <= self._day
                and contract.underlying in self._closes
            ):
                yield position

    def _in_the_money(self, position: PositionState) -> bool:
        return self._intrinsic(position.symbol) >= CENT

    def _intrinsic(self, symbol: str) -> Price:
        contract = option(symbol)
        return contract.intrinsic(self._closes[contract.underlying])

    def _qtys(self) -> dict[str, Qty]:
        gone = {position.symbol for position in self._expiring()}
        return {
            symbol: position.qty
            for symbol, position in self.positions.items()
            if symbol not in gone
        }

    def _free(self, qtys: Mapping[str, Qty], cash: Dollars) -> Decimal:
        return excess(
            self._state,
            self._market,
            cash=cash,
            held=self._held,
            qtys=qtys,
            marks=self._closes,
        )
