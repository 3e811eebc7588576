"""Stops, trails, replacements and groups over REST, as clients of the broker send them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.exchange import Exchange


@pytest.fixture
def trader(exchange: Exchange) -> Exchange:
    """The shared exchange seen by an account of its own."""
    return exchange.tenant()


def send(exchange: Exchange, **order: Any) -> dict[str, Any]:
    wanted = {"symbol": "AAPL", "qty": 1, "side": "buy", "time_in_force": "gtc", **order}
    answer = exchange.request("POST", "/v2/orders", wanted)
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


def test_a_stop_shows_its_terms(trader: Exchange) -> None:
    order = send(trader, type="stop_limit", stop_price="4000", limit_price=4001.5)
    assert (order["stop_price"], order["limit_price"]) == ("4000", "4001.5")
    assert order["type"] == order["order_type"] == "stop_limit"


def test_a_trail_shows_where_it_stands(trader: Exchange) -> None:
    order = send(trader, type="trailing_stop", trail_percent=5, side="buy")
    assert (order["trail_percent"], order["trail_price"]) == ("5", None)
    shown = trader.get(f"/v2/orders/{order['id']}")
    assert float(shown["stop_price"]) == pytest.approx(float(shown["hwm"]) * 1.05, abs=0.011)


def test_a_replacement_is_chained_to_what_it_replaces(trader: Exchange) -> None:
    old = send(trader, type="limit", limit_price="1", client_order_id="first")
    answer = trader.request("PATCH", f"/v2/orders/{old['id']}", {"limit_price": "2", "qty": "3"})
    assert answer.status == 200
    new = answer.body
    assert (new["replaces"], new["limit_price"], new["qty"]) == (old["id"], "2", "3")
    gone = trader.get("/v2/orders:by_client_order_id", client_order_id="first")
    assert (gone["status"], gone["replaced_by"]) == ("replaced", new["id"])
    assert gone["replaced_at"] is not None
    again = trader.request("PATCH", f"/v2/orders/{old['id']}", {"limit_price": "2"})
    assert (again.status, again.body["message"]) == (422, "order already replaced")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 422, "order parameters are not changed"),
        ({"qty": "x"}, 422, "qty"),
        ({"trail": "1"}, 422, "trail is only allowed"),
        ({"time_in_force": "never"}, 422, "invalid time_in_force"),
        ([], 422, "invalid order"),
    ],
)
def test_changes_that_cannot_be(trader: Exchange, body: Any, status: int, text: str) -> None:
    order = send(trader, type="limit", limit_price="1")
    answer = trader.request("PATCH", f"/v2/orders/{order['id']}", body)
    assert answer.status == status
    assert text in answer.body["message"]
    assert trader.get(f"/v2/orders/{order['id']}")["status"] == "new"


def test_a_bracket_is_shown_nested_or_flat(trader: Exchange) -> None:
    order = send(
        trader,
        type="limit",
        limit_price="10",
        order_class="bracket",
        take_profit={"limit_price": "20"},
        stop_loss={"stop_price": "5", "limit_price": 4.5},
    )
    assert order["order_class"] == "bracket"
    assert [leg["status"] for leg in order["legs"]] == ["held", "held"]
    assert [leg["type"] for leg in order["legs"]] == ["limit", "stop_limit"]
    [nested] = trader.get("/v2/orders", nested=True)
    assert [leg["id"] for leg in nested["legs"]] == [leg["id"] for leg in order["legs"]]
    flat = trader.get("/v2/orders")
    assert len(flat) == 3
    assert {shown["legs"] for shown in flat} == {None}
    assert len(trader.get(f"/v2/orders/{order['id']}", nested=True)["legs"]) == 2
    trader.request("DELETE", f"/v2/orders/{order['legs'][1]['id']}")
    assert {shown["status"] for shown in trader.get("/v2/orders", status="all")} == {"canceled"}
