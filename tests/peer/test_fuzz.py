"""What no client would send is refused in Alpaca's shape, and nothing is lost by it."""

from __future__ import annotations

from pathlib import Path

from tests.exchange import Exchange
from tests.peer.conftest import Show
from tests.peer.fuzz import fuzz

SECONDS = 10  # for each document; make fuzz takes its time


def test_schemathesis_finds_no_server_error(
    peer: Path, exchange: Exchange, tmp_path: Path, show: Show
) -> None:
    resting = {"symbol": "QQQ", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1"}
    bystander = exchange.tenant()
    mine = bystander.request("POST", "/v2/orders", {**resting, "time_in_force": "day"}).body["id"]
    found = fuzz(exchange, tmp_path, examples=2, seed=7, seconds=SECONDS)
    show([(one.document, "ok" if one.passed else "no", one.cases) for one in found])
    assert [one.report[-4000:] for one in found if not one.passed] == []
    assert exchange.get("/health")["status"] == "ok"
    assert [order["id"] for order in bystander.orders("open")] == [mine]
