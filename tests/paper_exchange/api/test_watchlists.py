"""Watchlists: by id and by name, an account's own, and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.exchange import Exchange

PATH = "/v2/watchlists"


@pytest.fixture
def trader(exchange: Exchange) -> Exchange:
    return exchange.tenant()


def create(exchange: Exchange, name: str, *symbols: str) -> Any:
    answer = exchange.request("POST", PATH, {"name": name, "symbols": list(symbols)})
    assert answer.status == 200, answer.body
    return answer.body


def names(watchlist: Any) -> list[str]:
    return [asset["symbol"] for asset in watchlist["assets"]]


def test_a_list_lives_its_life_by_id_and_by_name(trader: Exchange) -> None:
    made = create(trader, "mine", "SPY", "BTCUSD")
    assert names(made) == ["SPY", "BTC/USD"]
    one, named = f"{PATH}/{made['id']}", f"{PATH}:by_name?name=mine"
    assert trader.get(one) == trader.get(f"{PATH}:by_name", name="mine")
    assert names(trader.request("POST", one, {"symbol": "aapl"}).body)[-1] == "AAPL"
    assert names(trader.request("POST", named, {"symbol": "SPY"}).body).count("SPY") == 1
    assert names(trader.request("DELETE", f"{one}/BTC/USD").body) == ["SPY", "AAPL"]
    assert trader.request("DELETE", f"{one}/QQQ").status == 404
    renamed = trader.request("PUT", one, {"name": "ours"}).body
    assert (renamed["name"], names(renamed)) == ("ours", ["SPY", "AAPL"])
    assert trader.request("GET", named).status == 404
    assert "assets" not in trader.get(PATH)[0]
    assert trader.request("DELETE", one).status == 204
    assert trader.get(PATH) == []


def test_names_are_an_accounts_own_and_told_apart(trader: Exchange, exchange: Exchange) -> None:
    made = create(trader, "mine")
    stranger = exchange.tenant()
    assert stranger.get(PATH) == []
    assert stranger.request("GET", f"{PATH}/{made['id']}").status == 404
    create(stranger, "mine")
    other = create(trader, "other")
    again = trader.request("POST", PATH, {"name": "mine"})
    assert (again.status, again.body["message"]) == (422, "watchlist name must be unique")
    assert trader.request("PUT", f"{PATH}/{other['id']}", {"name": "mine"}).status == 422


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "x" * 65}, {"name": "x", "symbols": ["XYZZY"]}, {"name": 1}, []],
)
def test_a_bad_list_is_refused(trader: Exchange, body: object) -> None:
    answer = trader.request("POST", PATH, body)
    assert (answer.status, set(answer.body)) == (422, {"code", "message"})
    assert trader.get(PATH) == []


def test_what_is_not_there_is_not_found(trader: Exchange) -> None:
    gone = f"{PATH}/{uuid4()}"
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        assert trader.request(method, gone, body).status == 404
    assert trader.request("GET", f"{PATH}/nothing").status == 422


def test_lists_survive_a_power_cut(tmp_path: Path) -> None:
    with Exchange.start(tmp_path) as exchange:
        made = create(exchange, "kept", "SPY")
        exchange.kill9()
        exchange.launch()
        assert exchange.get(f"{PATH}/{made['id']}") == made
