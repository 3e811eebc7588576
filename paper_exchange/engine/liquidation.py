"""What the exchange closes before it expires, because the account could not take the shares.

From the broker's minute on, as long as the option trades, every look at the market asks what
the expiry would do at the price of that moment. Positions in the money are closed, the one
that helps most first, until what is left can be paid for; then the shorts that they covered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from common.contracts import OPTION_MULTIPLIER, Right
from common.ids import AccountId, OrderId
from common.money import ZERO, Price
from common.session import CutOffs, Session
from paper_exchange.engine.delivery import option
from paper_exchange.engine.margin import excess, holdings, shortfall
from paper_exchange.engine.market import Market
from paper_exchange.engine.positions import contract_of
from paper_exchange.engine.settlement import Settlement
from paper_exchange.engine.state import AccountState

_NEVER: Final = Decimal("-Infinity")
_ORDERS: Final = UUID("a0b1f6de-7d65-4a8b-8a4f-0a3f2f6c9d10")  # the space of order ids


def closing_order_id(account: AccountId, symbol: str, now: datetime) -> OrderId:
    """Return the id of the order that closes a position at an instant."""
    return OrderId(str(uuid5(_ORDERS, f"{account} {symbol} {now.isoformat()}")))


def expiring(state: AccountState, day: date) -> frozenset[str]:
    """Return the underlyings of the options held that expire on a day."""
    contracts = (position.contract for position in state.positions.values())
    return frozenset(c.underlying for c in contracts if c is not None and c.expiry == day)


def watched(
    state: AccountState, session: Session, cut_offs: CutOffs, now: datetime
) -> tuple[str, ...]:
    """Return the underlyings whose expiring options, held here, may be liquidated now."""
    return tuple(
        underlying
        for underlying in sorted(expiring(state, session.day))
        if session.liquidation(underlying, cut_offs) <= now < session.option_close(underlying)
    )


def unfunded(
    state: AccountState, market: Market, prices: Mapping[str, Price], now: datetime
) -> tuple[str, ...]:
    """Return what to close, shorts first, so that the rest may expire at the prices given.

    Nothing that a liquidation works on already. market quotes what is held.
    """
    closed: set[str] = set()
    before = excess(state, market, marks=prices)
    while not _funded(_free(state, market, prices, now, closed), before):
        found = _best(state, market, prices, now, closed)
        if found is None:
            break
        closed.add(found)
    _add_uncovered(state, market, closed)
    under_way = {order.symbol for order in state.working_orders() if order.liquidation}
    return tuple(sorted(closed - under_way, key=lambda symbol: (state.qty(symbol) > 0, symbol)))


def _funded(free: Decimal, before: Decimal) -> bool:
    return free >= 0 or free >= before > _NEVER


def _free(
    state: AccountState,
    market: Market,
    prices: Mapping[str, Price],
    now: datetime,
    closed: Iterable[str],
) -> Decimal:
    """Return the equity free after the expiry, nothing at all when shares would be missing."""
    settlement = Settlement(
        state, market, market.session.day, prices, state.held, now, frozenset(closed)
    )
    settlement.assign()
    free = settlement.free_after(settlement.exercisable())
    return _NEVER if free is None else free


def _best(
    state: AccountState,
    market: Market,
    prices: Mapping[str, Price],
    now: datetime,
    closed: set[str],
) -> str | None:
    """Return the position in the money whose closing leaves most; None when none is left."""
    settlement = Settlement(
        state, market, market.session.day, prices, state.held, now, frozenset(closed)
    )
    symbols = sorted(position.symbol for position in settlement.in_the_money())
    return max(
        symbols,
        key=lambda symbol: _free(state, market, prices, now, {*closed, symbol}),
        default=None,
    )


def _add_uncovered(state: AccountState, market: Market, closed: set[str]) -> None:
    """Add the shorts expiring today that nothing covers once the others are closed."""
    held = holdings(state)
    for underlying in {option(symbol).underlying for symbol in closed}:
        left = {symbol: qty for symbol, qty in held.items() if symbol not in closed}
        lots = max(int(held.get(underlying, ZERO)), 0) // OPTION_MULTIPLIER
        for right in Right:
            spare = lots if right is Right.CALL else shortfall((), held, underlying, right)
            if shortfall((), left, underlying, right) > spare:
                closed |= {
                    symbol
                    for symbol, qty in left.items()
                    if qty < 0
                    and (contract := contract_of(symbol)) is not None
                    and contract.underlying == underlying
                    and contract.right is right
                    and contract.expiry == market.session.day
                }
