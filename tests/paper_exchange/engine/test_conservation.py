"""Sequences of orders, cancels and ticks: nothing is made, nothing overdrawn, all replayed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import OptionContract, Right
from common.money import ZERO
from common.orders import Side, TimeInForce
from paper_exchange.engine.account import evolve
from paper_exchange.engine.commands import (
    EndDay,
    SubmitOrder,
)
from paper_exchange.engine.events import (
    Event,
    OptionEnded,
    OrderFilled,
    OrderOpened,
    OrderReduced,
    OrderTrailed,
    OrderTriggered,
    decode,
    encode,
)
from paper_exchange.engine.figures import account_figures
from paper_exchange.engine.ledger import Book
from paper_exchange.engine.margin import excess, holdings, shortfall
from paper_exchange.engine.market import FillRules, Rules
from paper_exchange.engine.orders import Status
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.state import AccountState
from paper_exchange.engine.working import Working
from tests.paper_exchange.builders import ME, SESSION, Trader
from tests.paper_exchange.engine.sequences import (
    CALLS,
    OPTIONS,
    PUTS,
    Step,
    fill_rules,
    paid_ins,
    steps,
)


def check(trader: Trader) -> None:
    """Assert every invariant of an account as it stands."""
    state = trader.state
    books = state.ledger.balances
    assert sum(books.values(), ZERO) == 0
    assert all(amount == amount.quantize(Decimal("0.01")) for amount in books.values())
    assert books[Book.HELD] == sum((order.hold for order in state.working_orders()), ZERO) >= 0
    assert books[Book.POSITIONS] == sum((held.cost for held in state.positions.values()), ZERO)
    assert all(held.qty != 0 for held in state.positions.values())
    figures = account_figures(state, trader.market)
    assert figures.equity == state.cash + figures.long_market_value + figures.short_market_value
    assert min(figures.options_buying_power, figures.buying_power) >= 0
    assert excess(state, trader.market) >= 0  # share prices stand still here
    assert {o.id: None for o in state.working_orders()} == state.working
    assert kept(state.together) == kept(together(state))
    check_cover(state)


def together(state: AccountState) -> Working:
    """Return what working orders mean together, summed up anew."""
    anew = Working()
    for order in state.working_orders():
        anew.put(None, order)
    return anew


def kept(working: Working) -> object:
    """Return what is kept of working orders, comparable: what has emptied counts for nothing."""
    return (
        {key: set(ids) for key, ids in working.simple.items() if ids},
        {key: set(ids) for key, ids in working.options.items() if ids},
        {symbol: qty for symbol, qty in working.claims.items() if qty},
        {symbol: qty for symbol, qty in working.leaving.items() if qty},
        set(working.grouped),
    )


def check_cover(state: AccountState) -> None:
    """Assert that no short call is naked, however working orders fill; puts have the cash."""
    held = holdings(state)
    working = [order.changes() for order in state.working_orders()]
    owed = 100 * shortfall(working, held, "SPY", Right.CALL)
    leaving = sum((min(change.get("SPY", ZERO), ZERO) for change in working), ZERO)
    assert owed <= max(held.get("SPY", ZERO) + leaving, ZERO)


def check_cash(events: list[Event], state: AccountState, paid_in: int) -> None:
    """Assert that cash is what was paid in and what every execution moved, to the cent."""
    cash = Decimal(paid_in)
    for event in events:
        if isinstance(event, OrderFilled):
            cash -= event.fees
            for fill in event.fills:
                per_unit = 100 if fill.symbol in OPTIONS else 1
                cash -= fill.side.sign * (fill.qty * fill.price * per_unit).quantize(
                    Decimal("0.01")
                )
        elif isinstance(event, OptionEnded):
            cash -= event.shares * OptionContract.from_occ(event.symbol).strike
    assert state.cash == cash


def run(sequence: list[Step], rules: FillRules, paid_in: int = 100_000) -> Trader:
    """Drive an account through a sequence, checking it after every step."""
    trader = Trader(str(paid_in), rules=Rules(fills=rules))
    for step in sequence:
        before = contents(trader.state)
        try:
            step(trader)
        except Refused:
            assert contents(trader.state) == before
        check(trader)
        trader.now += timedelta(minutes=1)
    return trader


def contents(state: AccountState) -> object:
    """Return what a refusal must leave alone."""
    ids = list(state.working), dict(state.client_ids)
    return dict(state.ledger.balances), dict(state.positions), dict(state.orders), ids


@settings(max_examples=200)
@given(steps, fill_rules, paid_ins)
def test_cash_holds_and_positions_conserve(
    sequence: list[Step], rules: FillRules, paid_in: int
) -> None:
    """And no buying power below zero, no short uncovered, every posting balanced, replayable."""
    trader = run(sequence, rules, paid_in)
    check_cash(trader.events, trader.state, paid_in)
    assert replayed(trader.events) == snapshot(trader.state)


@settings(max_examples=40)
@given(steps, fill_rules, paid_ins, st.integers(560, 640))
def test_the_day_ends_square(
    sequence: list[Step], rules: FillRules, paid_in: int, close: int
) -> None:
    trader = run(sequence, rules, paid_in)
    trader.now = SESSION.close + timedelta(minutes=15)
    closes = (("SPY", Decimal(close)),)
    trader.do(EndDay(day=SESSION.day, closes=closes))
    state = trader.state
    assert not [s for s in state.positions if s in CALLS or s in PUTS]
    assert all(
        order.time_in_force is TimeInForce.GTC or order.expires_at > trader.now
        for order in state.working_orders()
        if order.expires_at is not None
    )
    assert sum(state.ledger.balances.values(), ZERO) == 0
    check_cash(trader.events, state, paid_in)
    assert replayed(trader.events) == snapshot(state)


@settings(max_examples=60)
@given(steps)
def test_events_keep_their_order(sequence: list[Step]) -> None:
    """An order's events follow the state machine: nothing after its end."""
    trader = run(sequence, FillRules())
    ended: set[str] = set()
    for event in trader.events:
        order_id = getattr(event, "order_id", None)
        if order_id is None:
            continue
        assert order_id not in ended
        moving = isinstance(event, OrderOpened | OrderReduced | OrderTrailed | OrderTriggered)
        if not moving and not (isinstance(event, OrderFilled) and not event.complete):
            ended.add(order_id)
    assert ended == {o.id for o in trader.state.orders.values() if o.status.terminal}


def snapshot(state: AccountState) -> object:
    """Return all of a state, comparable."""
    return msgspec.to_builtins(
        {
            "books": dict(state.ledger.balances),
            "positions": {s: (p.qty, p.cost) for s, p in state.positions.items()},
            "orders": dict(state.orders),
            "working": list(state.working),
            "client_ids": dict(state.client_ids),
            "rest": [
                state.id, state.number, state.options_level, state.opened_at, state.last_equity,
                state.last_maintenance_margin, state.last_day, state.marks, state.fee_day,
                state.fee_accruals, sorted(state.declined),
            ],
        }
    )  # fmt: skip


def replayed(events: list[Event]) -> object:
    """Return the state that the events give once they have been written and read."""
    state = AccountState(id=ME)
    for event in events:
        evolve(state, decode(encode(event)))
    return snapshot(state)


def test_a_submission_is_never_half_an_order() -> None:
    """What a sequence relies on: one accepted order is one entry in every index."""
    trader = Trader()
    command: SubmitOrder = trader.simple("AAPL", Side.BUY, 1, "150")
    trader.do(command)
    assert list(trader.state.working) == list(trader.state.orders) == [command.order_id]
    assert trader.state.orders[command.order_id].status is Status.NEW
