"""What an order in a stock or a coin must hold to be sent, and that closing is never held up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import AssetClass, Right
from common.errors import LimitBreached
from common.limits import Halt
from common.orders import Approved, OrderType, Side, TimeInForce
from common.portfolio import Exposure, Position
from common.quotes import Quote
from common.shares import ShareAsset, ShareIntent
from services.risk.activity import Activity, ShareTrade
from services.risk.manager import RiskManager
from services.risk.share_case import ShareCase
from tests.builders import SESSION, at, contract, make_account, make_exposure
from tests.services.risk.cases import LIMITS, RISK

NOW = at(10, 5)
BID, ASK = Decimal("199.99"), Decimal("200.01")
QUOTE = Quote(bid=BID, ask=ASK, bid_size=5, ask_size=5, at=NOW)
STOCK = ShareAsset(
    symbol="AAPL", kind=AssetClass.EQUITY, tradable=True, fractionable=True, shortable=True
)
COIN = replace(STOCK, symbol="BTC/USD", kind=AssetClass.CRYPTO, shortable=False)


def order(side: Side = Side.BUY, qty: str = "10", **more: Any) -> ShareIntent:
    """Return an order in a stock."""
    return ShareIntent(symbol="AAPL", side=side, qty=Decimal(qty), **more)


def limited(limit: str, side: Side = Side.BUY, **more: Any) -> ShareIntent:
    """Return an order at a limit."""
    return order(side, type=OrderType.LIMIT, limit=Decimal(limit), **more)


def case(intent: ShareIntent, **changes: Any) -> ShareCase:
    """Return an order in a sound market."""
    sound = ShareCase(
        limits=LIMITS,
        exposure=make_exposure(),
        halt=Halt.ACTIVE,
        intent=intent,
        activity=Activity(at=NOW),
        now=NOW,
        session=SESSION,
        quote=QUOTE,
        stale_after=timedelta(seconds=60),
        asset=COIN if intent.is_coin else STOCK,
        underlying="SPY",
        spot=Decimal(600),
    )
    return replace(sound, **changes)


def breaches(tried: ShareCase, risk: RiskManager = RISK) -> dict[str, str]:
    """Return what is refused: projected by limit; nothing when it passes."""
    try:
        approved = risk.approve_shares(tried)
    except LimitBreached as refused:
        return {breach.limit: breach.projected for breach in refused.breaches}
    assert approved == Approved(tried.intent)
    return {}


def position(qty: str, available: str | None = None, symbol: str = "AAPL") -> Position:
    """Return a holding."""
    free = qty if available is None else available
    return Position(
        symbol=symbol,
        qty=Decimal(qty),
        qty_available=Decimal(free),
        avg_entry_price=Decimal(200),
        current_price=Decimal(200),
        market_value=Decimal(qty) * 200,
        cost_basis=Decimal(qty) * 200,
        unrealized_pl=Decimal(0),
    )


def past(intent: ShareIntent, minutes: float = 5, **more: Any) -> Activity:
    """Return a session in which one order was sent before."""
    sent = NOW - timedelta(minutes=minutes)
    return Activity(at=NOW, shares=(ShareTrade(intent=intent, sent_at=sent, entered=True, **more),))


def test_a_sound_order_of_either_side_passes() -> None:
    assert breaches(case(order())) == {}
    assert breaches(case(limited("200.00"))) == {}
    assert breaches(case(order(Side.SELL))) == {}
    assert breaches(case(order(take_profit=Decimal(210), stop_loss=Decimal(190)))) == {}
    coin = ShareIntent(symbol="BTC/USD", side=Side.BUY, notional=Decimal(500), tif=TimeInForce.GTC)
    assert breaches(case(coin)) == {}


WIDE = replace(QUOTE, ask=Decimal(210))


@pytest.mark.parametrize(
    ("tried", "names"),
    [
        (case(order(), halt=Halt.REDUCING), {"halt"}),
        (case(order(), exposure=make_exposure(account=make_account(blocked="x"))), {"account"}),
        (case(order(qty="12")), {"daily_loss"}),
        (case(order(), exposure=make_exposure(session_pnl=None)), {"daily_loss"}),
        (case(order(), exposure=make_exposure(reserved=Decimal(100))), {"daily_loss"}),
        (case(order(), exposure=make_exposure(at_risk=Decimal(100))), {"daily_loss"}),
        (case(order(), exposure=make_exposure(delta=48.0)), {"delta"}),
        (
            case(order(), exposure=make_exposure(account=make_account(buying_power=Decimal(100)))),
            {"buying_power"},
        ),
        (case(order(), now=at(9, 29)), {"session"}),
        (case(order(), now=at(16, 0)), {"session", "quote_age"}),
        (case(order(), asset=None), {"order_form"}),
        (case(order(), asset=replace(STOCK, tradable=False)), {"order_form"}),
        (case(order(qty="1.5"), asset=replace(STOCK, fractionable=False)), {"order_form"}),
        (case(order(Side.SELL), asset=replace(STOCK, shortable=False)), {"order_form"}),
        (case(order(Side.SELL, qty="1.5")), {"order_form"}),
        (case(order(), quote=replace(QUOTE, at=NOW - timedelta(seconds=61))), {"quote_age"}),
        (case(order(), quote=WIDE), {"spread"}),
        (case(limited("220.02")), {"limit_price"}),
        (case(limited("179.98", Side.SELL)), {"limit_price"}),
        (
            case(order(type=OrderType.STOP, stop=Decimal(200))),
            {"stop_price"},
        ),
        (
            case(order(Side.SELL, type=OrderType.STOP, stop=Decimal(200))),
            {"stop_price"},
        ),
        (case(order(stop_loss=Decimal(201))), {"exit_prices"}),
        (case(order(take_profit=Decimal(199))), {"exit_prices"}),
        (case(order(Side.SELL, stop_loss=Decimal(199))), {"exit_prices"}),
        (case(order(), activity=past(order(), minutes=0.5)), {"duplicate"}),
        (
            case(order(), activity=past(order(opens=False), closed_at=NOW, result=Decimal(-1))),
            {"cooldown"},
        ),
    ],
)
def test_each_limit_refuses_alone_and_by_its_name(tried: ShareCase, names: set[str]) -> None:
    assert set(breaches(tried)) == names


def test_without_a_quote_nothing_that_needs_one_is_taken_for_granted() -> None:
    told = breaches(case(limited("200"), quote=None))
    assert {"daily_loss", "delta", "buying_power", "quote_age", "spread", "limit_price"} <= set(
        told
    )
    one_sided = replace(QUOTE, bid=Decimal(0))
    assert {"daily_loss", "spread"} <= set(breaches(case(order(), quote=one_sided)))


def test_a_wide_quote_is_no_bar_to_a_limit_and_hours_are_none_to_coins() -> None:
    assert breaches(case(limited("200"), quote=WIDE)) == {}
    early = limited("200", extended_hours=True)
    assert breaches(case(early, now=at(8, 0), quote=replace(QUOTE, at=at(8, 0)))) == {}
    coin = ShareIntent(symbol="BTC/USD", side=Side.BUY, qty=Decimal(1), tif=TimeInForce.GTC)
    night = at(3, 0)
    assert "session" not in breaches(case(coin, now=night, quote=replace(QUOTE, at=night)))


def test_orders_in_shares_and_in_options_count_together() -> None:
    many = Activity(
        at=NOW,
        shares=tuple(
            ShareTrade(intent=order(qty=str(n + 1)), sent_at=NOW, entered=True) for n in range(10)
        ),
    )
    told = breaches(case(order(qty="1"), activity=many))
    assert told["orders_per_minute"] == "11"
    assert told["repeats"] == "11"
    assert many.entered == 10
    assert many.losing_streak == 0
    losing = tuple(
        ShareTrade(
            intent=order(Side.SELL, opens=False),
            sent_at=at(9, 40),
            entered=True,
            result=Decimal(-5),
            closed_at=at(9, 40 + n),
        )
        for n in range(3)
    )
    assert "consecutive_losses" in breaches(case(order(), activity=Activity(at=NOW, shares=losing)))


def test_delta_is_reckoned_from_shares_alone_where_there_is_no_chain() -> None:
    def held(*positions: Position) -> Exposure:
        return make_exposure(delta=None, positions=positions)

    spy = position("40", symbol="SPY")
    assert breaches(case(order(), exposure=held(spy))) == {}
    told = breaches(case(order(qty="10"), exposure=held(position("48", symbol="SPY"))))
    assert set(told) == {"delta"}
    option = position("1", symbol=contract(600, Right.CALL).symbol)
    assert breaches(case(order(), exposure=held(option)))["delta"] == "unknown"


@given(st.integers(1, 1_000), st.integers(-1_000, 1_000), st.integers(0, 1_000), st.booleans())
def test_what_closes_is_bounded_by_what_is_held_and_free_and_by_nothing_else(
    qty: int, held: int, claimed: int, sells: bool
) -> None:
    side = Side.SELL if sells else Side.BUY
    free = max(abs(held) - claimed, 0)
    holding = position(str(held), str(free if held > 0 else -free))
    intent = order(side, str(qty), opens=False)
    if held * side.sign < 0 and qty <= free:
        assert RISK.close_shares(intent, [holding]) == Approved(intent)
    else:
        with pytest.raises(LimitBreached) as refused:
            RISK.close_shares(intent, [holding])
        assert [breach.limit for breach in refused.value.breaches] == ["reduce_only"]


def test_nothing_is_closed_that_is_not_held_nor_by_an_amount_of_dollars() -> None:
    for intent, positions in (
        (order(Side.SELL, opens=False), ()),
        (order(Side.SELL, opens=False), (position("10", symbol="MSFT"),)),
        (ShareIntent(symbol="AAPL", side=Side.SELL, notional=Decimal(10)), (position("10"),)),
    ):
        with pytest.raises(LimitBreached, match="reduce_only"):
            RISK.close_shares(intent, positions)
