"""Sequences of orders, cancels and ticks: nothing is made, nothing overdrawn, all replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import OptionContract, Right
from common.money import ZERO
from common.orders import OrderClass, OrderType, Side, TimeInForce
from common.quotes import Quote
from paper_exchange.engine.account import evolve
from paper_exchange.engine.commands import (
    CancelOrder,
    ClosePosition,
    EndDay,
    MatchOrder,
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
from tests.paper_exchange.builders import FOLLOWING, ME, SESSION, Trader, occ

CALLS = [occ(strike) for strike in (600, 605, 610)]
PUTS = [occ(strike, "P") for strike in (590, 595, 600)]
LATER = [occ(600, expiry=FOLLOWING.day), occ(605, expiry=FOLLOWING.day)]
OPTIONS = [*CALLS, *PUTS, *LATER]
SIMPLE = [*OPTIONS, "SPY", "AAPL", "BTC/USD"]

STOPS = [OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP]

Step = Callable[[Trader], None]

cents = st.integers(1, 1200).map(lambda n: Decimal(n) / 100)


@st.composite
def simple_orders(draw: st.DrawFn) -> Step:
    symbol = draw(st.sampled_from(SIMPLE))
    side = draw(st.sampled_from(Side))
    qty = draw(st.integers(1, 200)) if symbol in ("SPY", "AAPL") else draw(st.integers(1, 4))
    size = str(Decimal(qty) / 4) if symbol == "BTC/USD" else str(qty)
    away = draw(st.none() | st.integers(-20, 20))
    time_in_force = None
    stop = draw(st.sampled_from([*[None] * 6, *STOPS]))
    gap = Decimal(draw(st.integers(1, 60))) / 100
    if symbol in ("SPY", "AAPL"):
        time_in_force = draw(st.sampled_from(TimeInForce))

    def step(trader: Trader) -> None:
        quote = trader.market.quotes[symbol]
        assert quote is not None
        limit = None if away is None else str(max(quote.ask + Decimal(away) / 100, Decimal("0.01")))
        command = trader.simple(symbol, side, size, limit, time_in_force=time_in_force)
        trader.do(command if stop is None else stopped(command, stop, quote, gap))

    return step


def stopped(command: SubmitOrder, kind: OrderType, quote: Quote, gap: Decimal) -> SubmitOrder:
    """Return an order as a stop that is gap dollars away from its touch."""
    touch = quote.ask + gap if command.side is Side.BUY else quote.bid - gap
    stop = max(touch, Decimal("0.01"))
    trail = kind is OrderType.TRAILING_STOP
    return replace(
        command,
        type=kind,
        limit_price=stop if kind is OrderType.STOP_LIMIT else None,
        stop_price=None if trail else stop,
        trail_price=gap if trail else None,
    )


@st.composite
def group_orders(draw: st.DrawFn) -> Step:
    """Brackets, OTO and OCO around the market."""
    kind = draw(st.sampled_from([OrderClass.BRACKET, OrderClass.OTO, OrderClass.OCO]))
    symbol, side = draw(st.sampled_from(["SPY", "AAPL"])), draw(st.sampled_from(Side))
    qty, gap = draw(st.integers(1, 100)), Decimal(draw(st.integers(1, 40))) / 100
    away = draw(st.none() | st.integers(-5, 5))

    def step(trader: Trader) -> None:
        quote = trader.market.quotes[symbol]
        assert quote is not None
        rising = side.sign if kind is not OrderClass.OCO else -side.sign
        profit, stop = quote.mid + rising * 2 * gap, quote.mid - rising * gap
        oco = kind is OrderClass.OCO
        limit = None if away is None else quote.ask + Decimal(away) / 100
        command = replace(
            trader.simple(symbol, side, qty),
            order_class=kind,
            type=OrderType.MARKET if limit is None and not oco else OrderType.LIMIT,
            limit_price=profit if oco else limit,
            take_profit=None if kind is OrderClass.OTO else profit,
            stop_loss=stop,
        )
        trader.do(command)

    return step


@st.composite
def spread_orders(draw: st.DrawFn) -> Step:
    symbols = draw(st.lists(st.sampled_from(OPTIONS), min_size=2, max_size=4, unique=True))
    ratios = [draw(st.sampled_from([-2, -1, 1, 1, 2])) for _ in symbols]
    qty = draw(st.integers(1, 6))
    limit = draw(st.none() | cents | cents.map(lambda price: -price))

    def step(trader: Trader) -> None:
        legs = tuple(zip(symbols, ratios, strict=True))
        trader.do(trader.spread(*legs, qty=qty, limit=None if limit is None else str(limit)))

    return step


SHAPES = [
    ((occ(605), -1), (occ(610), 1)),
    ((occ(600), 1), (occ(605), -1)),
    ((occ(595, "P"), -1), (occ(590, "P"), 1)),
    ((occ(605), -1), (occ(610), 1), (occ(595, "P"), -1), (occ(590, "P"), 1)),
    ((occ(600), 1), (occ(605), -2), (occ(610), 1)),
    ((occ(600), -1), (LATER[0], 1)),
    ((occ(600), 1), (occ(600, "P"), 1)),
]


@st.composite
def shaped_orders(draw: st.DrawFn) -> Step:
    """Spreads as people trade them, opened or undone."""
    legs = draw(st.sampled_from(SHAPES))
    sign = draw(st.sampled_from([1, 1, -1]))
    qty = draw(st.integers(1, 40))
    away = draw(st.none() | st.integers(-30, 60))

    def step(trader: Trader) -> None:
        turned = tuple((symbol, sign * ratio) for symbol, ratio in legs)
        quotes = {symbol: trader.market.quotes[symbol] for symbol, _ in turned}
        natural = sum(
            ratio * (quote.ask if ratio > 0 else quote.bid)
            for symbol, ratio in turned
            if (quote := quotes[symbol]) is not None
        )
        limit = None if away is None else str(natural + Decimal(away) / 100)
        trader.do(trader.spread(*turned, qty=qty, limit=limit))

    return step


@st.composite
def ticks(draw: st.DrawFn) -> Step:
    symbol = draw(st.sampled_from(OPTIONS))
    bid = draw(st.integers(0, 1500))
    width = draw(st.integers(1, 60))
    size = draw(st.integers(1, 5))

    def step(trader: Trader) -> None:
        trader.quote(symbol, str(Decimal(bid) / 100), str(Decimal(bid + width) / 100), size)
        for order_id in list(trader.state.working):
            trader.do(MatchOrder(order_id=order_id))

    return step


@st.composite
def cancels(draw: st.DrawFn) -> Step:
    place = draw(st.integers(0, 9))

    def step(trader: Trader) -> None:
        working = list(trader.state.working)
        if working:
            trader.do(CancelOrder(order_id=working[place % len(working)]))

    return step


@st.composite
def closings(draw: st.DrawFn) -> Step:
    place = draw(st.integers(0, 9))
    percentage = draw(st.none() | st.integers(1, 100).map(Decimal))

    def step(trader: Trader) -> None:
        held = list(trader.state.positions)
        if held:
            trader.do(
                ClosePosition(
                    order_id=trader.order_id(),
                    symbol=held[place % len(held)],
                    percentage=percentage,
                )
            )

    return step


steps = st.lists(
    st.one_of(
        simple_orders(),
        group_orders(),
        spread_orders(),
        shaped_orders(),
        shaped_orders(),
        ticks(),
        ticks(),
        cancels(),
        closings(),
    ),
    min_size=20,
    max_size=50,
)
paid_ins = st.sampled_from([1_500, 20_000, 100_000])
fill_rules = st.builds(
    FillRules,
    partial_probability=st.sampled_from([0.0, 0.6]),
    respect_size=st.booleans(),
    seed=st.integers(0, 99),
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
    check_cover(state)


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
