"""Orders and positions over REST: listings, both kinds, coins, tenants, and what survives."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.exchange import Exchange


@pytest.fixture
def trader(exchange: Exchange) -> Exchange:
    """The shared exchange seen by an account of its own."""
    return exchange.tenant()


def send(exchange: Exchange, **order: Any) -> dict[str, Any]:
    wanted = {
        "symbol": "AAPL",
        "qty": 1,
        "side": "buy",
        "type": "limit",
        "limit_price": "1",
        "time_in_force": "day",
        **order,
    }
    if wanted["type"] == "market":
        del wanted["limit_price"]
    answer = exchange.request("POST", "/v2/orders", wanted)
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


def ids(orders: list[dict[str, Any]]) -> list[str]:
    return [order["id"] for order in orders]


def test_a_reply_has_every_key_and_numbers_are_text(trader: Exchange) -> None:
    order = send(trader, qty=2.0, limit_price=150.5, client_order_id="mine")
    assert order["status"] == "pending_new"
    assert (order["qty"], order["limit_price"], order["filled_qty"]) == ("2", "150.5", "0")
    assert order["client_order_id"] == "mine"
    for name in ("filled_at", "canceled_at", "replaced_by", "legs", "notional", "hwm"):
        assert order[name] is None
    assert order["created_at"].endswith("Z")
    assert trader.get(f"/v2/orders/{order['id']}")["status"] == "new"


def test_listings_filter_and_bound(trader: Exchange) -> None:
    first = send(trader, symbol="AAPL")
    second = send(trader, symbol="MSFT")
    third = send(trader, symbol="SPY", side="sell", limit_price="5000")
    trader.request("DELETE", f"/v2/orders/{second['id']}")
    everything = ids([third, second, first])
    assert ids(trader.orders()) == everything
    assert ids(trader.orders("open")) == ids([third, first])
    assert ids(trader.orders("closed")) == ids([second])

    def listed(**query: object) -> list[str]:
        return ids(trader.get("/v2/orders", **{"status": "all", **query}))

    assert listed(direction="asc") == everything[::-1]
    assert listed(limit=2) == everything[:2]
    assert listed(limit=1, direction="asc") == everything[2:]
    assert listed(symbols="MSFT,SPY") == everything[:2]
    assert listed(side="sell") == everything[:1]
    assert listed(asset_class="us_option") == []
    assert listed(before_order_id=third["id"]) == everything[1:]
    assert listed(after_order_id=first["id"]) == everything[:2]
    assert listed(after_order_id=first["id"], direction="asc") == everything[1::-1]
    assert listed(before_order_id=third["id"], direction="asc") == everything[:0:-1]
    assert listed(after=first["submitted_at"]) == []
    assert listed(until="2026-11-21T00:00:00Z", nested="True") == everything


def test_a_canceled_order_may_be_canceled_again_and_a_filled_one_not(trader: Exchange) -> None:
    order = send(trader)
    for _ in range(2):
        assert trader.request("DELETE", f"/v2/orders/{order['id']}").status == 204
    filled = send(trader, type="market")
    answer = trader.request("DELETE", f"/v2/orders/{filled['id']}")
    assert answer.status == 422
    assert answer.body["message"] == 'order is already in "filled" state'


def test_a_coin_is_named_with_a_slash_in_orders_and_without_in_positions(
    trader: Exchange,
) -> None:
    send(trader, symbol="BTC/USD", qty="0.5", type="market", time_in_force="gtc")
    (held,) = trader.positions()
    assert (held["symbol"], held["asset_class"], held["qty"]) == ("BTCUSD", "crypto", "0.5")
    for name in ("BTC/USD", "BTCUSD", "BTC%2FUSD", held["asset_id"]):
        assert trader.get(f"/v2/positions/{name}")["symbol"] == "BTCUSD"
    closing = trader.request("DELETE", "/v2/positions/BTC/USD")
    assert (closing.status, closing.body["symbol"]) == (200, "BTC/USD")
    assert trader.positions() == []


def test_equity_is_cash_and_what_is_held(trader: Exchange) -> None:
    send(trader, symbol="SPY", qty=10, type="market")
    account = trader.get("/v2/account")
    (held,) = trader.positions()
    assert float(account["equity"]) == pytest.approx(
        float(account["cash"]) + float(held["market_value"])
    )
    assert held["cost_basis"] == f"{float(held['avg_entry_price']) * 10:g}"
    assert (held["side"], held["exchange"]) == ("long", "ARCA")
    assert float(held["unrealized_pl"]) == pytest.approx(
        float(held["market_value"]) - float(held["cost_basis"])
    )


def test_closing_too_much_or_in_two_ways_is_refused(trader: Exchange) -> None:
    send(trader, symbol="SPY", qty=2, type="market")
    too_much = trader.request("DELETE", "/v2/positions/SPY", query={"qty": "3"})
    assert (too_much.status, too_much.body["code"]) == (403, 40310000)
    for query in ({"qty": "1", "percentage": "50"}, {"percentage": "101"}, {"qty": "x"}):
        assert trader.request("DELETE", "/v2/positions/SPY", query=query).status == 422
    assert trader.positions()[0]["qty"] == "2"


def test_closing_everything_tells_line_by_line(trader: Exchange) -> None:
    send(trader, symbol="SPY", qty=2, type="market")
    send(trader, symbol="AAPL", qty=3, type="market")
    resting = send(trader, symbol="AAPL", side="sell", qty=3, limit_price="9999")
    kept = trader.request("DELETE", "/v2/positions")
    lines = {line["symbol"]: line for line in kept.body}
    assert kept.status == 207
    assert lines["SPY"]["status"] == 200
    assert lines["AAPL"]["status"] == 403
    assert lines["AAPL"]["body"]["related_orders"] == [resting["id"]]
    swept = trader.request("DELETE", "/v2/positions", query={"cancel_orders": "True"})
    assert [line["status"] for line in swept.body] == [200]
    assert (trader.positions(), trader.orders("open")) == ([], [])


def test_tenants_do_not_see_each_other(exchange: Exchange, trader: Exchange) -> None:
    order = send(trader, client_order_id="same name")
    other = exchange.tenant()
    assert other.orders() == []
    path = f"/v2/orders/{order['id']}"
    assert other.request("GET", path).status == 404
    assert other.request("DELETE", path).status == 404
    found = other.request(
        "GET", "/v2/orders:by_client_order_id", query={"client_order_id": "same name"}
    )
    assert found.status == 404
    assert other.request("DELETE", "/v2/orders").body == []
    assert send(other, client_order_id="same name")["client_order_id"] == "same name"
    assert trader.get(path)["status"] == "new"


def test_an_account_needs_the_admin_key_and_a_sensible_sum(exchange: Exchange) -> None:
    assert exchange.request("POST", "/admin/accounts", {}).status == 401
    admin = {"Authorization": f"Bearer {exchange.admin_key}"}
    sums: list[object] = [0, -1, "1e9", "nan", "0.001", []]
    for cash in sums:
        answer = exchange.request("POST", "/admin/accounts", {"cash": cash}, headers=admin)
        assert (answer.status, answer.body["code"]) == (422, 40010001)


def test_what_was_answered_survives_a_power_cut(tmp_path: Path) -> None:
    with Exchange.start(tmp_path, at="10:05") as exchange:
        names = [str(uuid.uuid4()) for _ in range(20)]
        for name in names:
            send(exchange, client_order_id=name)
        send(exchange, symbol="SPY", qty=3, type="market")
        before = exchange.orders(), exchange.positions(), exchange.get("/v2/account")
        exchange.kill9()
        exchange.launch()
        assert (exchange.orders(), exchange.positions(), exchange.get("/v2/account")) == before


def test_the_day_ends_options_settle_and_the_next_day_opens(tmp_path: Path) -> None:
    with Exchange.start(tmp_path, at="15:00") as exchange:
        resting = send(exchange)
        contracts = exchange.get(
            "/v2/options/contracts", underlying_symbols="SPY", type="call", limit=1000
        )["option_contracts"]
        deep = contracts[0]["symbol"]
        send(exchange, symbol=deep, type="limit", limit_price="900")
        assert [held["symbol"] for held in exchange.positions()] == [deep]
        exchange.step(timedelta(hours=1, minutes=30))
        assert exchange.now().isoformat() == "2026-11-23T09:30:00-05:00"
        [shares] = exchange.positions()
        assert (shares["symbol"], shares["qty"]) == ("SPY", "100")
        assert exchange.get(f"/v2/orders/{resting['id']}")["status"] == "expired"
        account = exchange.get("/v2/account")
        assert float(account["cash"]) < 100_000 < float(account["last_equity"]) * 1.1
