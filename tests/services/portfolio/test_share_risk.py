"""What an order in a stock or a coin may lose: never less than the stress move takes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.orders import OrderType, Side, TimeInForce
from common.portfolio import Position
from common.quotes import Quote
from common.shares import ShareIntent
from services.portfolio.exposure import build_exposure
from services.portfolio.share_risk import (
    COIN_FEE,
    SLIP,
    pending_shares,
    reference_price,
    share_worst_case,
)
from services.portfolio.worst_case import holdings_worst_case, stress_move
from tests.builders import at, make_view
from tests.services.portfolio.test_book import book

CENT = Decimal("0.01")
PRICE = st.integers(100, 100_000).map(lambda n: Decimal(n) / 100)
QTY = st.integers(1, 1_000).map(Decimal)
SIDE = st.sampled_from(Side)
SYMBOL = st.sampled_from(["SPY", "QQQ", "AAPL"])


def quoted(bid: Decimal) -> Quote:
    return Quote(bid=bid, ask=bid + CENT, bid_size=1, ask_size=1, at=at(10, 5))


def position(symbol: str, qty: Decimal, price: Decimal) -> Position:
    return Position(
        symbol=symbol,
        qty=qty,
        qty_available=qty,
        avg_entry_price=price,
        current_price=price,
        market_value=qty * price,
        cost_basis=qty * price,
        unrealized_pl=Decimal(0),
    )


@given(SYMBOL, SIDE, QTY, PRICE, PRICE)
def test_a_filled_order_holds_no_more_at_risk_than_was_reserved(
    symbol: str, side: Side, qty: Decimal, limit: Decimal, bid: Decimal
) -> None:
    """From reservation to holding nothing becomes dearer: a fill frees, it never adds."""
    order = ShareIntent(symbol=symbol, side=side, qty=qty, type=OrderType.LIMIT, limit=limit)
    reference = reference_price(order, quoted(bid))
    held = position(symbol, qty * side.sign, limit)
    at_risk = holdings_worst_case([held], {symbol: limit}).at_risk
    assert at_risk is not None
    assert share_worst_case(order, reference) >= at_risk


@given(SYMBOL, SIDE, QTY, PRICE)
def test_a_market_order_may_slip_and_still_lose_no_more(
    symbol: str, side: Side, qty: Decimal, bid: Decimal
) -> None:
    order = ShareIntent(symbol=symbol, side=side, qty=qty)
    reference = reference_price(order, quoted(bid))
    filled = reference * (1 + side.sign * SLIP)
    after = reference * (1 - side.sign * stress_move(symbol))
    lost = (filled - after) * qty * side.sign
    assert 0 <= share_worst_case(order, reference) - lost < CENT


@given(QTY, PRICE, st.integers(0, 1_000))
def test_what_is_filled_is_reserved_no_more(qty: Decimal, limit: Decimal, part: int) -> None:
    order = ShareIntent(symbol="AAPL", side=Side.BUY, qty=qty, type=OrderType.LIMIT, limit=limit)
    filled = qty * part / 1_000
    left = pending_shares(order, limit, filled, filled * limit)
    whole = pending_shares(order, limit)
    assert left.qty == qty - filled
    assert (
        whole.worst - 2 * CENT
        <= left.worst + pending_shares(order, limit, qty - filled).worst
        <= whole.worst + 2 * CENT
    )
    assert pending_shares(order, limit, qty, qty * limit).worst == 0


@given(PRICE, st.integers(100, 100_000).map(lambda n: Decimal(n) / 100))
def test_an_amount_of_dollars_is_what_it_risks(bid: Decimal, notional: Decimal) -> None:
    coin = ShareIntent(symbol="BTC/USD", side=Side.BUY, notional=notional, tif=TimeInForce.GTC)
    worst = share_worst_case(coin, reference_price(coin, quoted(bid)))
    assert 0 <= worst - notional * (stress_move("BTC/USD") + SLIP + 2 * COIN_FEE) < CENT


@given(PRICE, PRICE, st.integers(1, 9_900).map(lambda n: Decimal(n) / 100))
def test_a_trigger_is_reckoned_where_it_would_fire(
    bid: Decimal, stop: Decimal, percent: Decimal
) -> None:
    common: dict[str, Any] = {"symbol": "AAPL", "qty": Decimal(1)}
    stopped = ShareIntent(**common, side=Side.BUY, type=OrderType.STOP, stop=stop)
    assert reference_price(stopped, quoted(bid)) == stop
    trailing = ShareIntent(
        **common, side=Side.BUY, type=OrderType.TRAILING_STOP, trail_percent=percent
    )
    assert reference_price(trailing, quoted(bid)) == (bid + CENT) * (1 + percent / 100)


def test_a_pending_order_counts_in_the_exposure_and_in_its_delta() -> None:
    chain = make_view().chain
    order = ShareIntent(
        symbol="SPY", side=Side.BUY, qty=Decimal(10), type=OrderType.LIMIT, limit=Decimal(600)
    )
    other = ShareIntent(symbol="AAPL", side=Side.SELL, qty=Decimal(5))
    waiting = (pending_shares(order, Decimal(600)), pending_shares(other, Decimal(200)))
    exposure = build_exposure(book((), chain=chain), (), waiting)
    assert exposure.reserved == Decimal(600) * 10 * Decimal("0.07") + Decimal(1000) * Decimal(
        "0.21"
    )
    down, up = exposure.pending_delta
    assert up == 10.0
    assert down == float(Decimal(-1000) / chain.spot)
    blind = build_exposure(book((), chain=None), (), waiting)
    assert blind.delta is None
    assert blind.reserved == exposure.reserved
