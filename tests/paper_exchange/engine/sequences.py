"""Sequences of what an account may live through, for properties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from common.orders import OrderClass, OrderType, Side, TimeInForce
from common.quotes import Quote
from paper_exchange.engine.commands import CancelOrder, ClosePosition, MatchOrder, SubmitOrder
from paper_exchange.engine.market import FillRules
from tests.paper_exchange.builders import FOLLOWING, Trader, occ

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
