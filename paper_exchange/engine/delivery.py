"""What ending an option moves: contracts go, shares change hands at the strike for cash.

Options are settled by delivery. The premium paid or received becomes profit or loss when the
contract goes; the shares cost, or bring, the strike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from common.contracts import OPTION_MULTIPLIER, OptionContract, Right
from common.ids import AccountId
from common.money import ZERO, Dollars, Price, Qty, cent
from paper_exchange.engine.events import Ending, OptionEnded
from paper_exchange.engine.ledger import Book, Entry
from paper_exchange.engine.positions import PositionState, Trade, contract_of, trade

_GROUPS: Final = UUID("5f0c1c7e-6f1b-4c0e-9a55-1d2b8c1f0a77")  # the space of group ids

Positions = Mapping[str, PositionState]


def option(symbol: str) -> OptionContract:
    """Return the contract a symbol names; ValueError for what is no option."""
    contract = contract_of(symbol)
    if contract is None:
        raise ValueError(f"{symbol} is no option")
    return contract


def shares_for(contract: OptionContract, qty: Qty) -> Qty:
    """Return the shares that a signed quantity of contracts brings when it is exercised."""
    return qty * OPTION_MULTIPLIER * (1 if contract.right is Right.CALL else -1)


def price_of(shares: Qty, strike: Price) -> Dollars:
    """Return what signed shares cost at the strike; negative is received."""
    return cent(shares * strike)


def ended(
    account: AccountId, positions: Positions, symbol: str, qty: Qty, ending: Ending, now: datetime
) -> OptionEnded:
    """Return the end of qty contracts held, signed as they are held."""
    contract = option(symbol)
    moved = ZERO if ending is Ending.EXPIRED else shares_for(contract, qty)
    paid = price_of(moved, contract.strike)
    held = positions[symbol]
    left = trade(held, -qty, ZERO)
    shares = positions.get(contract.underlying)
    after = trade(shares, moved, paid) if moved else Trade(qty=ZERO, cost=ZERO, realised=ZERO)
    share_cost = after.cost - (shares.cost if shares else ZERO) if moved else ZERO
    entries = (
        Entry(Book.CASH, -paid),
        Entry(Book.POSITIONS, share_cost - (held.cost - left.cost)),
        Entry(Book.REALISED, -(left.realised + after.realised)),
    )
    return OptionEnded(
        group_id=str(uuid5(_GROUPS, f"{account} {symbol} {ending} {now.isoformat()}")),
        symbol=symbol,
        ending=ending,
        qty=qty,
        cost=held.cost - left.cost,
        shares=moved,
        share_cost=share_cost,
        posting=tuple(entry for entry in entries if entry.amount),
        at=now,
    )


def holdings_after(positions: Positions, event: OptionEnded) -> dict[str, PositionState]:
    """Return holdings after an ending; what came to nothing is gone."""
    changed = dict(positions)
    moves = (
        (event.symbol, -event.qty, -event.cost),
        (option(event.symbol).underlying, event.shares, event.share_cost),
    )
    for symbol, qty, cost in moves:
        held = changed.pop(symbol, None)
        total = qty + (held.qty if held else ZERO)
        if total:
            changed[symbol] = PositionState(
                symbol=symbol, qty=total, cost=cost + (held.cost if held else ZERO)
            )
    return changed
