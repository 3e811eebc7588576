"""TEST.1, strategy logic: cases 1 to 5 and 46 of the requirements.

Each strategy walks a day of the exchange as a client sees it and is held, time and again,
against what the exchange's own bars and quotes say by plain arithmetic. What is pure is held by
properties in tests/services/strategies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import pytest

from common.contracts import OptionContract, Right
from common.money import plain
from common.session import new_york
from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import (
    PATIENT,
    SHARES,
    followed,
    natural,
    touches,
    worst_and_best,
)

DAY, HALF_DAY = date(2026, 12, 8), date(2026, 11, 27)
CALL, PUT = "orb_long_call", "orb_long_put"
CONDOR, LOTTO = "iron_condor_30_delta", "lotto_play_5_delta"
BREAKOUT = {"clock": "stepped", "day": DAY.isoformat(), "at": "09:40", "seed": 7}


@contextmanager
def market(folder: Path, **options: object) -> Iterator[tuple[Desk, Exchange]]:
    """Run an exchange on a stepped clock and a desk on it; settings of the desk begin desk_."""
    settings = {k[5:]: v for k, v in options.items() if k.startswith("desk_")}
    rest = {k: v for k, v in options.items() if not k.startswith("desk_")}
    with (
        Exchange.start(folder / "exchange", **rest) as exchange,
        Desk.start(folder / "state", exchange, **PATIENT | settings) as desk,
    ):
        yield desk, exchange


@asynccontextmanager
async def at(desk: Desk, exchange: Exchange, when: datetime) -> AsyncIterator[DeskClient]:
    """Yield a client of a desk that has followed the exchange to an instant."""
    if exchange.now() < when:
        exchange.step_to(when)
    async with desk.client() as client:
        await client.ready()
        await followed(client, exchange)
        yield client


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Exchange]]:
    folder = tmp_path_factory.mktemp("morning")
    (folder / "exchange").mkdir()
    with market(folder, **BREAKOUT, desk_orb_entries_max=1) as both:
        yield both


def minutes(exchange: Exchange, until: datetime) -> list[dict[str, Any]]:
    """Return the exchange's own one-minute bars of the session so far, oldest first."""
    bars: list[dict[str, Any]] = exchange.get(
        "/v2/stocks/SPY/bars",
        timeframe="1Min",
        start=new_york(DAY, time(9, 30)).isoformat(),
        end=(until - timedelta(minutes=1)).isoformat(),
        limit=1000,
    )["bars"]
    return bars


def cents(value: float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def delta_of(contract: dict[str, Any]) -> float:
    return abs(float(contract["delta"]))


# ---- 1 and 2: the opening range


async def test_1_2_before_its_range_has_ended_a_breakout_says_until_when(
    morning: tuple[Desk, Exchange],
) -> None:
    async with at(*morning, new_york(DAY, time(9, 50))) as client:
        for tool in (CALL, PUT):
            for length, ends in ((30, "10:00:00"), (60, "10:30:00")):
                told = await client.refusal(tool, range_minutes=length)
                assert told.startswith(
                    f"[range_incomplete] the {length}-minute range is not complete until "
                    f"2026-12-08 {ends} EST"
                )


async def test_1_2_it_triggers_where_the_exchanges_bars_say_so(
    morning: tuple[Desk, Exchange],
) -> None:
    desk, exchange = morning
    seen = {True: 0, False: 0}
    for minute in (52, 65):  # few and uneven: steps in an even beat look like a fast clock
        now = new_york(DAY, time(9 + minute // 60, minute % 60))
        async with at(desk, exchange, now) as client:
            bars = minutes(exchange, exchange.now())
            assert len(bars) == minute - 30
            for length in (5, 15, 30):
                if length > minute - 30:
                    continue
                high = max(cents(bar["h"]) for bar in bars[:length])
                low = min(cents(bar["l"]) for bar in bars[:length])
                buffer = max(Decimal("0.05"), (high - low) / 20).quantize(
                    Decimal("0.01"), ROUND_CEILING
                )
                last = cents(bars[-1]["c"])
                for tool, level, broken in (
                    (CALL, high + buffer, last > high + buffer),
                    (PUT, low - buffer, last < low - buffer),
                ):
                    answer = await client.mcp.call_tool(
                        tool, {"range_minutes": length, "strike_delta": 40}
                    )
                    assert answer.is_error is not broken
                    seen[broken] += 1
                    told = answer.content[0].text  # type: ignore[union-attr]
                    if broken:
                        assert f"a 1-minute close beyond {level}" in told
                    else:
                        assert f"{level}, last close {last} at" in told
                        assert f"{abs(level - last)} away" in told
                        assert f"range is {low} to {high}" in told
    assert seen[True] >= 1
    assert seen[False] >= 1
    assert exchange.orders() == []


async def test_1_a_broken_range_picks_the_call_nearest_thirty_delta_expiring_today(
    morning: tuple[Desk, Exchange],
) -> None:
    desk, exchange = morning
    async with at(desk, exchange, new_york(DAY, time(10, 5))) as client:
        preview = (await client.ask(CALL))["preview"]
        [leg] = preview["legs"]
        picked = OptionContract.from_occ(leg["symbol"])
        assert (picked.right, picked.expiry, leg["intent"]) == (Right.CALL, DAY, "buy_to_open")
        listed = [
            OptionContract(
                underlying="SPY", expiry=DAY, strike=picked.strike + away, right=Right.CALL
            )
            for away in range(-5, 6)
        ]
        chain = await client.ask(
            "get_option_snapshot", symbol_or_symbols=[one.symbol for one in listed]
        )
        away = {row["symbol"]: abs(row["delta"] - 0.30) for row in chain["options"]}
        assert away[leg["symbol"]] == min(away.values())

        touch = touches(exchange, [leg["symbol"]])[leg["symbol"]]
        assert (Decimal(leg["bid"]), Decimal(leg["ask"])) == (touch.bid, touch.ask)
        assert leg["age_seconds"] is not None
        facts = preview["facts"]
        for told in ("range", "trigger", "trigger bar", "first break", "strikes near", "market"):
            assert facts[told], told
        limit, fees = Decimal(preview["limit"]), Decimal(preview["fees_estimated"])
        assert Decimal(preview["max_loss"]) == limit * SHARES + fees
        low, last = facts["range"].split(" to ")[0], Decimal(facts["trigger bar"].split()[1])
        aim = last + 2 * (last - Decimal(low))
        exits = {(line["kind"], line["trigger"]) for line in preview["exits"]}
        assert {("stop", f"SPY<{plain(Decimal(low))}"), ("stop", "50%")} <= exits
        assert ("target", f"SPY>{plain(aim)}") in exits


async def test_1_one_shot_a_day_in_each_direction(morning: tuple[Desk, Exchange]) -> None:
    desk, exchange = morning
    async with at(desk, exchange, new_york(DAY, time(10, 5))) as client:
        shown = await client.ask(CALL, strike_delta=45)
        order = await client.confirmed(CALL, shown, strike_delta=45)
        filled = await client.ended(order["client_order_id"])
        assert (filled["strategy"], filled["status"]) == (CALL, "filled")
        again = await client.refusal(CALL, strike_delta=40)
        assert again.startswith("[limit_breached]")
        assert "entries" in again
        other = await client.refusal(PUT)  # has a shot of its own; it is its trigger that lacks
        assert other.startswith("[not_triggered]")
        assert len(exchange.orders()) == 1
        assert (await client.ask("flatten_all"))["flat"]


# ---- 3: the condor


async def test_3_the_condors_loss_is_that_of_every_price_and_it_goes_as_one_order(
    morning: tuple[Desk, Exchange],
) -> None:
    desk, exchange = morning
    async with at(desk, exchange, new_york(DAY, time(10, 30))) as client:
        before = exchange.orders()
        for width, delta in ((1, 25), (2, 30), (3, 35)):
            wanted = {"width": width, "short_delta": delta}
            shown = await client.ask(CONDOR, **wanted)
            preview = shown["preview"]
            low, short_put, short_call, high = (
                OptionContract.from_occ(leg["symbol"]) for leg in preview["legs"]
            )
            assert {one.expiry for one in (low, short_put, short_call, high)} == {DAY}
            assert short_put.strike - low.strike == high.strike - short_call.strike == width
            for leg in preview["legs"][1:3]:
                assert abs(delta_of(leg) - delta / 100) <= 0.10
            limit, fees = Decimal(preview["limit"]), Decimal(preview["fees_estimated"])
            assert limit < 0
            assert Decimal(preview["natural"]) == natural(exchange, preview["legs"])
            worst, best = worst_and_best(preview["legs"], limit)
            assert Decimal(preview["max_loss"]) == fees - worst
            assert Decimal(preview["max_profit"]) == best - fees
            share = -Decimal(preview["natural"]) / width
            assert preview["facts"]["credit of width"] == f"{share:.1%}"
        order = await client.confirmed(CONDOR, shown, **wanted)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        [placed] = [one for one in exchange.orders() if one not in before]
        assert (placed["order_class"], placed["type"]) == ("mleg", "limit")
        assert [leg["ratio_qty"] for leg in placed["legs"]] == ["1"] * 4
        assert Decimal(placed["limit_price"]) < 0
        assert (await client.ask("flatten_all"))["flat"]


async def test_3_a_credit_below_the_floor_is_no_trade(morning: tuple[Desk, Exchange]) -> None:
    async with at(*morning, new_york(DAY, time(10, 30))) as client:
        told = await client.refusal(CONDOR, width=2, min_credit=90)
        assert told.startswith("[not_triggered] a condor of ")
        assert "at least 90% is wanted" in told


# ---- 4: the lotto


@pytest.mark.parametrize(
    ("day", "zone", "opens", "right"),
    [(DAY, "UTC", time(15), "call"), (HALF_DAY, "Asia/Kolkata", time(12), "put")],
    ids=["full day", "half day"],
)
async def test_4_the_lotto_is_bought_in_its_window_alone_within_its_budget(
    tmp_path: Path, day: date, zone: str, opens: time, right: str
) -> None:
    (tmp_path / "exchange").mkdir()
    first = new_york(day, opens)
    cut_off = first + timedelta(minutes=30)
    early = (datetime.combine(day, opens) - timedelta(minutes=1)).time().isoformat("minutes")
    with market(tmp_path, clock="stepped", day=day.isoformat(), at=early, seed=7, desk_tz=zone) as (
        desk,
        exchange,
    ):
        async with at(desk, exchange, first - timedelta(minutes=1)) as client:
            told = await client.refusal(LOTTO, right=right)
            assert told.startswith(f"[not_triggered] the window opens at {day} {opens} EST")

        async with at(desk, exchange, first + timedelta(minutes=5)) as client:
            shown = await client.ask(LOTTO, right=right)
            preview = shown["preview"]
            [leg] = preview["legs"]
            assert OptionContract.from_occ(leg["symbol"]).expiry == day
            assert Decimal(leg["bid"]) > 0
            assert delta_of(leg) <= 0.10
            assert Decimal(preview["max_loss"]) <= 50
            for told in ("expires worthless", "strike is touched"):
                assert preview["facts"][told].endswith("%, risk-neutral")
            order = await client.confirmed(LOTTO, shown, right=right)
            assert (await client.ended(order["client_order_id"]))["status"] == "filled"
            [held] = exchange.positions()
            assert Decimal(held["cost_basis"]) <= 50
            assert (await client.ask("flatten_all"))["flat"]

        async with at(desk, exchange, cut_off + timedelta(minutes=1)) as client:
            told = await client.refusal(LOTTO, right=right)
            assert told.startswith("[market_closed] the broker's cut-off for contracts expiring")
            assert (
                f"was {day} {(datetime.combine(day, opens) + timedelta(minutes=30)).time()} EST"
                in (told)
            )


# ---- 5: the straddle scan


async def test_5_the_straddle_is_the_exchanges_and_what_is_no_edge_is_called_so(
    morning: tuple[Desk, Exchange],
) -> None:
    desk, exchange = morning
    async with at(desk, exchange, new_york(DAY, time(10, 30))) as client:
        found = await client.ask("straddle_scan")
        strike = Decimal(found["strike"])
        pair = [
            OptionContract(underlying="SPY", expiry=DAY, strike=strike, right=right).symbol
            for right in Right
        ]
        quoted = touches(exchange, pair)
        assert Decimal(found["bid"]) == sum(quoted[one].bid for one in pair)
        assert Decimal(found["ask"]) == sum(quoted[one].ask for one in pair)
        assert found["verdict"] in {"no edge", "dear", "cheap"}
        if found["score"] is None or abs(found["score"]) < 0.15:
            assert found["verdict"] == "no edge"
