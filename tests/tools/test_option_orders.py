"""Verticals, single contracts and the lotto through a client: what is asked is what is sent."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from common.contracts import OptionContract, Right
from common.session import new_york
from tests.builders import contract
from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import PATIENT, SHARES, Reply, natural, touches, until, worst_and_best

pytestmark = pytest.mark.usefixtures("flat_after")

DAY = date(2026, 12, 8)
CREDIT, DEBIT = "option_credit_spread", "option_debit_spread"
BUY, SELL, LOTTO = "buy_option_limit", "sell_option_limit", "lotto_play_5_delta"

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (CREDIT, {"right": "call", "sell_strike": 680, "buy_strike": 678}, "inverted legs: a call"),
    (CREDIT, {"right": "put", "sell_strike": 670, "buy_strike": 672}, "inverted legs: a put"),
    (DEBIT, {"right": "call", "sell_strike": 678, "buy_strike": 680}, "inverted legs: a call"),
    (CREDIT, {"right": "put", "sell_strike": 670}, "sell_strike and buy_strike go together"),
    (CREDIT, {"right": "put", "limit": 0.123}, "limit: 0.123 is not a positive multiple"),
    (DEBIT, {"right": "call", "stop": "soon"}, "stop: 'soon' is not an exit"),
    (BUY, {"limit": 1}, "name the contract by symbol, or by right with strike or delta"),
    (BUY, {"limit": 1, "right": "call"}, "name the contract"),
    (BUY, {"limit": 1, "symbol": "SPY"}, "symbol: not an OCC option symbol: 'SPY'"),
    (BUY, {"limit": 1.005, "right": "call", "delta": 30}, "limit: 1.005 is not a multiple"),
]
OUT_OF_BOUNDS: list[tuple[str, dict[str, Any], str]] = [
    (CREDIT, {"right": "calls"}, "right"),
    (CREDIT, {"right": "call", "width": 0}, "width"),
    (DEBIT, {"right": "put", "delta": 81}, "delta"),
    (DEBIT, {"right": "put", "risk": 0}, "risk"),
    (DEBIT, {"right": "put", "risk": "inf"}, "risk"),
    (BUY, {"limit": -1, "right": "call", "delta": 30}, "limit"),
    (BUY, {"limit": "nan", "right": "call", "delta": 30}, "limit"),
    (BUY, {"right": "call", "delta": 30}, "limit"),
    (SELL, {"limit": 1, "right": "call", "delta": 30, "contracts": 0}, "contracts"),
    (LOTTO, {"right": "call", "delta": 21}, "delta"),
    (LOTTO, {}, "right"),
]


def new(exchange: Exchange, before: list[Reply]) -> Reply:
    """Return the one order that was not there before."""
    [placed] = [one for one in exchange.orders() if one not in before]
    return placed


@pytest.mark.parametrize(
    ("tool", "right", "sign"),
    [(CREDIT, "put", -1), (CREDIT, "call", -1), (DEBIT, "put", 1), (DEBIT, "call", 1)],
)
async def test_a_vertical_is_previewed_to_the_cent_and_arrives_as_one_order(
    desk: Desk, exchange: Exchange, tool: str, right: str, sign: int
) -> None:
    before = exchange.orders()
    wanted = {"right": right, "delta": 35, "width": 2}
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(tool, **wanted)
        preview = shown["preview"]
        limit = Decimal(preview["limit"])
        assert limit * sign > 0
        assert Decimal(preview["natural"]) == natural(exchange, preview["legs"])
        worst, best = worst_and_best(preview["legs"], limit)
        fees = Decimal(preview["fees_estimated"])
        assert Decimal(preview["max_loss"]) == fees - worst
        assert Decimal(preview["max_profit"]) == best - fees
        assert exchange.orders() == before

        order = await client.confirmed(tool, shown, **wanted)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        placed = new(exchange, before)
        assert (placed["order_class"], placed["type"], placed["time_in_force"]) == (
            "mleg",
            "limit",
            "day",
        )
        assert [(leg["symbol"], leg["position_intent"]) for leg in placed["legs"]] == [
            (leg["symbol"], leg["intent"]) for leg in preview["legs"]
        ]
        assert [leg["ratio_qty"] for leg in placed["legs"]] == ["1", "1"]
        assert Decimal(placed["limit_price"]) * sign > 0


async def test_a_vertical_by_strikes_at_ones_own_limit_is_sent_with_just_that(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        chosen = (await client.ask(CREDIT, right="put", delta=30, width=2))["preview"]
        bought, sold = (OptionContract.from_occ(leg["symbol"]) for leg in chosen["legs"])
        wanted = {
            "right": "put",
            "sell_strike": float(sold.strike),
            "buy_strike": float(bought.strike),
            "limit": float(-Decimal(chosen["natural"]) + Decimal("0.15")),
        }
        shown = await client.ask(CREDIT, **wanted)
        preview = shown["preview"]
        assert preview["legs"][0]["symbol"] == bought.symbol
        assert Decimal(preview["limit"]) == Decimal(chosen["natural"]) - Decimal("0.15")
        assert Decimal(preview["natural"]) == Decimal(chosen["natural"])
        order = await client.confirmed(CREDIT, shown, **wanted)
        placed = new(exchange, before)
        assert Decimal(placed["limit_price"]) == Decimal(preview["limit"])
        assert placed["status"] == "new"  # a better price than anybody gives: it rests
        await client.ask("cancel_order", order_id=order["order_id"])
        assert (await client.ended(order["client_order_id"]))["status"] == "canceled"


async def test_a_contract_is_bought_at_a_limit_and_sold_again_but_never_more_than_is_held(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        picked = (await client.ask(BUY, limit=0.01, right="call", delta=35))["preview"]
        symbol = picked["legs"][0]["symbol"]
        nothing = await client.refusal(SELL, limit=0.01, symbol=symbol)
        assert nothing.startswith("[limit_breached] reduce_only:")
        assert "against nothing" in nothing

        touch = touches(exchange, [symbol])[symbol]
        wanted = {"symbol": symbol, "limit": float(touch.ask)}
        shown = await client.ask(BUY, **wanted)
        assert Decimal(shown["preview"]["limit"]) == touch.ask
        fees = Decimal(shown["preview"]["fees_estimated"])
        assert Decimal(shown["preview"]["max_loss"]) == touch.ask * SHARES + fees
        before = exchange.orders()
        order = await client.confirmed(BUY, shown, **wanted)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        placed = new(exchange, before)
        assert (placed["symbol"], placed["side"], placed["position_intent"]) == (
            symbol,
            "buy",
            "buy_to_open",
        )
        assert Decimal(placed["limit_price"]) == touch.ask
        [held] = exchange.positions()
        assert Decimal(held["cost_basis"]) == Decimal(placed["filled_avg_price"]) * SHARES

        more = await client.refusal(SELL, limit=0.01, symbol=symbol, contracts=2)
        assert more.startswith(f"[limit_breached] reduce_only: allowed 1 of {symbol}, would be 2")

        sale = {"symbol": symbol, "limit": float(touch.bid)}
        leaving = await client.ask(SELL, **sale)
        assert Decimal(leaving["preview"]["limit"]) == -touch.bid
        assert leaving["preview"]["legs"][0]["intent"] == "sell_to_close"
        before = exchange.orders()
        sold = await client.confirmed(SELL, leaving, **sale)
        assert (await client.ended(sold["client_order_id"]))["status"] == "filled"
        placed = new(exchange, before)
        assert (placed["side"], placed["position_intent"]) == ("sell", "sell_to_close")
        assert Decimal(placed["limit_price"]) == touch.bid
        assert exchange.positions() == []


async def test_the_cover_of_a_short_is_not_sold_alone(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        wanted = {"right": "call", "delta": 30, "width": 3}
        order = await client.confirmed(CREDIT, await client.ask(CREDIT, **wanted), **wanted)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        cover = order["legs"][0]["symbol"]
        before = exchange.orders()
        told = await client.refusal(SELL, limit=0.01, symbol=cover)
        assert told.startswith("[limit_breached] cover: allowed a long call for each short one")
        assert exchange.orders() == before


async def test_a_budget_of_risk_finds_the_size_and_says_what_decided(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        for tool in (CREDIT, DEBIT):
            shown = (await client.ask(tool, right="put", width=1, risk=200))["preview"]
            assert 1 <= shown["quantity"] <= 100
            assert Decimal(shown["max_loss"]) <= 200
            assert shown["facts"]["size"].startswith(f"{shown['quantity']} by ")
        capped = (await client.ask(CREDIT, right="put", width=1, risk=200, contracts=1))["preview"]
        assert capped["quantity"] == 1
        small = await client.refusal(CREDIT, right="put", width=5, risk=20)
        assert small.startswith("[too_large] not one unit fits the risk given ($20.00 at $")


async def test_another_days_contract_is_refused_with_its_day(desk: Desk) -> None:
    gone = contract(677, Right.CALL, expiry=date(2026, 12, 7)).symbol
    later = contract(677, Right.CALL, expiry=date(2026, 12, 9)).symbol
    async with desk.client() as client:
        await client.ready()
        told = await client.refusal(BUY, limit=1, symbol=gone)
        assert told.startswith(f"[no_such_contract] {gone}, which expired on 2026-12-07,")
        told = await client.refusal(BUY, limit=1, symbol=later)
        assert told.startswith(f"[no_such_contract] {later}, which expires on 2026-12-09,")


async def test_the_lotto_waits_for_its_window(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        told = await client.refusal(LOTTO, right="call")
    assert told.startswith("[not_triggered] the window opens at 2026-12-08 15:00:00 EST")


async def test_what_makes_no_order_is_refused_in_words_and_nothing_is_sent(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        for tool, arguments, why in REFUSED:
            told = await client.refusal(tool, **arguments)
            assert told.startswith(f"[bad_argument] {why}"), told
            assert ". Next: " in told
        for tool, arguments, name in OUT_OF_BOUNDS:
            told = await client.refusal(tool, **arguments)
            assert told.startswith(f"[bad_argument] {name}"), told
        for tool in (CREDIT, DEBIT, BUY, SELL, LOTTO):
            told = await client.refusal(tool, contract=1)
            assert told.startswith(f"[unknown_argument] {tool} has no argument 'contract'")
            assert "did you mean 'contracts'?" in told
    assert exchange.orders() == before


async def test_the_kill_switch_stops_a_buy_and_lets_a_sale_out(
    exchange: Exchange, tmp_path: Path
) -> None:
    account = exchange.tenant()
    with Desk.start(tmp_path, account, **PATIENT) as desk:
        async with desk.client() as client:
            await client.ready()
            symbol = contract(round(await spot(client)) + 2, Right.CALL, expiry=DAY).symbol
            touch = touches(account, [symbol])[symbol]
            buy = {"symbol": symbol, "limit": float(touch.ask), "stop": "none"}
            bought = await client.confirmed(BUY, await client.ask(BUY, **buy), **buy)
            assert (await client.ended(bought["client_order_id"]))["status"] == "filled"

            await client.ask("kill_switch")
            assert (await client.refusal(BUY, **buy)).startswith("[kill_switch]")
            sale = {"symbol": symbol, "limit": float(touch.bid)}
            sold = await client.confirmed(SELL, await client.ask(SELL, **sale), **sale)
            assert (await client.ended(sold["client_order_id"]))["status"] == "filled"
            assert account.positions() == []


async def spot(client: DeskClient) -> float:
    return float((await client.ask("get_option_snapshot"))["spot"])


async def test_a_sale_that_rests_makes_way_for_the_time_exit(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        symbol = (await client.ask(BUY, limit=0.01, right="put", delta=40))["preview"]["legs"][0][
            "symbol"
        ]
        ask = float(touches(exchange, [symbol])[symbol].ask)
        wanted = {"symbol": symbol, "limit": ask, "stop": "none"}
        bought = await client.confirmed(BUY, await client.ask(BUY, **wanted), **wanted)
        assert (await client.ended(bought["client_order_id"]))["status"] == "filled"
        sale = {"symbol": symbol, "limit": 99}
        resting = await client.confirmed(SELL, await client.ask(SELL, **sale), **sale)
        assert exchange.orders("open")[0]["status"] == "new"

        exchange.step_to(new_york(DAY, time(15, 25)))

        async def gone() -> bool:
            return not exchange.positions()

        await until(gone, "the time exit did not close what was on offer")
        ended = await client.ended(resting["client_order_id"])
        assert ended["status"] == "canceled"
        assert exchange.orders("open") == []
