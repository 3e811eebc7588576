"""The strategies through a client: a preview sends nothing, its confirmation what was shown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.desk import Desk, Era
from tests.exchange import Exchange
from tests.tools.market import (
    SHARES,
    Morning,
    Reply,
    natural,
    signs,
    touches,
    worst_and_best,
)

CONDOR = "iron_condor_30_delta"
CALL = "orb_long_call"
DAY = date(2026, 12, 8)

pytestmark = pytest.mark.usefixtures("flat_after")

TRADES: list[tuple[str, dict[str, Any]]] = [(CONDOR, {"width": 2}), (CALL, {"strike_delta": 45})]


def ids(orders: list[Reply]) -> set[str]:
    return {order["client_order_id"] for order in orders}


@pytest.mark.parametrize(("tool", "arguments"), TRADES)
async def test_a_preview_reckons_with_the_exchanges_quotes_and_sends_nothing(
    desk: Desk, exchange: Exchange, tool: str, arguments: dict[str, Any]
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(tool, **arguments)
        preview = shown["preview"]

        assert (shown["mode"], shown["status"]) == ("paper", "preview")
        assert shown["order"] is None
        assert 0 < shown["seconds_left"] <= 30
        assert len(shown["confirm_token"]) >= 16

        quoted = touches(exchange, signs(preview["legs"]))
        for leg in preview["legs"]:
            at = quoted[leg["symbol"]]
            assert (Decimal(leg["bid"]), Decimal(leg["ask"])) == (at.bid, at.ask)
            assert Decimal(leg["mid"]) == (at.bid + at.ask) / 2
            assert leg["quote"] == "ok"
            assert 0 <= leg["age_seconds"] <= 60
        limit, fees = Decimal(preview["limit"]), Decimal(preview["fees_estimated"])
        assert Decimal(preview["natural"]) == natural(exchange, preview["legs"])
        assert limit >= Decimal(preview["natural"])
        worst, best = worst_and_best(preview["legs"], limit)
        assert Decimal(preview["max_loss"]) == fees - worst
        if tool == CONDOR:
            assert Decimal(preview["max_profit"]) == best - fees
            assert [abs(abs(leg["delta"]) - 0.30) < 0.10 for leg in preview["legs"][1:3]] == [
                True
            ] * 2
        else:
            assert preview["max_profit"] is None
        assert 0 < preview["probability_of_profit"] < 1
        assert preview["breakevens"]
        assert preview["exit"].startswith("flat by 2026-12-08 15:25:00")
        assert preview["feed"] == "indicative"
        assert preview["limits"]["halt"] == "active, limit active"
        assert {"daily_loss", "delta", "quote_age", "spread"} <= set(preview["limits"])
    assert exchange.orders() == before


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_five_confirmations_that_are_none_send_nothing_and_the_sixth_sends_once(
    desk: Desk, exchange: Exchange, era: Era
) -> None:
    before = exchange.orders()
    async with desk.client(era=era) as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=1)
        breakout = await client.ask(CALL, strike_delta=45)
        token, foreign = shown["confirm_token"], breakout["confirm_token"]

        again = await client.ask(CONDOR, width=1, preview=False)
        assert again["status"] == "preview"
        assert again["confirm_token"] not in {token, None}
        kept = await client.ask(CONDOR, width=1, preview=True, confirm_token=token)
        assert kept["status"] == "preview"
        refused = [
            (f"{token}x", {"width": 1}, "[preview_not_found]"),
            (foreign, {"width": 1}, "[preview_mismatch]"),
            (token, {"width": 2}, "[preview_mismatch]"),
            (token, {"width": 1, "contracts": 2}, "[preview_mismatch]"),
        ]
        for wrong, arguments, code in refused:
            told = await client.refusal(CONDOR, **arguments, preview=False, confirm_token=wrong)
            assert told.startswith(code)
            assert "nothing was sent" in told
        assert exchange.orders() == before

        order = await client.confirmed(CONDOR, shown, width=1)
        told = await client.refusal(CONDOR, width=1, preview=False, confirm_token=token)
        assert told.startswith("[preview_not_found]")
        assert "already used" in told
        await client.ended(order["client_order_id"])
        assert ids(exchange.orders()) - ids(before) == {order["client_order_id"]}


async def test_the_condor_arrives_as_one_multi_leg_order_and_its_fill_says_what_it_cost(
    desk: Desk, exchange: Exchange
) -> None:
    cash = Decimal(exchange.get("/v2/account")["cash"])
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        preview = shown["preview"]
        order = await client.confirmed(CONDOR, shown, width=2)
        filled = await client.ended(order["client_order_id"])

        [placed] = [one for one in exchange.orders() if one not in before]
        assert placed["client_order_id"] == order["client_order_id"]
        assert (placed["order_class"], placed["type"]) == ("mleg", "limit")
        assert (placed["qty"], placed["time_in_force"]) == ("1", "day")
        assert Decimal(placed["limit_price"]) == Decimal(preview["limit"]) < 0
        assert [
            (leg["symbol"], leg["position_intent"], leg["ratio_qty"]) for leg in placed["legs"]
        ] == [(leg["symbol"], leg["intent"], "1") for leg in preview["legs"]]

        assert filled["status"] == placed["status"] == "filled"
        average = Decimal(filled["filled_average"])
        assert average == Decimal(placed["filled_avg_price"]) <= Decimal(preview["limit"])
        assert Decimal(filled["slippage"]) == average - Decimal(filled["mid_at_send"]) > 0
        assert filled["exit"].startswith("armed: stop 1x, target 50%, flat by 2026-12-08 15:25:00")
        # What left the account beyond the price is the fees; rounded up per day, not per fill.
        fees = cash - Decimal(exchange.get("/v2/account")["cash"]) - average * SHARES
        assert fees > 0
        assert abs(Decimal(filled["fees_estimated"]) - fees) <= Decimal("0.03")


async def test_the_default_condor_is_refused_with_the_widest_that_fits(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        refused = await client.refusal(CONDOR)
        assert refused.startswith("[limit_breached] daily_loss: allowed $500.00, would be $")
        width = int(refused.split("width=")[1].split(",")[0])
        assert 1 <= width < 10
        shown = await client.ask(CONDOR, width=width)
        assert Decimal(shown["preview"]["max_loss"]) <= 500
        wider = await client.refusal(CONDOR, width=width + 1)
        assert wider.startswith("[limit_breached] daily_loss")
    assert exchange.orders() == before


async def test_every_breach_is_told_at_once(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        refused = await client.refusal(CALL, contracts=100, strike_delta=45)
    for limit in ("daily_loss: ", "delta: "):
        assert limit in refused
    assert "call again with contracts=1, which passes" in refused


async def test_the_breakout_names_range_level_and_last_close(
    desk: Desk, exchange: Exchange
) -> None:
    morning = Morning.of(exchange, DAY)
    async with desk.client() as client:
        await client.ready()
        facts = (await client.ask(CALL, strike_delta=45))["preview"]["facts"]
        assert facts["range"].startswith(f"{morning.low} to {morning.high}")
        assert str(morning.close) in facts["trigger bar"]
        refused = await client.refusal("orb_long_put")
        assert refused.startswith("[not_triggered] needs a 1-minute close below ")
        assert f"last close {morning.close}" in refused
        assert f"range is {morning.low} to {morning.high}" in refused


async def test_another_range_is_another_trade(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        short = (await client.ask(CALL, strike_delta=45, range_minutes=5))["preview"]["facts"]
        assert short["range"].endswith("first 5 min")
        long = await client.refusal(CALL, range_minutes=60)
        assert long.startswith("[range_incomplete] the 60-minute range is not complete until")
        assert "10:30:00" in long
