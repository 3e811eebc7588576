"""The data host's own rules: pages, directions, limits, and shapes as they were recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.exchange import ROOT, Exchange

RECORDED = ROOT.parent / "shared" / "data" / "alpaca_captured"


def pages(exchange: Exchange, path: str, key: str, **query: object) -> list[Any]:
    """Return every page of a listing, each as its body under a key."""
    found = []
    while True:
        body = exchange.get(path, **query)
        found.append(body[key])
        if body["next_page_token"] is None:
            return found
        query["page_token"] = body["next_page_token"]


WINDOW = {"start": "2026-11-20T15:00:00Z", "end": "2026-11-20T15:00:20Z"}


@pytest.mark.parametrize("kind", ["quotes", "trades"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_join_without_gaps_in_either_direction(
    exchange: Exchange, kind: str, sort: str
) -> None:
    query = {"symbols": "SPY,AAPL", "sort": sort, **WINDOW}
    path = f"/v2/stocks/{kind}"
    (whole,) = pages(exchange, path, kind, limit=10_000, **query)
    parts = pages(exchange, path, kind, limit=7, **query)
    assert len(parts) > 2
    for symbol in ("AAPL", "SPY"):
        joined = [item for part in parts for item in part.get(symbol, [])]
        assert joined == whole[symbol]
        times = [item["t"] for item in joined]
        assert times == sorted(times, reverse=sort == "desc")
    assert all(sum(map(len, part.values())) <= 7 for part in parts)


def test_both_directions_tell_the_same(exchange: Exchange) -> None:
    for path, key, more in (
        ("/v2/stocks/SPY/quotes", "quotes", WINDOW),
        ("/v2/stocks/SPY/bars", "bars", {"timeframe": "5Min", "start": "2026-11-19"}),
        ("/v2/stocks/SPY/bars", "bars", {"timeframe": "1Day", "start": "2026-11-10"}),
        ("/v1beta3/crypto/us/trades", "trades", {"symbols": "BTC/USD", **WINDOW}),
    ):
        up = exchange.get(path, limit=10_000, **more)[key]
        down = exchange.get(path, limit=10_000, sort="desc", **more)[key]
        if isinstance(up, dict):
            up, down = up["BTC/USD"], down["BTC/USD"]
        assert up
        assert up == down[::-1]


def test_nothing_is_told_of_the_future(exchange: Exchange) -> None:
    now = exchange.get("/v2/clock")["timestamp"]
    body = exchange.get("/v2/stocks/SPY/quotes", start=now, end="2026-11-21", limit=10_000)
    assert len(body["quotes"]) <= 1
    bars = exchange.get("/v2/stocks/SPY/bars", timeframe="1Min", end="2027-01-01")["bars"]
    assert bars[-1]["t"] < exchange.get("/health")["clock"]


def test_a_chain_in_pages_is_the_chain(exchange: Exchange) -> None:
    path, query = "/v1beta1/options/snapshots/SPY", {"expiration_date": "2026-11-20"}
    (whole,) = pages(exchange, path, "snapshots", limit=1000, **query)
    parts = pages(exchange, path, "snapshots", limit=150, **query)
    assert [symbol for part in parts for symbol in part] == list(whole)
    assert list(whole) == sorted(whole)
    assert all("greeks" not in found for found in whole.values())


def test_contracts_have_filters_and_a_default_expiry(exchange: Exchange) -> None:
    def listed(**query: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = exchange.get(
            "/v2/options/contracts", underlying_symbols="SPY", limit=10_000, **query
        )["option_contracts"]
        return found

    assert {contract["expiration_date"] for contract in listed()} == {"2026-11-20"}
    assert len({c["expiration_date"] for c in listed(expiration_date_gte="2026-11-20")}) == 5
    some = listed(type="put", strike_price_gte="660", strike_price_lte="662")
    assert {(c["type"], c["strike_price"]) for c in some} == {
        ("put", "660"),
        ("put", "661"),
        ("put", "662"),
    }
    assert listed(status="inactive") == []


def shape(value: Any) -> Any:
    """Return the keys and JSON kinds of a value; numbers are one kind, lists show their first."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return (
        "number"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else type(value).__name__
    )


def recorded(name: str) -> Any:
    path = RECORDED / name
    if not path.exists():
        pytest.skip("recorded data absent")
    return json.loads(path.read_text())["body"]


def test_stock_snapshots_have_the_recorded_shape(exchange: Exchange) -> None:
    theirs = recorded("stock_snapshots.json")["AAPL"]
    ours = exchange.get("/v2/stocks/snapshots", symbols="AAPL")["AAPL"]
    assert shape(ours) == shape(theirs)


def test_option_snapshots_have_the_recorded_shape(exchange: Exchange) -> None:
    theirs = next(iter(recorded("option_chain_nvda_20261016_calls.json")["snapshots"].values()))
    chain = exchange.get("/v1beta1/options/snapshots/NVDA", type="call", limit=1000)["snapshots"]
    whole = [found for found in chain.values() if {"greeks", "latestTrade"} <= set(found)]
    assert whole
    bars = {"dailyBar", "minuteBar", "prevDailyBar"}  # any of a snapshot's parts may be missing
    assert shape(whole[0]) == {k: v for k, v in shape(theirs).items() if k not in bars}


def test_the_account_has_the_recorded_shape(exchange: Exchange) -> None:
    assert shape(exchange.get("/v2/account")) == shape(recorded("account.json"))


def test_contracts_have_the_recorded_shape(exchange: Exchange) -> None:
    theirs = recorded("option_contracts_deliverables_trimmed.json")["option_contracts"][0]
    ours = exchange.get("/v2/options/contracts", limit=1)["option_contracts"][0]
    assert set(ours) == set(theirs) - {"deliverables"}


def test_orders_and_positions_have_the_recorded_shape(exchange: Exchange) -> None:
    from tests.paper_exchange.api.test_orders import send

    trader = exchange.tenant()
    chain = trader.get("/v2/options/contracts", underlying_symbols="SPY", type="call", limit=1000)
    spot = trader.get("/v2/stocks/SPY/trades/latest")["trade"]["p"]
    near = [one for one in chain["option_contracts"] if float(one["strike_price"]) > spot]
    low, high = near[0]["symbol"], near[2]["symbol"]
    spread = send(
        trader, order_class="mleg", symbol=None, side=None, type="market",
        legs=[{"symbol": low, "side": "buy"}, {"symbol": high, "side": "sell"}],
    )  # fmt: skip
    single = send(trader, symbol=low, type="market")
    mleg, simple = recorded("orders_nested_trimmed.json")[:2]
    ours = trader.get(f"/v2/orders/{spread['id']}")
    assert shape(ours) == shape(mleg)
    assert shape(trader.get(f"/v2/orders/{single['id']}")) == shape(simple)
    for name in ("symbol", "side", "asset_class", "order_class", "order_type", "type"):
        assert ours[name] == mleg[name]
    assert ours["expires_at"].endswith("T21:15:00Z"), "options on SPY trade to 16:15"
    position = trader.positions()[0]
    theirs = recorded("positions.json")[0]
    assert set(position) == set(theirs)
