"""What the analysis says, held against the exchange it speaks of."""

from __future__ import annotations

import base64
import struct
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.session import new_york
from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.market import SHARES, Reply

CONDOR = "iron_condor_30_delta"
DAY = date(2026, 12, 8)
GREEKS = (
    "delta_shares",
    "gamma_shares_per_dollar",
    "theta_dollars_per_minute",
    "vega_dollars_per_point",
    "delta_dollars",
    "gamma_dollars_per_percent",
)

pytestmark = pytest.mark.usefixtures("flat_after")


async def test_the_account_after_each_fill_is_the_one_its_preview_told(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        for size, (held, at_one_strike) in ((2, (8, 2)), (1, (12, 3))):
            was = exchange.get("/v2/account")
            shown = await client.ask(CONDOR, width=2, contracts=size)
            preview, impact = shown["preview"], shown["preview"]["impact"]
            order = await client.confirmed(CONDOR, shown, width=2, contracts=size)
            filled = await client.ended(order["client_order_id"])
            assert filled["status"] == "filled"
            now = exchange.get("/v2/account")
            # The preview counts the limit; what the fill was better by stays in the account.
            better = Decimal(preview["limit"]) - Decimal(filled["filled_average"])
            gained = better * SHARES * size
            assert Decimal(impact["before"]["cash"]) == Decimal(was["cash"])
            assert Decimal(impact["after"]["cash"]) + gained == Decimal(now["cash"])
            power = Decimal(impact["after"]["options_buying_power"]) + gained
            assert power == Decimal(now["options_buying_power"])
            before = Decimal(impact["before"]["options_buying_power"])
            assert before == Decimal(was["options_buying_power"])
            for side, account in (("before", was), ("after", now)):
                assert Decimal(impact[side]["margin"]) == Decimal(account["maintenance_margin"])
            assert impact["after"]["most_contracts_at_a_strike"] == at_one_strike
            assert impact["after"]["most_contracts_of_an_expiry"] == held

            greeks = (await client.ask("portfolio_greeks"))["total"]
            told = impact["after"]["delta_shares"]
            assert greeks["delta_shares"] == pytest.approx(told, abs=0.01)
            tail = await client.ask("risk_metrics")
            [half_hour] = [one for one in tail["horizons"] if one["minutes"] == 30]
            assert half_hour["var_99"] == impact["after"]["var_99"]
            assert half_hour["es_975"] == impact["after"]["es_975"]


async def test_the_greeks_of_the_whole_are_the_sum_of_the_holdings(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        order = await client.confirmed(CONDOR, shown, width=2)
        await client.ended(order["client_order_id"])
        found = await client.ask("portfolio_greeks")
        assert len(found["holdings"]) == 4
        for name in GREEKS:
            total = sum(held["greeks"][name] for held in found["holdings"])
            assert found["total"][name] == pytest.approx(total, abs=1e-6)
        assert found["delta_over_one_sigma"]["+0"] == pytest.approx(
            found["total"]["delta_shares"], abs=0.5
        )
        assert set(found["delta_over_one_sigma"]) == {"-1", "-0.5", "+0", "+0.5", "+1"}


async def test_a_preview_says_that_its_expected_value_is_its_costs(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        preview = (await client.ask(CONDOR, width=2))["preview"]
    chances = preview["chances"]
    assert "minus the costs" in chances["note"]
    before, after = (float(chances[f"expected_value_{when}_costs"]) for when in ("before", "after"))
    slippage = (float(preview["limit"]) - float(preview["mid"])) * 100
    assert after == pytest.approx(before - slippage - float(preview["fees_estimated"]), abs=0.02)
    assert abs(before) < 5
    shorts = {leg["symbol"][-8:-3].lstrip("0") for leg in preview["legs"][1:3]}
    assert {at.split(".")[0] for at in chances["touch"]} == shorts
    assert chances["max_profit"] < preview["probability_of_profit"] < 1 - chances["max_loss"]
    rows = preview["scenarios"]["profit"]
    assert len(rows) == 5
    assert preview["scenarios"]["times"] == ["now", "10:35", "15:25", "16:00"]
    assert all(len(row) == 4 for row in rows.values())
    assert min(min(row) for row in rows.values()) >= -float(preview["max_loss"]) - 1


async def test_details_come_with_a_picture_and_leave_the_token_good(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        plain = await client.mcp.call_tool("preview_details", {"token": shown["confirm_token"]})
        assert [block.type for block in plain.content] == ["text"]
        answer = await client.mcp.call_tool(
            "preview_details", {"token": shown["confirm_token"], "picture": True}
        )
        assert not answer.is_error
        full: Any = answer.structured_content
        assert [one["vol"] for one in full["scenarios"]] == [0.7, 1.0, 1.5]
        assert all(len(one["profit"]) == 13 for one in full["scenarios"])
        for at, row in shown["preview"]["scenarios"]["profit"].items():
            assert full["scenarios"][1]["profit"][at] == row
        [picture] = [block for block in answer.content if block.type == "image"]
        data = base64.b64decode(picture.data)
        assert (picture.mime_type, data[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", data[16:24]) == (640, 360)
        order = await client.confirmed(CONDOR, shown, width=2)
        await client.ended(order["client_order_id"])
        gone = await client.refusal("preview_details", token=shown["confirm_token"])
        assert gone.startswith("[preview_not_found]")


async def test_the_context_is_that_of_the_exchanges_own_bars(
    desk: Desk, exchange: Exchange
) -> None:
    start = new_york(DAY, time(9, 30))
    bars: list[Reply] = exchange.get(
        "/v2/stocks/bars",
        symbols="SPY",
        timeframe="1Min",
        start=start.isoformat().replace("+00:00", "Z"),
        end=(start + timedelta(minutes=34)).isoformat().replace("+00:00", "Z"),
        limit=1000,
    )["bars"]["SPY"]
    async with desk.client() as client:
        await client.ready()
        found = await client.ask("market_context")
    volume = sum(bar["v"] for bar in bars)
    vwap = sum(Decimal(str(bar["vw"])) * bar["v"] for bar in bars) / volume
    assert abs(Decimal(found["vwap"]) - vwap) <= Decimal("0.01")
    first = bars[:15]
    low, high = (Decimal(one) for one in found["opening_ranges"]["15"].split(" to "))
    assert high == max(Decimal(str(bar["h"])) for bar in first)
    assert low == min(Decimal(str(bar["l"])) for bar in first)
    assert set(found["opening_ranges"]) == {"5", "15", "30"}
    assert 0.02 < found["implied_vol"] < 1
    assert 0.02 < found["realized_vol"] < 1
    move = found["expected_move"]
    assert move["one_sigma"] == pytest.approx(1.2533 * move["straddle"], abs=0.02)
    assert found["events_today"] == []
    assert "payrolls" in found["events_unknown"]
    assert found["early_close"] is False
    interest = found["open_interest"]
    assert interest is None or interest["calls"] + interest["puts"] > 0


async def test_without_past_days_the_straddle_has_no_edge_and_says_why(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        found = await client.ask("straddle_scan")
    assert found["verdict"] == "no edge"
    assert "too few past days" in found["why"]
    assert found["score"] is None
    assert [round(one, 1) for one in found["bands"].values()] == [0.5, 0.6, 0.7]
    assert 0 < found["chance_beyond"] < found["chance_touch"] <= 1
    assert Decimal(found["bid"]) < Decimal(found["ask"])


async def test_a_flat_account_risks_nothing_and_says_what_it_does_not_know(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        found = await client.ask("risk_metrics")
    assert [one["var_99"] for one in found["horizons"]] == ["0.00"] * 4
    assert found["backtest"] == []
    assert found["unknown"] == ["0 days of history, 250 are needed"]
