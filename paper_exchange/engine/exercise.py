"""A holder's own word on an option: exercise it now, or never.

The refusals' texts are ours where Alpaca's are not known; its codes are 403 for what is not
held or cannot be paid and 422 for what is no option.
"""

from __future__ import annotations

from datetime import datetime

from common.contracts import OptionContract
from common.money import ZERO, Qty, plain
from common.session import trading_day
from paper_exchange.engine import refusals
from paper_exchange.engine.commands import DeclineExercise, ExerciseOption
from paper_exchange.engine.cover import displaced, naked_shares
from paper_exchange.engine.delivery import ended, shares_for
from paper_exchange.engine.events import (
    Ending,
    Event,
    ExerciseDeclined,
    OptionEnded,
    OrderCanceled,
)
from paper_exchange.engine.form import contract_or_none
from paper_exchange.engine.margin import excess, holdings, shortfall
from paper_exchange.engine.market import Market
from paper_exchange.engine.matching import release
from paper_exchange.engine.positions import PositionState
from paper_exchange.engine.state import AccountState


def instruct(
    state: AccountState,
    command: ExerciseOption | DeclineExercise,
    market: Market,
    now: datetime,
) -> list[Event]:
    """Do what the holder said; raise Refused."""
    if isinstance(command, ExerciseOption):
        return _exercise(state, command, market, now)
    return _decline(state, command, market, now)


def _exercise(
    state: AccountState, command: ExerciseOption, market: Market, now: datetime
) -> list[Event]:
    """Exercise all that is held of an option, at once; raise Refused.

    The shares cost, or bring, the strike: they must be affordable, or there to be delivered,
    and leave every short covered. Orders that the shares held then no longer bear are
    canceled. market quotes the underlying. From the close to midnight
    it would not be clear which day an exercise is for, and none is taken.
    """
    contract, held = _long(state, command.symbol)
    today = trading_day(now)
    if state.last_day == today or (market.session.day == today and now >= market.session.close):
        raise refusals.forbidden("exercise requests are rejected from market close to midnight")
    claimed = state.together.claims
    if claimed.get(command.symbol):
        available = held.qty - claimed[command.symbol]
        orders = [o.id for o in state.working_orders() if command.symbol in o.closing()]
        raise refusals.quantity(command.symbol, held.qty, held.qty, available, orders)
    event = ended(state.id, state.positions, command.symbol, held.qty, Ending.EXERCISED, now)
    _deliverable(state, contract, event.shares, claimed)
    _bearable(state, contract, event, market)
    left = {contract.underlying: state.qty(contract.underlying) + event.shares}
    there = [order for order in state.working_orders() if contract.underlying == order.symbol]
    return [
        event,
        *(
            OrderCanceled(order_id=order.id, posting=release(order.hold), at=now)
            for order in displaced(left, there)
        ),
    ]


def _decline(
    state: AccountState, command: DeclineExercise, market: Market, now: datetime
) -> list[Event]:
    """Have an option expire whatever it is worth; raise Refused. Twice is once.

    Taken until half an hour past the close of its last day.
    """
    contract, _ = _long(state, command.symbol)
    today = trading_day(now)
    last = market.session.day == contract.expiry and now >= market.session.exercise_cut_off
    if contract.expiry < today or last:
        raise refusals.forbidden(
            "do-not-exercise requests are accepted until 30 minutes after the close"
        )
    if command.symbol in state.declined:
        return []
    return [ExerciseDeclined(symbol=command.symbol, at=now)]


def _long(state: AccountState, symbol: str) -> tuple[OptionContract, PositionState]:
    contract = contract_or_none(symbol)
    if contract is None:
        raise refusals.invalid(f'"{symbol:.40}" is not an option contract')
    held = state.positions.get(symbol)
    if held is None or held.qty <= 0:
        raise refusals.forbidden("available position quantity is not sufficient")
    return contract, held


def _deliverable(
    state: AccountState, contract: OptionContract, shares: Qty, claimed: dict[str, Qty]
) -> None:
    """Refuse to deliver, by a put, shares that are not held or that orders will sell."""
    held = max(state.qty(contract.underlying), ZERO)
    available = max(held - claimed.get(contract.underlying, ZERO), ZERO)
    if shares < 0 and available + shares < 0:
        raise refusals.forbidden(
            "insufficient underlying qty available for exercise "
            f"(required: {plain(-shares)}, available: {plain(available)})",
            available_qty=plain(available),
            required_qty=plain(-shares),
            symbol=contract.underlying,
        )


def _bearable(
    state: AccountState, contract: OptionContract, event: OptionEnded, market: Market
) -> None:
    """Refuse what leaves a short uncovered, or less than no buying power."""
    qtys = holdings(state)
    qtys[contract.symbol] -= event.qty
    qtys[contract.underlying] = qtys.get(contract.underlying, ZERO) + event.shares
    orders, before = list(state.working_orders()), holdings(state)
    underlying, right = contract.underlying, contract.right
    if naked_shares(qtys, orders, underlying) > naked_shares(before, orders, underlying):
        raise refusals.uncovered()
    changes = [order.changes() for order in orders]
    owed = shortfall(changes, qtys, underlying, right)
    if event.shares < 0 and owed > shortfall(changes, before, underlying, right):
        raise refusals.uncovered()
    cost = shares_for(contract, event.qty) * contract.strike
    power = excess(state, market)
    free = excess(state, market, cash=state.cash - cost, qtys=qtys)
    if free < 0 and free < power:
        raise refusals.buying_power(max(power, ZERO) * market.rules.multiplier, cost, options=False)
