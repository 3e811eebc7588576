"""What an account's owner switches off stays off, for closing orders and after a restart too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.exchange import Exchange, Reply

PATH = "/v2/account/configurations"


@pytest.fixture
def trader(exchange: Exchange) -> Exchange:
    return exchange.tenant()


def order(exchange: Exchange, **changes: Any) -> Reply:
    wanted = {
        "symbol": "SPY",
        "qty": "1",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        **changes,
    }
    return exchange.request("POST", "/v2/orders", wanted)


def configure(exchange: Exchange, **changes: object) -> Any:
    answer = exchange.request("PATCH", PATH, changes)
    assert answer.status == 200, answer.body
    return answer.body


SUSPENDED = {"code": 40310000, "message": "new orders are rejected by user request"}


def test_a_suspended_account_takes_no_order_until_it_is_lifted(trader: Exchange) -> None:
    assert order(trader).status == 200
    assert configure(trader, suspend_trade=True)["suspend_trade"] is True
    assert trader.get("/v2/account")["trade_suspended_by_user"] is True
    for refused in (order(trader), trader.request("DELETE", "/v2/positions/SPY")):
        assert (refused.status, refused.body) == (403, SUSPENDED)
    (line,) = trader.request("DELETE", "/v2/positions").body
    assert (line["status"], line["body"]) == (403, SUSPENDED)
    assert [held["symbol"] for held in trader.positions()] == ["SPY"]
    configure(trader, suspend_trade=False)
    assert trader.request("DELETE", "/v2/positions/SPY").status == 200


def test_working_orders_outlive_the_suspension_and_can_be_canceled(trader: Exchange) -> None:
    resting = order(trader, type="limit", limit_price="100").body["id"]
    configure(trader, suspend_trade=True)
    assert [one["id"] for one in trader.orders("open")] == [resting]
    assert trader.request("DELETE", f"/v2/orders/{resting}").status == 204


def test_no_shorting_refuses_opening_sales_only(trader: Exchange) -> None:
    configure(trader, no_shorting=True)
    assert trader.get("/v2/account")["shorting_enabled"] is False
    assert order(trader, side="sell").status == 403
    assert order(trader).status == 200
    assert order(trader, side="sell").status == 200


@pytest.mark.parametrize(("level", "allowed"), [(0, False), (1, False), (2, True), (3, True)])
def test_the_options_level_is_bound(trader: Exchange, level: int, allowed: bool) -> None:
    contracts = trader.get("/v2/options/contracts", underlying_symbols="SPY", type="put")
    symbol = contracts["option_contracts"][-1]["symbol"]
    configure(trader, max_options_trading_level=level)
    account = trader.get("/v2/account")
    assert (account["options_trading_level"], account["options_approved_level"]) == (level, 3)
    assert (order(trader, symbol=symbol).status == 200) is allowed


@pytest.mark.parametrize(
    "body",
    [
        {"suspend_trade": "yes"},
        {"max_options_trading_level": 4},
        {"max_margin_multiplier": "4"},
        {"trade_confirm_email": "some"},
        [],
        b"{",
        b"",
    ],
)
def test_a_bad_change_changes_nothing(trader: Exchange, body: object) -> None:
    before = trader.get(PATH)
    answer = trader.request("PATCH", PATH, body)
    assert answer.status == 422
    assert set(answer.body) == {"code", "message"}
    assert trader.get(PATH) == before


def test_it_is_remembered_over_a_restart(tmp_path: Path) -> None:
    with Exchange.start(tmp_path) as exchange:
        changed = configure(exchange, suspend_trade=True, max_options_trading_level=1)
        exchange.kill9()
        exchange.launch()
        assert exchange.get(PATH) == changed
        assert order(exchange).body == SUSPENDED
