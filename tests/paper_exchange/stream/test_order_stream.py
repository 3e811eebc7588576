"""/stream over a real socket: how to come in, what is told, and to whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.exchange import Exchange
from tests.paper_exchange.api.test_orders import send

PATIENCE = 20.0
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}


@contextmanager
def stream(exchange: Exchange, **headers: str) -> Iterator[ClientConnection]:
    with connect(exchange.websocket_url + "/stream", additional_headers=headers) as socket:
        yield socket


def ask(socket: ClientConnection, message: Any) -> Any:
    socket.send(message if isinstance(message, bytes) else json.dumps(message))
    return hear(socket)


def hear(socket: ClientConnection) -> Any:
    data = socket.recv(PATIENCE)
    assert isinstance(data, bytes), "the paper host sends binary frames"
    return json.loads(data)


def authorized(status: str, action: str = "authenticate") -> dict[str, Any]:
    return {"stream": "authorization", "data": {"action": action, "status": status}}


def credentials(exchange: Exchange) -> dict[str, Any]:
    data = {"key_id": exchange.key, "secret_key": exchange.secret}
    return {"action": "authenticate", "data": data}


def ended(socket: ClientConnection) -> bool:
    with pytest.raises(ConnectionClosed):
        socket.recv(PATIENCE)
    return True


def test_both_forms_of_credentials_let_in(exchange: Exchange) -> None:
    for message in (
        credentials(exchange),
        {"action": "auth", "key": exchange.key, "secret": exchange.secret},
    ):
        with stream(exchange) as socket:
            assert ask(socket, message) == authorized("authorized")
            assert ask(socket, LISTEN) == {
                "stream": "listening",
                "data": {"streams": ["trade_updates"]},
            }


def test_listening_first_is_refused_and_then_allowed(exchange: Exchange) -> None:
    with stream(exchange) as socket:
        assert ask(socket, LISTEN) == authorized("unauthorized", "listen")
        assert ask(socket, credentials(exchange)) == authorized("authorized")


def test_wrong_keys_are_told_so_and_let_go(exchange: Exchange) -> None:
    wrong = credentials(exchange) | {"data": {"key_id": exchange.key, "secret_key": "wrong"}}
    with stream(exchange) as socket:
        assert ask(socket, wrong) == authorized("unauthorized")
        assert ended(socket)


@pytest.mark.parametrize(
    "message", [b"{", b"\xff", b"[]", b"null", {"action": "dance"}, {"action": "listen", "data": 5}]
)
def test_nonsense_ends_the_connection_with_a_reason(exchange: Exchange, message: Any) -> None:
    with stream(exchange, **exchange.headers) as socket:
        answer = ask(socket, message)
        assert answer["action"] == "error"
        assert answer["data"]["error_message"]
        assert ended(socket)
    assert exchange.get("/health")["status"] == "ok"


def test_every_event_of_an_order_is_told_in_order_to_its_owner_alone(exchange: Exchange) -> None:
    owner, other = exchange.tenant(), exchange.tenant()
    with stream(exchange, **owner.headers) as mine, stream(exchange, **other.headers) as theirs:
        ask(mine, LISTEN)
        ask(theirs, LISTEN)
        bought = send(owner, symbol="AAPL", qty=2, type="market")
        new, fill = hear(mine)["data"], hear(mine)["data"]
        assert [new["event"], fill["event"]] == ["new", "fill"]
        assert new["event_id"] < fill["event_id"]
        assert new["order"]["id"] == fill["order"]["id"] == bought["id"]
        assert fill["order"]["status"] == "filled"
        assert (fill["qty"], fill["position_qty"]) == ("2", "2")
        assert fill["price"] == fill["order"]["filled_avg_price"]
        resting = send(owner)
        owner.request("DELETE", f"/v2/orders/{resting['id']}")
        assert [hear(mine)["data"]["event"] for _ in range(2)] == ["new", "canceled"]
        ended_here = send(other)
        first = hear(theirs)["data"]
        assert first["order"]["id"] == ended_here["id"], "nothing of the owner's was told"
        assert first["timestamp"] == first["at"]


def test_a_multi_leg_fill_tells_its_legs(exchange: Exchange) -> None:
    owner = exchange.tenant()
    chain = exchange.get(
        "/v2/options/contracts", underlying_symbols="SPY", type="call", limit=1000
    )["option_contracts"]
    spot = exchange.get("/v2/stocks/SPY/quotes/latest")["quote"]["bp"]
    today = [c for c in chain if c["expiration_date"] == chain[0]["expiration_date"]]
    near = min(range(len(today)), key=lambda n: abs(float(today[n]["strike_price"]) - spot))
    low, high = (today[near + n]["symbol"] for n in (0, 3))
    legs = [
        {"symbol": low, "ratio_qty": 1, "side": "buy"},
        {"symbol": high, "ratio_qty": 1, "side": "sell"},
    ]
    with stream(exchange, **owner.headers) as socket:
        ask(socket, LISTEN)
        send(
            owner, order_class="mleg", symbol=None, side=None, qty=3, legs=legs, limit_price="3.00"
        )
        assert hear(socket)["data"]["event"] == "new"
        fill = hear(socket)["data"]
    assert fill["position_qtys"] == {low: "3", high: "-3"}
    assert [leg["symbol"] for leg in fill["legs"]] == [low, high]
    net = float(fill["legs"][0]["price"]) - float(fill["legs"][1]["price"])
    assert float(fill["price"]) == pytest.approx(net)
    assert [leg["id"] for leg in fill["order"]["legs"]] == [leg["order_id"] for leg in fill["legs"]]
    assert fill["order"]["symbol"] == fill["order"]["asset_class"] == ""


def test_not_listening_is_not_told(exchange: Exchange) -> None:
    owner = exchange.tenant()
    with stream(exchange, **owner.headers) as socket:
        ask(socket, LISTEN)
        assert ask(socket, {"action": "listen", "data": {"streams": []}})["data"]["streams"] == []
        send(owner)
        ask(socket, LISTEN)
        later = send(owner)
        assert hear(socket)["data"]["order"]["id"] == later["id"]
