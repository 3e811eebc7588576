"""Activities and portfolio history: what happened, in order, and what it was worth."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.exchange import Exchange
from tests.paper_exchange.api.test_configurations import order

ACTIVITIES = "/v2/account/activities"
PORTFOLIO = "/v2/account/portfolio/history"


@pytest.fixture
def trader(exchange: Exchange) -> Exchange:
    """An account that bought, sold half and went short in something else."""
    found = exchange.tenant()
    for symbol, side, qty in (("SPY", "buy", "4"), ("SPY", "sell", "2"), ("AAPL", "sell", "1")):
        assert order(found, symbol=symbol, side=side, qty=qty).status == 200
    return found


def test_fills_are_told_newest_first_with_what_was_left(trader: Exchange) -> None:
    fills = trader.get(f"{ACTIVITIES}/FILL")
    assert [(one["symbol"], one["side"], one["qty"]) for one in fills] == [
        ("AAPL", "sell_short", "1"), ("SPY", "sell", "2"), ("SPY", "buy", "4"),
    ]  # fmt: skip
    assert {(one["leaves_qty"], one["type"], one["order_status"]) for one in fills} == {
        ("0", "fill", "filled")
    }
    orders = {one["id"]: one for one in trader.orders()}
    assert all(orders[one["order_id"]]["filled_avg_price"] == one["price"] for one in fills)


def test_pages_join(trader: Exchange) -> None:
    whole = trader.get(ACTIVITIES, direction="asc")
    assert whole[0]["activity_type"] == "JNLC"
    assert whole[0]["net_amount"] == "100000"
    found: list[Any] = []
    query: dict[str, Any] = {"direction": "asc", "page_size": 2}
    while page := trader.get(ACTIVITIES, **query):
        assert len(page) <= 2
        found += page
        query["page_token"] = found[-1]["id"]
    assert found == whole
    assert trader.get(ACTIVITIES) == whole[::-1]


def test_filters_and_bad_ones(trader: Exchange) -> None:
    first = trader.get(f"{ACTIVITIES}/FILL", direction="asc")[0]
    assert trader.get(ACTIVITIES, order_id=first["order_id"]) == [first]
    kinds = {one["activity_type"] for one in trader.get(ACTIVITIES, category="non_trade_activity")}
    assert "FILL" not in kinds
    assert trader.get(ACTIVITIES, activity_types="DIV,INT") == []
    assert trader.get(ACTIVITIES, date="2026-11-19") == []
    for bad in (
        {"page_token": "nothing"},
        {"page_size": 101},
        {"direction": "up"},
        {"activity_types": "?"},
        {"activity_types": "FILL", "category": "trade_activity"},
        {"after": "yesterday"},
    ):
        answer = trader.request("GET", ACTIVITIES, query=bad)
        assert (answer.status, set(answer.body)) == (422, {"code", "message"}), bad


def test_the_curve_ends_at_the_equity_of_the_account(trader: Exchange) -> None:
    for timeframe in ("1Min", "5Min", "1D"):
        curve = trader.get(PORTFOLIO, period="1D", timeframe=timeframe)
        equity = Decimal(trader.get("/v2/account")["equity"])
        assert Decimal(str(curve["equity"][-1])) == equity.quantize(Decimal("0.01"))
        gain = Decimal(str(curve["profit_loss"][-1]))
        assert gain == equity.quantize(Decimal("0.01")) - Decimal(str(curve["base_value"]))
        assert len({len(curve[name]) for name in ("timestamp", "equity", "profit_loss")}) == 1


def test_a_day_later_the_past_is_as_it_was(tmp_path: Path) -> None:
    with Exchange.start(tmp_path, at="10:05") as exchange:
        assert order(exchange, qty="5").status == 200
        window = {"start": "2026-11-20T14:30:00Z", "end": "2026-11-20T15:05:00Z"}
        before = exchange.get(PORTFOLIO, timeframe="1Min", **window)
        exchange.step(timedelta(days=3, hours=1))
        after = exchange.get(PORTFOLIO, timeframe="1Min", **window)
        assert after["timestamp"][:-1] == before["timestamp"][:-1]
        assert after["equity"][:-1] == before["equity"][:-1]
        days = exchange.get(PORTFOLIO, period="1W", timeframe="1D")
        last_equity = Decimal(exchange.get("/v2/account")["last_equity"])
        assert Decimal(str(days["equity"][-2])) == last_equity.quantize(Decimal("0.01"))
        assert len(days["equity"]) == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"period": "1X"},
        {"period": "0D"},
        {"timeframe": "2Min"},
        {"start": "2026-11-20", "end": "2026-11-19"},
        {"start": "2026-11-19", "end": "2026-11-20", "period": "1D"},
        {"intraday_reporting": "never"},
        {"pnl_reset": "maybe"},
    ],
)
def test_a_bad_question_is_refused(trader: Exchange, bad: dict[str, str]) -> None:
    answer = trader.request("GET", PORTFOLIO, query=bad)
    assert (answer.status, set(answer.body)) == (422, {"code", "message"})
