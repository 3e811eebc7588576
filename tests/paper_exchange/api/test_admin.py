"""The admin's clock control and state dump, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.exchange import Exchange
from tests.paper_exchange.api.test_orders import send


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    folder = tmp_path_factory.mktemp("exchange")
    with Exchange.start(folder, clock="demo", at="10:05") as found:
        yield found


def admin(exchange: Exchange, method: str, path: str, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {exchange.admin_key}"}
    answer = exchange.request(method, path, body, headers=headers)
    assert answer.status == 200, answer.body
    return answer.body


def now(exchange: Exchange) -> datetime:
    return datetime.fromisoformat(exchange.request("GET", "/health").body["clock"])


def test_a_paused_clock_stands_and_is_jumped(demo: Exchange) -> None:
    paused = admin(demo, "POST", "/admin/clock/pause")
    assert paused["rate"] == 0
    at = datetime.fromisoformat(paused["timestamp"])
    assert now(demo) == now(demo) == at
    assert demo.step(timedelta(minutes=30)) == at + timedelta(minutes=30) == now(demo)


def test_it_plays_on_at_the_speed_it_is_given(demo: Exchange) -> None:
    admin(demo, "POST", "/admin/clock/speed", {"rate": 600})
    admin(demo, "POST", "/admin/clock/pause")
    before = now(demo)
    assert admin(demo, "POST", "/admin/clock/play")["rate"] == 600
    deadline = time.monotonic() + 20
    while now(demo) < before + timedelta(seconds=30):
        assert time.monotonic() < deadline
    assert admin(demo, "POST", "/admin/clock/speed", {"rate": 1})["rate"] == 1


def test_a_pause_survives_a_restart(demo: Exchange) -> None:
    at = datetime.fromisoformat(admin(demo, "POST", "/admin/clock/pause")["timestamp"])
    demo.kill9()
    demo.launch()
    assert now(demo) == at
    assert admin(demo, "POST", "/admin/clock/play")["rate"] == 1


def test_a_jump_lives_through_what_lies_between(demo: Exchange) -> None:
    """An order whose day passes on the way has expired on arrival."""
    order = send(demo, limit_price="1")
    demo.step(timedelta(hours=7))
    assert demo.request("GET", f"/v2/orders/{order['id']}").body["status"] == "expired"


@pytest.mark.parametrize("rate", [0, -1, 1e9, "fast", None])
def test_no_speed_that_is_none(demo: Exchange, rate: object) -> None:
    headers = {"Authorization": f"Bearer {demo.admin_key}"}
    answer = demo.request("POST", "/admin/clock/speed", {"rate": rate}, headers=headers)
    assert answer.status == 422


def test_only_the_admin_may(demo: Exchange) -> None:
    for method, path in (
        ("POST", "/admin/clock/pause"),
        ("POST", "/admin/clock/play"),
        ("POST", "/admin/clock/speed"),
        ("GET", "/admin/state"),
    ):
        assert demo.request(method, path).status == 401


def test_a_stepped_clock_is_not_played(exchange: Exchange) -> None:
    headers = {"Authorization": f"Bearer {exchange.admin_key}"}
    assert exchange.request("POST", "/admin/clock/play", headers=headers).status == 404


def test_the_dump_shows_orders_positions_and_a_ledger_that_balances(demo: Exchange) -> None:
    order = send(demo, type="market")
    deadline = time.monotonic() + 20
    while demo.request("GET", f"/v2/orders/{order['id']}").body["status"] != "filled":
        assert time.monotonic() < deadline
    resting = send(demo, limit_price="1")
    [shown] = admin(demo, "GET", "/admin/state")["accounts"]
    assert sum(map(Decimal, shown["ledger"].values())) == 0
    assert Decimal(shown["ledger"]["funding"]) == -100_000
    [held] = [p for p in shown["positions"] if p["symbol"] == "AAPL"]
    assert Decimal(held["cost"]) == Decimal(shown["ledger"]["positions"])
    statuses = {o["id"]: o["status"] for o in shown["orders"]}
    assert statuses[order["id"]] == "filled"
    assert statuses[resting["id"]] == "new"
    assert shown["working"] == [resting["id"]]
