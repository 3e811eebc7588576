"""Whatever was traded, the end of options makes no money and loses none, and replays."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import OptionContract
from common.money import CENT, ZERO
from paper_exchange.engine.account import evolve
from paper_exchange.engine.commands import (
    CancelOrder,
    ClosePosition,
    DeclineExercise,
    EndDay,
    ExerciseOption,
)
from paper_exchange.engine.events import Ending, OptionEnded, OrderFilled, decode, encode
from paper_exchange.engine.figures import account_figures
from paper_exchange.engine.liquidation import unfunded
from paper_exchange.engine.market import FillRules
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.state import AccountState
from tests.paper_exchange.builders import ME, SESSION, Trader
from tests.paper_exchange.engine.sequences import OPTIONS, Step, fill_rules, paid_ins, steps
from tests.paper_exchange.engine.test_conservation import run

instructions = st.lists(
    st.tuples(st.sampled_from([ExerciseOption, DeclineExercise]), st.sampled_from(OPTIONS)),
    max_size=4,
)
spots = st.integers(56_000, 64_000).map(lambda cents: Decimal(cents) / 100)


def instruct(
    trader: Trader, wanted: list[tuple[type[ExerciseOption | DeclineExercise], str]]
) -> None:
    """Say what is to become of options; what is refused changes nothing."""
    for command, symbol in wanted:
        before = dict(trader.state.ledger.balances), dict(trader.state.positions)
        try:
            trader.do(command(symbol=symbol))
        except Refused:
            after = dict(trader.state.ledger.balances), dict(trader.state.positions)
            assert after == before


def liquidate(trader: Trader, spot: Decimal) -> None:
    """Close what the exchange would, at a price of SPY, as the exchange does."""
    for symbol in unfunded(trader.state, trader.market, {"SPY": spot}, trader.now):
        for order in [o for o in trader.state.working_orders() if symbol in o.symbols]:
            trader.do(CancelOrder(order_id=order.id))
        try:
            trader.do(ClosePosition(order_id=trader.order_id(), symbol=symbol, liquidation=True))
        except Refused:
            continue


def check_money(trader: Trader, paid_in: int) -> None:
    """Assert that books balance, and that cash and holdings are what the events moved."""
    cash, held = Decimal(paid_in), dict[str, Decimal]()
    for event in trader.events:
        if isinstance(event, OrderFilled):
            cash -= event.fees
            for fill in event.fills:
                size = fill.side.sign * fill.qty
                paid = size * fill.price * (100 if fill.symbol in OPTIONS else 1)
                cash -= paid.quantize(CENT)
                held[fill.symbol] = held.get(fill.symbol, ZERO) + size
        elif isinstance(event, OptionEnded):
            contract = OptionContract.from_occ(event.symbol)
            cash -= event.shares * contract.strike
            for symbol, qty in ((event.symbol, -event.qty), (contract.underlying, event.shares)):
                held[symbol] = held.get(symbol, ZERO) + qty
    state = trader.state
    assert sum(state.ledger.balances.values(), ZERO) == 0
    assert state.cash == cash
    assert {symbol: qty for symbol, qty in held.items() if qty} == {
        symbol: position.qty for symbol, position in state.positions.items()
    }


def check_endings(trader: Trader, close: Decimal, declined: set[str]) -> None:
    """Assert that what ended by itself did so by the close: all of it, and as it should."""
    for event in trader.events:
        if not isinstance(event, OptionEnded) or event.at != SESSION.exercise_cut_off:
            continue
        contract = OptionContract.from_occ(event.symbol)
        worth = contract.intrinsic(close) >= CENT
        if event.ending is not Ending.EXPIRED:
            assert worth
            assert (event.qty > 0) == (event.ending is Ending.EXERCISED)
            assert event.symbol not in declined
        elif worth:
            assert event.qty > 0  # a short in the money never just goes


@settings(max_examples=100, deadline=None)
@given(steps, fill_rules, paid_ins, instructions, spots, spots)
def test_the_end_of_options_conserves(
    sequence: list[Step],
    rules: FillRules,
    paid_in: int,
    wanted: list[tuple[type[ExerciseOption | DeclineExercise], str]],
    late: Decimal,
    close: Decimal,
) -> None:
    trader = run(sequence, rules, paid_in)
    instruct(trader, wanted)
    check_money(trader, paid_in)
    liquidate(trader, late)
    check_money(trader, paid_in)
    declined = set(trader.state.declined)
    trader.now = SESSION.exercise_cut_off
    trader.quote("SPY", str(close), str(close))
    trader.do(EndDay(day=SESSION.day, closes=(("SPY", close),)))
    check_money(trader, paid_in)
    check_endings(trader, close, declined)
    contracts = [position.contract for position in trader.state.positions.values()]
    assert all(c is None or c.expiry > SESSION.day for c in contracts)
    figures = account_figures(trader.state, trader.market)
    assert min(figures.options_buying_power, figures.buying_power) >= 0
    assert shown(replayed(trader)) == shown(trader.state)


def replayed(trader: Trader) -> AccountState:
    """Return the state that the events give once they have been written and read."""
    state = AccountState(id=ME)
    for event in trader.events:
        evolve(state, decode(encode(event)))
    return state


def shown(state: AccountState) -> object:
    """Return what options could have changed, comparable."""
    return msgspec.to_builtins(
        {
            "books": dict(state.ledger.balances),
            "positions": {s: (p.qty, p.cost) for s, p in state.positions.items()},
            "declined": sorted(state.declined),
            "orders": dict(state.orders),
            "equity": (state.last_equity, state.last_maintenance_margin, state.marks),
        }
    )
