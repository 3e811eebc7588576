"""What is wrong is refused clearly, nothing is lost by it, and the process lives on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.exchange import Exchange, Reply

ORDER = {
    "symbol": "AAPL",
    "qty": "1",
    "side": "buy",
    "type": "limit",
    "time_in_force": "day",
    "limit_price": "1",
}
EXPIRY = "261120"


def leg(strike: int, side: str, right: str = "C", **more: Any) -> dict[str, Any]:
    return {
        "symbol": f"SPY{EXPIRY}{right}{strike * 1000:08d}",
        "ratio_qty": "1",
        "side": side,
        **more,
    }


def mleg(*legs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "order_class": "mleg",
        "qty": "1",
        "type": "limit",
        "time_in_force": "day",
        "limit_price": "0.50",
        "legs": list(legs),
        **more,
    }


@pytest.fixture(autouse=True)
def unharmed(exchange: Exchange) -> Iterator[None]:
    """Hold every test here to: no order was made, no money moved, the exchange answers."""
    before = exchange.get("/v2/account"), [order["id"] for order in exchange.orders()]
    yield
    after = exchange.get("/v2/account"), [order["id"] for order in exchange.orders()]
    assert after == before


def refused(answer: Reply, status: int, code: int, text: str) -> None:
    assert (answer.status, answer.body.get("code")) == (status, code), answer.body
    assert text in answer.body["message"]
    assert list(answer.body) == sorted(answer.body)
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"notes":[1,2',
        b'{"symbol":"AAPL",}',
        b"\xff\xfe\x00",
        b'{"x":' + b"[" * 60_000,
    ],
)
def test_malformed_json(exchange: Exchange, body: bytes) -> None:
    refused(exchange.request("POST", "/v2/orders", body), 400, 40010000, "format is invalid")


@pytest.mark.parametrize("body", [[], "text", 5, None, {**ORDER, "legs": {}}, {**ORDER, "side": 1}])
def test_json_of_another_shape(exchange: Exchange, body: object) -> None:
    data = body if body is not None else b"null"
    refused(exchange.request("POST", "/v2/orders", data), 422, 40010001, "invalid order")


@pytest.mark.parametrize(
    "qty", [0, "0", -1, "-1", 1e30, "1e30", "abc", "", "NaN", "Infinity", True]
)
@pytest.mark.parametrize("symbol", ["AAPL", f"SPY{EXPIRY}C00670000"])
def test_quantities_that_are_none(exchange: Exchange, qty: object, symbol: str) -> None:
    answer = exchange.request("POST", "/v2/orders", {**ORDER, "qty": qty, "symbol": symbol})
    refused(answer, 422, 40010001, "qty")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"limit_price": "1.001"}, "sub-penny"),
        ({"limit_price": "1e18"}, "limit_price"),
        ({"limit_price": "-1"}, "limit_price"),
        ({"limit_price": 1e-300}, "limit_price"),
        ({"limit_price": None}, "limit price"),
        ({"symbol": "ZZZZ"}, "not found"),
        ({"symbol": "no such thing at all"}, "not found"),
        ({"symbol": None}, "symbol is required"),
        ({"symbol": f"SPY{EXPIRY}C00000001"}, "not found"),
        ({"symbol": "SPY251120C00600000"}, "not active"),
        ({"symbol": "SPY261399C00600000"}, "not found"),
        ({"side": "hold"}, "side"),
        ({"side": None}, "side is required"),
        ({"type": "stop", "stop_price": "1"}, "stop"),
        ({"type": None}, "type is required"),
        ({"type": "oracle"}, "type"),
        ({"time_in_force": "forever"}, "time_in_force"),
        ({"time_in_force": None}, "time_in_force"),
        ({"order_class": "basket"}, "order_class"),
        ({"order_class": "bracket", "take_profit": {"limit_price": 9}}, "stop_loss"),
        ({"take_profit": {"limit_price": 9}}, "take_profit"),
        ({"order_class": "oto", "stop_loss": {"limit_price": 9}}, "stop_loss.stop_price"),
        ({"extended_hours": True, "time_in_force": "ioc"}, "extended hours"),
        ({"notional": "5"}, "qty or notional"),
        ({"qty": None}, "qty or notional is required"),
        ({"position_intent": "sell_to_close"}, "position intent mismatch"),
        ({"position_intent": "dance"}, "position_intent"),
        ({"client_order_id": "x" * 129}, "client_order_id"),
        ({"client_order_id": "two\nlines"}, "client_order_id"),
    ],
)
def test_a_simple_order_that_cannot_be(
    exchange: Exchange, change: dict[str, Any], text: str
) -> None:
    answer = exchange.request("POST", "/v2/orders", {**ORDER, **change})
    assert answer.status in (403, 422), answer.body
    assert text in answer.body["message"]


BUY, SELL = leg(670, "buy"), leg(672, "sell")


@pytest.mark.parametrize(
    ("order", "status", "text"),
    [
        (mleg(BUY), 422, "between 2 and 4 legs"),
        (mleg(*(leg(660 + n, "buy") for n in range(5))), 422, "between 2 and 4 legs"),
        (mleg(BUY, BUY), 422, "unique"),
        (mleg(BUY, SELL, symbol="SPY"), 422, "symbol is not allowed"),
        (mleg(BUY | {"ratio_qty": 2}, SELL | {"ratio_qty": 2}), 422, "relatively prime"),
        (mleg(BUY | {"ratio_qty": 1.5}, SELL), 422, "ratio_qty"),
        (mleg(BUY | {"ratio_qty": -1}, SELL), 422, "ratio_qty"),
        (mleg(BUY, SELL | {"ratio_qty": 2}), 403, "uncovered"),
        (mleg(leg(670, "sell"), leg(660, "sell", "P")), 403, "uncovered"),
        (mleg(BUY, SELL, limit_price="0.505"), 422, "sub-penny"),
        (mleg(BUY, SELL, qty="1.5"), 422, "whole number"),
        (mleg(BUY, {"symbol": "SPY", "ratio_qty": 1, "side": "sell"}), 422, "option contracts"),
        (mleg(BUY, {"symbol": f"QQQ{EXPIRY}C00600000", "side": "sell"}), 422, "underlying"),
        (mleg(BUY, leg(1, "sell")), 422, "not found"),
        (mleg(BUY, {**SELL, "symbol": "SPY251120C00672000"}), 422, "not active"),
    ],
)
def test_a_multi_leg_order_that_cannot_be(
    exchange: Exchange, order: dict[str, Any], status: int, text: str
) -> None:
    answer = exchange.request("POST", "/v2/orders", order)
    assert (answer.status, text in answer.body["message"]) == (status, True), answer.body


def test_a_short_option_that_nothing_covers(exchange: Exchange) -> None:
    short = {**ORDER, "symbol": f"SPY{EXPIRY}C00670000", "side": "sell", "limit_price": "0.01"}
    refused(exchange.request("POST", "/v2/orders", short), 403, 40310000, "")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"APCA-API-KEY-ID": "PKTEST0000000000"},
        {"APCA-API-KEY-ID": "PKTEST0000000000", "APCA-API-SECRET-KEY": "wrong"},
        {"APCA-API-KEY-ID": "nobody", "APCA-API-SECRET-KEY": ""},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer nobody:nothing"},
    ],
)
def test_wrong_keys(exchange: Exchange, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/v2/account"), ("POST", "/v2/orders"), ("DELETE", "/v2/orders")):
        answer = exchange.request(method, path, headers=headers)
        refused(answer, 401, 40110000, "request is not authorized")
    answer = exchange.request("GET", "/v2/stocks/quotes/latest", headers=headers)
    assert (answer.status, answer.body) == (401, {"message": "unauthorized."})


def test_ids_that_name_nothing(exchange: Exchange) -> None:
    unknown = f"/v2/orders/{uuid.uuid4()}"
    refused(exchange.request("GET", unknown), 404, 40410000, "order not found")
    refused(exchange.request("DELETE", unknown), 404, 40410000, "order not found")
    refused(exchange.request("GET", "/v2/orders/5"), 422, 40010001, "UUID")
    found = exchange.request(
        "GET", "/v2/orders:by_client_order_id", query={"client_order_id": "nobody's"}
    )
    refused(found, 404, 40410000, "order not found")
    for path in ("/v2/positions/AAPL", "/v2/positions/BTC/USD", f"/v2/positions/{uuid.uuid4()}"):
        refused(exchange.request("GET", path), 404, 40410000, "position does not exist")
        refused(exchange.request("DELETE", path), 404, 40410000, "position does not exist")
    refused(exchange.request("GET", "/v2/assets/ZZZZ"), 404, 40410000, "asset not found")
    refused(exchange.request("GET", "/v2/options/contracts/ZZZZ"), 404, 40410000, "not found")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/orders", {"status": "lost"}),
        ("/v2/orders", {"limit": "0"}),
        ("/v2/orders", {"limit": "x"}),
        ("/v2/orders", {"after": "yesterday"}),
        ("/v2/orders", {"before_order_id": str(uuid.uuid4()), "after_order_id": str(uuid.uuid4())}),
        ("/v2/calendar", {"start": "tomorrow"}),
        ("/v2/assets", {"asset_class": "art"}),
        ("/v2/options/contracts", {"page_token": "%%"}),
        ("/v2/options/contracts", {"strike_price_gte": "low"}),
    ],
)
def test_parameters_the_trading_host_refuses(
    exchange: Exchange, path: str, query: dict[str, str]
) -> None:
    answer = exchange.request("GET", path, query=query)
    assert (answer.status, answer.body["code"]) == (422, 40010001)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/stocks/quotes/latest", {}),
        ("/v2/stocks/quotes/latest", {"symbols": "not a symbol"}),
        ("/v2/stocks/bars", {"symbols": "SPY"}),
        ("/v2/stocks/bars", {"symbols": "SPY", "timeframe": "1Fortnight"}),
        ("/v2/stocks/quotes", {"symbols": "SPY", "limit": "10001"}),
        ("/v2/stocks/quotes", {"symbols": "SPY", "page_token": "AAAA"}),
        ("/v1beta1/options/quotes/latest", {"symbols": "SPY"}),
        ("/v1beta1/options/snapshots", {"symbols": ",".join(
            f"SPY{EXPIRY}C{n * 1000:08d}" for n in range(1, 102))}),
        ("/v1beta1/options/snapshots/SPY", {"type": "both"}),
    ],
)  # fmt: skip
def test_parameters_the_data_host_refuses(
    exchange: Exchange, path: str, query: dict[str, str]
) -> None:
    answer = exchange.request("GET", path, query=query)
    assert (answer.status, list(answer.body)) == (400, ["message"])


def test_paths_methods_and_bodies_that_are_not_served(exchange: Exchange) -> None:
    refused(exchange.request("GET", "/v2/nothing"), 404, 40410000, "endpoint not found")
    refused(exchange.request("PUT", "/v2/orders", ORDER), 405, 40510000, "not allowed")
    huge = b'{"symbol":"' + b"A" * 100_000 + b'"}'
    refused(exchange.request("POST", "/v2/orders", huge), 413, 41310000, "too large")
    answer = exchange.request("GET", "/v1beta1/options/snapshots/SPY", query={"feed": "opra"})
    assert (answer.status, answer.body) == (403, {"message": "OPRA agreement is not signed"})


@pytest.mark.parametrize(
    "step", [{}, {"by": -1}, {"by": "x"}, {"to": "2020-01-01T00:00:00Z"}, {"by": 1, "to": "x"},
             {"to": "2026-11-20T15:30:00"}, {"by": 1e12}],
)  # fmt: skip
def test_steps_of_the_clock_that_cannot_be(exchange: Exchange, step: dict[str, Any]) -> None:
    admin = {"Authorization": f"Bearer {exchange.admin_key}"}
    answer = exchange.request("POST", "/admin/clock", step, headers=admin)
    assert answer.status == 422
    stranger = exchange.request("POST", "/admin/clock", {"by": 1}, headers=exchange.headers)
    assert stranger.status == 401
