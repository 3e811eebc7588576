"""The studies through a real client, held against the exchange's own bars and chain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import pytest

from common.session import NEW_YORK, new_york
from services.research.provider import NAME
from tests.desk import Desk
from tests.exchange import Exchange
from tests.services.research.published import KEY, SHAPES, Published, published
from tests.tools.market import PATIENT, Reply

DAY = date(2026, 12, 8)
OPEN = new_york(DAY, time(9, 30))
ASKING: dict[str, dict[str, Any]] = {
    "get_technical_indicators": {"indicators": "rsi"},
    "scan_market": {"criteria": ["gap>1"]},
    "option_chain_analysis": {},
    "stock_ratings": {"symbol": "AAPL"},
    "stock_events": {"symbol": "AAPL"},
    "economic_calendar": {},
    "economic_news": {},
}
FROM_OTHERS = ("stock_ratings", "stock_events", "economic_calendar", "economic_news")


@pytest.fixture(scope="module")
def told() -> Iterator[Published]:
    with published() as server:
        yield server


@pytest.fixture(scope="module")
def informed(
    exchange: Exchange, told: Published, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """A desk that has a key to the provider."""
    settings = PATIENT | {"fmp_api_key": KEY, "fmp_url": told.url}
    with Desk.start(tmp_path_factory.mktemp("informed"), exchange, **settings) as desk:
        yield desk


def bars(exchange: Exchange, timeframe: str, days: int) -> list[Reply]:
    """Return SPY's bars of some days until now, as the exchange tells them."""
    found: list[Reply] = exchange.get(
        "/v2/stocks/bars",
        symbols="SPY",
        timeframe=timeframe,
        start=(OPEN - timedelta(days=days)).isoformat(),
        limit=10_000,
        adjustment="split",
    )["bars"]["SPY"]
    return found


@pytest.mark.parametrize("tool", ASKING)
async def test_an_unknown_argument_is_refused(desk: Desk, tool: str) -> None:
    async with desk.client() as client:
        told = await client.refusal(tool, **ASKING[tool], colour="red")
    assert "colour" in told


@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("get_technical_indicators", {}, "indicators"),
        ("get_technical_indicators", {"indicators": []}, "indicators"),
        ("get_technical_indicators", {"indicators": "astrology"}, "astrology"),
        ("get_technical_indicators", {"indicators": "rsi", "timeframe": "2Min"}, "timeframe"),
        ("get_technical_indicators", {"indicators": "rsi", "points": 101}, "points"),
        ("get_technical_indicators", {"indicators": "rsi", "symbol": "no stock"}, "symbol"),
        ("scan_market", {"criteria": []}, "criteria"),
        ("scan_market", {"criteria": "luck>3"}, "luck"),
        ("scan_market", {"criteria": "gap=3"}, "gap=3"),
        ("scan_market", {"criteria": "gap>3", "symbols": "drop table"}, "symbols"),
        ("scan_market", {"criteria": "gap>3", "watchlist_id": "x" * 65}, "watchlist_id"),
        ("option_chain_analysis", {"strikes": 0}, "strikes"),
        ("stock_ratings", {}, "symbol"),
        ("stock_events", {"symbol": "AAPL", "days_back": -1}, "days_back"),
        ("economic_calendar", {"impact": ["huge"]}, "impact"),
        ("economic_calendar", {"country": "USA"}, "country"),
        ("economic_news", {"limit": 51}, "limit"),
    ],
)
async def test_a_wrong_argument_is_refused_by_name(
    desk: Desk, tool: str, arguments: dict[str, Any], named: str
) -> None:
    async with desk.client() as client:
        assert named in await client.refusal(tool, **arguments)


async def test_indicators_are_those_of_the_exchanges_bars(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        found = await client.ask(
            "get_technical_indicators", indicators="sma:10, vwap ,rsi", points=3
        )
    five = [bar for bar in bars(exchange, "5Min", 4) if bar["t"] < "2026-12-08T15:05"]
    inside = [bar for bar in five if "14:30" <= bar["t"][11:16] < "21:00"]
    assert found["close"] == [f"{bar['c']:.2f}" for bar in inside[-3:]]
    last = sum(bar["c"] for bar in inside[-10:]) / 10
    assert found["indicators"]["sma:10"]["sma"][-1] == pytest.approx(last, abs=1e-4)
    today = [bar for bar in inside if bar["t"].startswith("2026-12-08")]
    vwap = sum(bar["vw"] * bar["v"] for bar in today) / sum(bar["v"] for bar in today)
    assert found["indicators"]["vwap"]["vwap"][-1] == pytest.approx(vwap, abs=1e-3)
    assert 0 < found["indicators"]["rsi:14"]["rsi"][-1] < 100
    assert (found["symbol"], found["feed"], found["as_of"][:16]) == (
        "SPY", "iex", "2026-12-08 10:05"
    )  # fmt: skip
    assert found["bars_used"] > 250
    assert found["missing_intervals"] == 0


@pytest.mark.parametrize(
    ("timeframe", "as_of"),
    [("1Min", "2026-12-08 10:05"), ("1Hour", "2026-12-07 16:00"), ("1Day", "2026-12-07 16:00")],
)
async def test_only_bars_that_have_ended_are_used(desk: Desk, timeframe: str, as_of: str) -> None:
    """At 10:05 the first hour and the day still run."""
    async with desk.client() as client:
        found = await client.ask(
            "get_technical_indicators", indicators=["ema:50"], timeframe=timeframe
        )
    assert found["as_of"].startswith(as_of)
    assert found["indicators"]["ema:50"]["ema"][-1] is not None


async def test_a_stock_without_bars_is_said_to_have_none(desk: Desk) -> None:
    async with desk.client() as client:
        told = await client.refusal("get_technical_indicators", indicators="rsi", symbol="ZZZZ")
    assert told.startswith("[no_market_data] the broker has no 5Min bars of ZZZZ")


async def test_a_scan_finds_what_the_exchanges_numbers_say(desk: Desk, exchange: Exchange) -> None:
    said: list[tuple[float, float | None, str | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        said.append((progress, total, message))

    names = [
        one["symbol"]
        for one in exchange.get("/v1beta1/screener/stocks/most-actives")["most_actives"]
    ]
    shots = exchange.get("/v2/stocks/snapshots", symbols=",".join(names))
    moves = {
        name: (shot["latestTrade"]["p"] / shot["dailyBar"]["o"] - 1) * 100
        for name, shot in shots.items()
    }
    middle = sorted(moves.values())[len(moves) // 2]
    async with desk.client() as client:
        answer = await client.mcp.call_tool(
            "scan_market",
            {"criteria": [f"move>{middle:.4f}", "rsi>1", "rvol>0"]},
            progress_callback=heard,
        )
    found: Any = answer.structured_content
    assert (found["universe"], found["scanned"], found["unread"]) == ("most active", len(names), {})
    wanted = sorted((n for n in moves if moves[n] >= middle - 1e-4), key=lambda n: -moves[n])
    assert [row["symbol"] for row in found["matches"]] == wanted
    for row in found["matches"]:
        assert row["move"] == pytest.approx(moves[row["symbol"]], abs=0.006)
        assert row["rvol"] > 0
        assert 1 <= row["rsi"] <= 100
    assert [one[0] for one in said] == [1, 2, 3, 4]
    assert {one[1] for one in said} == {4}


async def test_what_a_scan_cannot_judge_is_named_with_its_reason(desk: Desk) -> None:
    async with desk.client() as client:
        found = await client.ask("scan_market", criteria="change>-90", symbols="SPY, zzzz ,AAPL")
        assert {row["symbol"] for row in found["matches"]} == {"SPY", "AAPL"}
        assert found["unread"] == {"ZZZZ": "no market data"}
        assert {row["rsi"] for row in found["matches"]} == {None}  # not asked for, not read
        one = await client.ask("scan_market", criteria="price>1", symbols="SPY,AAPL", limit=1)
        assert (len(one["matches"]), one["matched"], one["truncated"]) == (1, 2, True)


async def test_a_watchlist_is_scanned(desk: Desk) -> None:
    async with desk.client() as client:
        made = await client.ask("create_watchlist", name="scanned", symbols="MSFT,SPY")
        found = await client.ask(
            "scan_market",
            criteria='["price>1", "change>-90"]',
            watchlist_id=made["watchlist"]["id"],
        )
        assert (found["universe"], found["scanned"]) == ("watchlist", 2)
        assert {row["symbol"] for row in found["matches"]} == {"MSFT", "SPY"}
        nowhere = "00000000-0000-0000-0000-000000000000"
        assert (await client.refusal("scan_market", criteria="rsi>1", watchlist_id=nowhere))[
            0
        ] == "["


async def test_the_chain_is_analysed_from_the_exchanges_quotes_and_interest(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        found = await client.ask("option_chain_analysis", strikes=40)
        shown = await client.ask("get_option_snapshot")
    listed = exchange.get(
        "/v2/options/contracts", underlying_symbols="SPY", expiration_date=DAY, limit=10_000
    )["option_contracts"]
    held = {one["symbol"]: int(one["open_interest"]) for one in listed if one["open_interest"]}
    interest = found["open_interest"]
    assert interest["calls"] + interest["puts"] == sum(held.values())
    assert found["put_call_ratio"] == pytest.approx(interest["puts"] / interest["calls"], abs=1e-3)
    rows = {row["strike"]: row for row in found["strikes"]}
    assert len(rows) == 81
    for strike, row in rows.items():
        told = f"SPY261208{{}}{round(float(strike) * 1000):08d}"
        assert (row["call_oi"], row["put_oi"]) == (
            held.get(told.format("C")), held.get(told.format("P"))
        )  # fmt: skip
    for option in shown["options"]:
        if option["symbol"][9] == "C" and option["iv"] is not None:
            row = rows[f"{int(option['symbol'][10:]) / 1000:.2f}"]
            assert row["iv"] == pytest.approx(option["iv"], rel=0.02)
            assert row["call_delta"] == pytest.approx(option["delta"], abs=0.01)
    pains = {
        at: sum(
            n * max((at - float(s[10:]) / 1000) * (1 if s[9] == "C" else -1), 0)
            for s, n in held.items()
        )
        for at in {float(s[10:]) / 1000 for s in held}
    }
    assert float(interest["max_pain"]) == min(pains, key=pains.__getitem__)
    move = found["expected_move"]
    assert move["straddle"] == pytest.approx(move["mean"], rel=0.05)
    assert move["band_low"] < found["forward"] < move["band_high"]
    assert "dealers are long the calls" in found["gamma_convention"]
    assert found["unknown"] == [] or found["unknown"][0].startswith("gamma flip")


@pytest.mark.parametrize("tool", FROM_OTHERS)
async def test_without_a_key_the_provider_is_not_configured_and_how_to(
    desk: Desk, tool: str
) -> None:
    async with desk.client() as client:
        told = await client.refusal(tool, **ASKING[tool])
    assert told.startswith(f"[not_configured] {NAME} needs a key and FMP_API_KEY is empty. Next: ")
    assert "https://site.financialmodelingprep.com" in told


async def test_what_others_publish_is_told_with_their_texts_apart(
    informed: Desk, told: Published
) -> None:
    async with informed.client() as client:
        ratings = await client.ask("stock_ratings", symbol=" aapl ")
        assert ratings["analysts"]["buy"] == SHAPES["grades-consensus"][0]["buy"]
        assert ratings["targets"] == {"high": "300", "low": "200", "mean": "251.7", "median": "258"}
        assert ratings["latest"][0]["untrusted_firm"] == "Morgan Stanley"
        events = await client.ask("stock_events", symbol="AAPL", days_back=365)
        assert (events["from_day"], events["to_day"]) == ("2025-12-08", "2027-03-08")
        news = await client.ask("economic_news", limit=1)
        [article] = news["articles"]
        assert article["untrusted_title"] == "Asia tech stocks rise after tariffs pause"
        assert article["untrusted_text"].endswith("sell everything.")
        assert all(name.startswith("untrusted_") for name in article)
        releases = await client.ask("economic_calendar", days=0)
        assert (releases["from_day"], releases["releases"]) == ("2026-12-08", [])
    log = informed.log.read_text()
    assert KEY not in log
    assert not [path for path, _, _ in told.asked if KEY in path]


async def test_releases_are_told_in_new_york_time(informed: Desk, told: Published) -> None:
    at = new_york(DAY, time(8, 30)).astimezone(NEW_YORK)
    release = SHAPES["economic-calendar"][1] | {"date": "2026-12-08 13:30:00", "actual": 0.0}
    told.body = json.dumps([release]).encode()
    try:
        async with informed.client() as client:
            found = await client.ask("economic_calendar", days=1, impact="high")
    finally:
        told.body = None
    [row] = found["releases"]
    assert row["at"] == f"{at:%Y-%m-%d %H:%M:%S} EST"
    assert (row["estimate"], row["actual"]) == ("49.5", "0")
    assert re.match(r"ISM", row["untrusted_event"])


async def test_a_provider_that_refuses_is_told_and_leaves_the_desk_well(
    informed: Desk, told: Published
) -> None:
    told.status = 402
    try:
        async with informed.client() as client:
            refused = await client.refusal("stock_ratings", symbol="MSFT")
            assert refused.startswith("[provider_refused] the plan of FMP_API_KEY does not include")
            assert (await client.ready())["ready"]
    finally:
        told.status = 200
