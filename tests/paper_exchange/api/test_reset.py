"""POST /admin/reset over real sockets: everything as new, a restart later too."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from paper_exchange.app import ClockKind, Options, open_exchange
from tests.exchange import Exchange
from tests.paper_exchange.api.test_orders import send
from tests.paper_exchange.stream.test_order_stream import LISTEN, ask, credentials, hear, stream


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """An exchange apart from the other tests': everyone in it is reset."""
    with Exchange.start(tmp_path_factory.mktemp("exchange")) as found:
        yield found


def reset(exchange: Exchange, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {exchange.admin_key}"}
    answer = exchange.request("POST", "/admin/reset", body, headers=headers)
    assert answer.status == 200, answer.body
    return answer.body


def use(exchange: Exchange) -> dict[str, Any]:
    """Leave traces of every kind; return the order that still works."""
    send(exchange, type="market", qty=2)
    exchange.request("POST", "/v2/watchlists", {"name": "mine", "symbols": ["SPY"]})
    exchange.request("PATCH", "/v2/account/configurations", {"no_shorting": True})
    return send(exchange, limit_price="1", client_order_id="mine")


def is_new(exchange: Exchange, cash: str = "100000") -> bool:
    """Whether nothing is left of an account but its number."""
    activities = exchange.get("/v2/account/activities")
    return (
        exchange.get("/v2/account")["cash"] == cash
        and exchange.get("/v2/account")["last_equity"] == cash
        and exchange.orders() == []
        and exchange.positions() == []
        and exchange.get("/v2/watchlists") == []
        and [entry["activity_type"] for entry in activities] == ["JNLC"]
        and exchange.get("/v2/account/configurations")["no_shorting"] is False
    )


def test_one_account_is_made_new_and_the_others_are_not(exchange: Exchange) -> None:
    one, other = exchange.tenant(5_000), exchange.tenant()
    old, kept = use(one), use(other)
    before = one.get("/v2/account")
    assert len(reset(exchange, account=before["account_number"])["accounts"]) == 1
    assert is_new(one, "5000")
    after = one.get("/v2/account")
    assert (after["id"], after["account_number"]) == (before["id"], before["account_number"])
    assert one.request("GET", f"/v2/orders/{old['id']}").status == 404
    assert other.get(f"/v2/orders/{kept['id']}")["status"] == "new"
    assert send(one, limit_price="1", client_order_id="mine")["status"] == "pending_new"


def test_all_are_made_new_and_stay_so_after_a_kill(exchange: Exchange) -> None:
    one = exchange.tenant()
    use(one)
    use(exchange)
    assert len(reset(exchange)["accounts"]) >= 2
    assert is_new(one)
    exchange.kill9()
    exchange.launch()
    assert is_new(exchange)
    used = send(exchange, limit_price="1")
    exchange.kill9()
    exchange.launch()
    assert [order["id"] for order in exchange.orders()] == [used["id"]]


def test_other_cash_may_be_given(exchange: Exchange) -> None:
    one = exchange.tenant()
    use(one)
    number = one.get("/v2/account")["account_number"]
    reset(exchange, account=number, cash="2500.50")
    assert is_new(one, "2500.5")
    reset(exchange)
    assert is_new(one, "2500.5")


def test_who_listens_is_told_that_orders_are_canceled(exchange: Exchange) -> None:
    one = exchange.tenant()
    order = send(one, limit_price="1")
    with stream(one) as socket:
        ask(socket, credentials(one))
        ask(socket, LISTEN)
        reset(exchange, account=one.get("/v2/account")["account_number"])
        told = hear(socket)["data"]
        assert (told["event"], told["order"]["id"]) == ("canceled", order["id"])
        again = send(one, limit_price="1")
        assert hear(socket)["data"]["order"]["id"] == again["id"]


def test_the_clock_goes_back_and_the_day_is_lived_again(exchange: Exchange) -> None:
    reset(exchange, clock=True)
    began = exchange.now()
    use(exchange)
    exchange.step(timedelta(days=3))
    assert exchange.now() > began + timedelta(days=2)
    told = reset(exchange, clock=True)
    assert exchange.now() == began
    assert datetime.fromisoformat(told["timestamp"]) == began
    assert is_new(exchange)
    order = send(exchange, limit_price="1")
    exchange.kill9()
    exchange.launch()
    assert exchange.now() == began
    exchange.step(timedelta(hours=8))
    assert exchange.get(f"/v2/orders/{order['id']}")["status"] == "expired"
    assert exchange.get("/v2/account")["balance_asof"] == f"{began:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"account": str(uuid.UUID(int=1))}, 404, "account not found"),
        ({"cash": "-1"}, 422, "cash must be"),
        ({"cash": "0.001"}, 422, "cash must be"),
        ({"clock": True, "account": "x"}, 422, "give no account"),
        ({"everything": True}, 422, "invalid reset"),
        ([], 422, "invalid reset"),
    ],
)
def test_what_cannot_be_reset_is_refused(
    exchange: Exchange, body: object, status: int, text: str
) -> None:
    order = send(exchange, limit_price="1")
    headers = {"Authorization": f"Bearer {exchange.admin_key}"}
    answer = exchange.request("POST", "/admin/reset", body, headers=headers)
    assert (answer.status, text in answer.body["message"]) == (status, True), answer.body
    assert exchange.get(f"/v2/orders/{order['id']}")["status"] == "new"


def test_only_the_admin_may(exchange: Exchange) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    assert exchange.request("POST", "/admin/reset", {}).status == 401
    assert exchange.request("POST", "/admin/reset", {}, headers=wrong).status == 401


async def test_without_an_admin_key_nothing_of_the_kind_is_there() -> None:
    options = Options(
        database="sqlite://", api_key="PKTEST0000000000", secret_key="s" * 32,
        clock=ClockKind.STEPPED,
    )  # fmt: skip
    async with asyncio.timeout(60), open_exchange(options) as app:
        assert isinstance(app, Starlette)
        paths = [getattr(route, "path", "") for route in app.routes]
        assert "/health" in paths
        assert not [path for path in paths if path.startswith("/admin")]
