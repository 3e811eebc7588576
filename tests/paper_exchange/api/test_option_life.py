"""A day of options on a whole exchange: exercised, declined, expired, reported the day after."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.exchange import Exchange


def contracts(exchange: Exchange, right: str) -> list[dict[str, Any]]:
    """Return today's SPY contracts by strike."""
    listed = exchange.get(
        "/v2/options/contracts",
        underlying_symbols="SPY",
        type=right,
        expiration_date=exchange.now().date().isoformat(),
        limit=1000,
    )["option_contracts"]
    return sorted(listed, key=lambda contract: Decimal(contract["strike_price"]))


def buy(exchange: Exchange, symbol: str) -> None:
    order = {
        "symbol": symbol,
        "qty": 1,
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
    }
    answer = exchange.request("POST", "/v2/orders", order)
    assert answer.status == 200, answer.body


def post(exchange: Exchange, symbol: str, word: str) -> int:
    return exchange.request("POST", f"/v2/positions/{symbol}/{word}").status


def holdings(exchange: Exchange) -> dict[str, Decimal]:
    return {held["symbol"]: Decimal(held["qty"]) for held in exchange.positions()}


def test_a_day_of_options(tmp_path: Path) -> None:
    with Exchange.start(tmp_path, at="15:00") as exchange:
        calls, puts = contracts(exchange, "call"), contracts(exchange, "put")
        deep, declined, worthless = calls[0], calls[1], calls[-1]
        put = puts[-1]
        for contract in (deep, declined, worthless, put):
            buy(exchange, contract["symbol"])
        assert post(exchange, "SPY", "exercise") == 422
        assert post(exchange, calls[2]["symbol"], "exercise") == 403
        assert post(exchange, put["symbol"], "exercise") == 403  # no shares to deliver
        cash = Decimal(exchange.get("/v2/account")["cash"])
        assert post(exchange, deep["id"], "exercise") == 200
        assert holdings(exchange)["SPY"] == 100
        assert deep["symbol"] not in holdings(exchange)
        strike = Decimal(deep["strike_price"])
        assert Decimal(exchange.get("/v2/account")["cash"]) == cash - 100 * strike
        ends = "OPEXP,OPEXC,OPASN,OPTRD"
        assert exchange.get("/v2/account/activities", activity_types=ends) == []
        exchange.step(timedelta(minutes=80))
        assert post(exchange, declined["symbol"], "do-not-exercise") == 200
        assert post(exchange, put["symbol"], "exercise") == 403  # closed until midnight
        exchange.step(timedelta(minutes=10))
        assert exchange.now().isoformat() == "2026-11-23T09:30:00-05:00"
        assert holdings(exchange) == {}  # the put delivered what the call had brought
        listed = exchange.get("/v2/account/activities", activity_types=ends)
        assert {(a["activity_type"], a["symbol"], a["qty"]) for a in listed} == {
            ("OPEXC", deep["symbol"], "-1"),
            ("OPEXC", put["symbol"], "-1"),
            ("OPEXP", declined["symbol"], "-1"),
            ("OPEXP", worthless["symbol"], "-1"),
            ("OPTRD", "SPY", "100"),
            ("OPTRD", "SPY", "-100"),
        }
        trades = {a["group_id"]: a for a in listed if a["activity_type"] == "OPTRD"}
        exercised = [a for a in listed if a["activity_type"] == "OPEXC"]
        assert {a["group_id"] for a in exercised} == trades.keys()
        paid = sum(Decimal(a["net_amount"]) for a in trades.values())
        assert paid == 100 * (Decimal(put["strike_price"]) - strike)
        assert Decimal(exchange.get("/v2/account")["cash"]) == cash + paid
        exchange.kill9()
        exchange.launch()
        assert holdings(exchange) == {}
        assert exchange.get("/v2/account/activities", activity_types=ends) == listed
