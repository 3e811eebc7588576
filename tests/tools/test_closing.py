"""Positions taken off by name, in part or whole; options exercised or left to expire."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from common.contracts import OptionContract, Right
from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import PATIENT, SHARES, Reply
from tests.tools.test_custom_legs import LIMIT, MARKET, at_the_money, leg, put_spread, traded

pytestmark = pytest.mark.usefixtures("flat_after")

# Shares for an option are a hundred times its risk: limits of someone who means it.
SETTINGS = {"max_daily_loss": 50_000, "portfolio_delta_cap": 1_000}
CLOSE, ALL = "close_position", "close_all_positions"
EXERCISE, DECLINE = "exercise_options_position", "do_not_exercise_options_position"


async def bought(client: DeskClient, strikes: int = 3, quantity: int = 1) -> str:
    """Buy calls so many dollars out of the money; return their symbol."""
    wanted = leg(await at_the_money(client) + strikes, Right.CALL, "buy")
    order = await traded(client, MARKET, legs=[wanted], quantity=quantity)
    assert order["status"] == "filled"
    return str(wanted["symbol"])


async def closed(client: DeskClient, **wanted: Any) -> Reply:
    """Preview a close, confirm it, and return the order once it has ended."""
    return await traded(client, CLOSE, **wanted)


def qty_of(exchange: Exchange, symbol: str) -> Decimal:
    """Return what the exchange shows as held."""
    held = (one for one in exchange.positions() if one["symbol"] == symbol)
    return sum((Decimal(one["qty"]) for one in held), Decimal(0))


def buy_shares(exchange: Exchange, qty: str) -> None:
    """Buy SPY as somebody else would: past the desk."""
    order = {"symbol": "SPY", "qty": qty, "side": "buy", "type": "market", "time_in_force": "day"}
    answer = exchange.request("POST", "/v2/orders", order)
    assert answer.status == 200, answer.body


async def test_a_position_is_closed_in_part_and_then_whole_ending_flat(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        symbol = await bought(client, quantity=3)
        before = exchange.orders()
        shown = await client.ask(CLOSE, symbol=symbol, percentage=50)
        assert shown["preview"]["quantity"] == 1  # a contract and a half: rounded down
        assert shown["preview"]["legs"][0]["intent"] == "sell_to_close"
        assert exchange.orders() == before
        order = await client.confirmed(CLOSE, shown, symbol=symbol, percentage=50)
        assert (await client.ended(order["client_order_id"]))["filled_qty"] == "1"
        assert qty_of(exchange, symbol) == 2

        gone = await client.refusal(
            CLOSE, symbol=symbol, percentage=50, preview=False, confirm_token=shown["confirm_token"]
        )
        assert gone.startswith("[preview_not_found]")
        assert (await closed(client, symbol=symbol, qty="2"))["filled_qty"] == "2"
        assert exchange.positions() == []
        newest = exchange.orders()[0]
        assert (newest["type"], newest["position_intent"]) == ("limit", "sell_to_close")


async def test_no_more_is_closed_than_is_held_and_free(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        symbol = await bought(client)
        before = exchange.orders()
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"qty": 2}, f"qty: 2 of {symbol}, but 1 held"),
            ({"qty": 0.5}, "qty: 0.5 is no number of contracts"),
            ({"percentage": 40}, f"40% of 1 {symbol} is less than one"),
            ({"qty": 1, "percentage": 100}, "give qty or percentage, not both"),
            ({"percentage": 101}, "percentage"),
            ({"qty": 0}, "qty"),
        ]
        for arguments, why in wrong:
            told = await client.refusal(CLOSE, symbol=symbol, **arguments)
            assert told.startswith(f"[bad_argument] {why}"), told
        told = await client.refusal(CLOSE, symbol="TSLA")
        assert told.startswith("[bad_argument] symbol: nothing of TSLA is held")
        assert exchange.orders() == before

        offer = {"legs": [{"symbol": symbol, "side": "sell"}], "limit_price": 99}
        await client.confirmed(LIMIT, await client.ask(LIMIT, **offer), **offer)
        told = await client.refusal(CLOSE, symbol=symbol)
        assert told.startswith("[limit_breached] reduce_only: allowed 0")


async def test_a_leg_of_a_spread_is_not_closed_unawares(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        legs = put_spread(await at_the_money(client))
        assert (await traded(client, MARKET, legs=legs))["status"] == "filled"
        cover, short = legs[0]["symbol"], legs[1]["symbol"]
        told = await client.refusal(CLOSE, symbol=cover)
        assert told.startswith("[limit_breached] cover: allowed a long put for each short one")
        shown = await client.ask(CLOSE, symbol=short)
        assert shown["preview"]["legs"][0]["intent"] == "buy_to_close"
        told = str(shown["preview"]["warnings"])
        assert f"{short} is one leg of the option_order trade: the others ({cover}) stay" in told
        order = await client.confirmed(CLOSE, shown, symbol=short)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        assert [held["symbol"] for held in exchange.positions()] == [cover]


async def test_shares_are_closed_by_the_part_after_a_preview(
    desk: Desk, exchange: Exchange
) -> None:
    buy_shares(exchange, "10")
    async with desk.client() as client:
        await client.ready()
        before = exchange.orders()
        wanted = {"symbol": "spy", "percentage": "25"}
        shown = await client.ask(CLOSE, **wanted)
        assert (shown["status"], shown["preview"]) == ("preview", None)
        assert (shown["facts"]["held"], shown["facts"]["closes"]) == ("10", "2.5")
        assert shown["facts"]["worth"].startswith("about $1,6")
        assert any("market order" in told for told in shown["warnings"])
        assert exchange.orders() == before
        told = await client.refusal(
            CLOSE, symbol="spy", preview=False, confirm_token=shown["confirm_token"]
        )
        assert told.startswith("[preview_mismatch]")
        order = await client.confirmed(CLOSE, shown, **wanted)
        assert order["qty"] == "2.5"
        await client.ended(order["order_id"])
        assert qty_of(exchange, "SPY") == Decimal("7.5")
        more = await client.refusal(CLOSE, symbol="SPY", qty=8)
        assert more.startswith("[bad_argument] qty: 8 of SPY, but 7.5 held")
        await client.ended(
            (await client.confirmed(CLOSE, await client.ask(CLOSE, symbol="SPY"), symbol="SPY"))[
                "order_id"
            ]
        )
        assert exchange.positions() == []


async def test_a_coin_is_closed_by_either_way_of_writing_it(desk: Desk, exchange: Exchange) -> None:
    order = {"symbol": "BTC/USD", "qty": "0.02", "side": "buy", "type": "market"}
    answer = exchange.request("POST", "/v2/orders", {**order, "time_in_force": "gtc"})
    assert answer.status == 200, answer.body
    async with desk.client() as client:
        await client.ready()
        held = qty_of(exchange, "BTCUSD")
        assert held > 0
        half = await client.ask(CLOSE, symbol="BTCUSD", percentage=50)
        assert Decimal(half["facts"]["closes"]) <= held / 2
        sold = await client.confirmed(CLOSE, half, symbol="BTCUSD", percentage=50)
        await client.ended(sold["order_id"])
        left = qty_of(exchange, "BTCUSD")
        assert 0 < left < held
        rest = await client.ask(CLOSE, symbol="btc/usd")
        assert Decimal(rest["facts"]["closes"]) == left
        sold = await client.confirmed(CLOSE, rest, symbol="btc/usd")
        await client.ended(sold["order_id"])
        assert exchange.positions() == []


async def test_everything_is_closed_and_orders_stay_unless_they_are_to_go(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        spot = await at_the_money(client)
        await traded(client, MARKET, legs=put_spread(spot))
        bid = {"legs": [leg(spot + 4, Right.CALL, "buy")], "limit_price": 0.01, "stop": "none"}
        resting = await client.confirmed(LIMIT, await client.ask(LIMIT, **bid), **bid)
        done = await client.ask(ALL)
        assert (done["flat"], done["orders_left"]) == (True, [resting["order_id"]])
        assert done["message"] == "Flat: no position; 1 orders were left open, as asked."
        assert exchange.positions() == []
        done = await client.ask(ALL, cancel_orders=True)
        assert (done["flat"], done["canceled_orders"]) == (True, 1)
        assert exchange.orders("open") == []
        told = await client.refusal(ALL, cancel_orders="perhaps")
        assert told.startswith("[bad_argument] cancel_orders")


async def test_an_exercise_says_what_it_costs_and_brings_the_shares(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        symbol = await bought(client, strikes=-6)
        strike = OptionContract.from_occ(symbol).strike
        shown = await client.ask(EXERCISE, symbol=symbol)
        facts = shown["facts"]
        assert facts["receives"] == "100 SPY"
        assert facts["cash needed"] == f"${strike * SHARES:,.2f}"
        assert facts["buying power"].startswith("$")
        assert any("selling it brings about" in told for told in shown["warnings"])
        assert "daily_loss" in shown["limits"]
        assert qty_of(exchange, symbol) == 1

        token = shown["confirm_token"]
        done = await client.ask(EXERCISE, symbol=symbol, preview=False, confirm_token=token)
        assert (done["status"], done["order"]) == ("sent", None)
        assert qty_of(exchange, symbol) == 0
        assert qty_of(exchange, "SPY") == 100
        told = await client.refusal(EXERCISE, symbol=symbol, preview=False, confirm_token=token)
        assert told.startswith("[bad_argument] symbol: nothing of ")

        held = await client.ask("get_open_position", symbol="SPY")
        assert (held["position"]["qty"], held["opened_by"]) == ("100", None)


async def test_what_would_break_a_limit_is_not_exercised(
    exchange: Exchange, tmp_path: Path
) -> None:
    account = exchange.tenant()
    with Desk.start(tmp_path, account, **PATIENT) as desk:
        async with desk.client() as client:
            await client.ready()
            symbol = await bought(client)
            told = await client.refusal(EXERCISE, symbol=symbol)
            assert told.startswith("[limit_breached] "), told
            assert "delta: allowed -50 to +50 shares, would be +100.0 shares" in told
            assert "sell the option instead" in told
            poor = await client.refusal(EXERCISE, symbol="SPY")
            assert poor.startswith("[bad_argument] symbol: nothing of SPY is held")
            assert qty_of(account, symbol) == 1

            await client.ask("kill_switch")
            told = await client.refusal(EXERCISE, symbol=symbol)
            assert told.startswith("[kill_switch]")


async def test_only_a_long_option_is_exercised_and_never_anothers_cover(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        legs = put_spread(await at_the_money(client))
        await traded(client, MARKET, legs=legs)
        for tool in (EXERCISE, DECLINE):
            told = await client.refusal(tool, symbol=legs[1]["symbol"])
            assert told.startswith("[bad_argument] symbol: -1 of "), told
        told = await client.refusal(EXERCISE, symbol=legs[0]["symbol"])
        assert told.startswith("[limit_breached] cover"), told
        lone = await bought(client)
        told = await client.refusal(EXERCISE, symbol=lone, percentage=50)
        assert told.startswith("[unknown_argument]")
        long_put = leg(await at_the_money(client) - 2, Right.PUT, "buy")
        await client.ask("flatten_all")
        await traded(client, MARKET, legs=[long_put])
        told = await client.refusal(EXERCISE, symbol=long_put["symbol"])
        assert told.startswith("[limit_breached] shares: allowed 0 SPY held and free"), told


async def test_an_option_may_be_left_to_expire(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        symbol = await bought(client)
        shown = await client.ask(DECLINE, symbol=symbol)
        assert shown["facts"]["expires"] == "2026-12-08"
        assert any("given up" in told for told in shown["warnings"])
        done = await client.ask(
            DECLINE, symbol=symbol, preview=False, confirm_token=shown["confirm_token"]
        )
        assert done["status"] == "sent"
        assert qty_of(exchange, symbol) == 1
