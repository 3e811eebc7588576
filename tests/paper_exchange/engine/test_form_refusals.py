"""What makes no sense by itself is refused, by its exact status, code and words."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from common.orders import OrderType, Side, TimeInForce
from paper_exchange.engine.commands import SubmitOrder
from tests.paper_exchange.builders import SESSION, Trader, occ
from tests.paper_exchange.engine.acting import (
    CALL,
    HIGHER,
    LOWER,
    PUT,
    WING,
    Case,
    refused_whole,
)

BUY, SELL = Side.BUY, Side.SELL
SUB_PENNY = "invalid limit_price {}. sub-penny increment does not fulfill minimum pricing criteria"


def _posted(trader: Trader, **fields: object) -> SubmitOrder:
    values = {
        "order_id": trader.order_id(),
        "symbol": "AAPL",
        "side": BUY,
        "type": OrderType.MARKET,
        "time_in_force": TimeInForce.DAY,
        "qty": Decimal(1),
    }
    return SubmitOrder(**(values | fields))  # type: ignore[arg-type]


FORM: dict[str, Case] = {
    "no quantity": (
        lambda t: t.simple("AAPL", qty=None), 422, 40010001, "qty or notional is required",
    ),
    "both quantities": (
        lambda t: t.simple("AAPL", notional="5"), 422, 40010001,
        "only one of qty or notional is accepted",
    ),
    "zero": (lambda t: t.simple("AAPL", qty=0), 422, 40010001, "qty must be > 0"),
    "negative": (lambda t: t.simple("AAPL", qty=-1), 422, 40010001, "qty must be > 0"),
    "nan": (lambda t: t.simple("AAPL", qty="NaN"), 422, 40010001, "qty must be > 0"),
    "huge": (lambda t: t.simple("AAPL", qty="1e30"), 422, 40010001, "qty must be <= 1000000000"),
    "half a contract": (
        lambda t: t.simple(CALL, qty="0.5"), 422, 40010001,
        "qty must be a whole number of contracts",
    ),
    "no limit": (
        lambda t: _posted(t, type=OrderType.LIMIT), 422, 40010001,
        "limit orders require a limit price",
    ),
    "limit on market": (
        lambda t: _posted(t, limit_price=Decimal(5)), 422, 40010001,
        "market orders require no stop or limit price",
    ),
    "limit of nothing": (
        lambda t: t.simple("AAPL", limit="0"), 422, 40010001, "limit_price must be > 0",
    ),
    "no side": (lambda t: _posted(t, side=None), 422, 40010001, "side is required"),
    "no symbol": (lambda t: _posted(t, symbol=""), 422, 40010001, "symbol is required"),
    "unknown stock": (
        lambda t: t.simple("ZZZZ"), 422, 42210000, 'asset "ZZZZ" not found',
    ),
    "unknown strike": (
        lambda t: t.simple(occ(601)), 422, 42210000, f'asset "{occ(601)}" not found',
    ),
    "nonsense": (lambda t: t.simple("?!"), 422, 42210000, 'asset "?!" not found'),
    "expired": (
        lambda t: t.simple(occ(600, expiry=SESSION.day - timedelta(days=1)), limit="1"),
        422, 40010001, f"asset {occ(600, expiry=SESSION.day - timedelta(days=1))} is not active",
    ),
    "stock tick": (
        lambda t: t.simple("AAPL", limit="190.123"), 422, 42210000,
        SUB_PENNY.format("190.123"),
    ),
    "option tick of a stock": (
        lambda t: t.simple(occ(200, underlying="AAPL"), limit="3.02"), 422, 42210000,
        SUB_PENNY.format("3.02"),
    ),
    "spread tick": (
        lambda t: t.spread((CALL, 1), (HIGHER, -1), limit="1.005"), 422, 42210000,
        SUB_PENNY.format("1.005"),
    ),
    "long id": (
        lambda t: t.simple("AAPL", client_order_id="x" * 129), 422, 40010001,
        "client_order_id must be at most 128 characters",
    ),
    "option ioc": (
        lambda t: t.simple(CALL, time_in_force=TimeInForce.IOC), 422, 42210000,
        "invalid time_in_force",
    ),
    "coin day": (
        lambda t: t.simple("BTC/USD", time_in_force=TimeInForce.DAY), 422, 42210000,
        "invalid crypto time_in_force",
    ),
    "fraction gtc": (
        lambda t: t.simple("AAPL", qty="0.5", time_in_force=TimeInForce.GTC), 422, 42210000,
        "fractional orders must be DAY orders",
    ),
    "extended hours": (
        lambda t: t.simple("AAPL", extended_hours=True), 422, 42210000,
        "extended hours order must be DAY or GTC limit orders",
    ),
    "option dollars": (
        lambda t: t.simple(CALL, qty=None, notional="500"), 422, 40010001,
        "notional is not allowed for option orders",
    ),
    "few dollars": (
        lambda t: t.simple("AAPL", qty=None, notional="0.5"), 422, 42210000,
        "notional amount must be >= 1.00",
    ),
    "few coin dollars": (
        lambda t: t.simple("BTC/USD", qty=None, notional="9"), 403, 40310000,
        "cost basis must be >= minimal amount of order 10",
    ),
    "few coins": (
        lambda t: t.simple("BTC/USD", qty="0.0001"), 403, 40310000,
        "cost basis must be >= minimal amount of order 10",
    ),
    "dollars at a limit": (
        lambda t: t.simple("AAPL", qty=None, notional="50", limit="1"), 422, 42210000,
        "notional orders must be market orders",
    ),
    "fractions of a cent": (
        lambda t: t.simple("AAPL", qty=None, notional="50.001"), 422, 40010001,
        "notional must be whole cents",
    ),
    "legs on a simple order": (
        lambda t: _posted(t, legs=t.spread((CALL, 1), (HIGHER, -1)).legs), 422, 40010001,
        "legs are only allowed for mleg order",
    ),
    "one leg": (
        lambda t: t.spread((CALL, 1)), 422, 40010001, "mleg order must have between 2 and 4 legs",
    ),
    "five legs": (
        lambda t: t.spread((CALL, 1), (HIGHER, -1), (WING, 1), (PUT, 1), (LOWER, -1)),
        422, 40010001, "mleg order must have between 2 and 4 legs",
    ),
    "one leg twice": (
        lambda t: t.spread((CALL, 1), (CALL, -1)), 422, 40010001,
        "mleg order legs must have unique symbols",
    ),
    "ratio zero": (
        lambda t: t.spread((CALL, 1), (HIGHER, 0)), 422, 40010001, "ratio_qty must be > 0",
    ),
    "ratios not prime": (
        lambda t: t.spread((CALL, 2), (HIGHER, -2)), 422, 42210000,
        "leg ratio quantities should be relatively prime: GCD[2 2] = 2",
    ),
    "a stock as leg": (
        lambda t: t.spread((CALL, -1), ("SPY", 1)), 422, 40010001,
        "mleg order legs must be option contracts",
    ),
    "two underlyings": (
        lambda t: t.spread((CALL, 1), (occ(200, underlying="AAPL"), -1)), 422, 42210000,
        "underlying asset mismatch",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FORM.values(), ids=FORM.keys())
def test_refused_in_these_words_and_nothing_changed(case: Case) -> None:
    refused_whole(case)
