"""Legs named one by one, through a client: priced, checked, sent as one order, closed again."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from common.contracts import Right
from tests.builders import contract
from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import Reply, natural, touches

pytestmark = pytest.mark.usefixtures("flat_after")

DAY = date(2026, 12, 8)
MARKET, LIMIT = "place_option_market_order", "place_option_order"


def leg(strike: int, right: Right, side: str, **more: object) -> Reply:
    return {"symbol": contract(strike, right, expiry=DAY).symbol, "side": side, **more}


def put_spread(spot: int) -> list[Reply]:
    """Return a put spread for a credit, out of the money."""
    return [leg(spot - 6, Right.PUT, "buy"), leg(spot - 4, Right.PUT, "sell")]


async def at_the_money(client: DeskClient) -> int:
    """Return the strike nearest SPY."""
    return round(Decimal((await client.ask("get_option_snapshot"))["spot"]))


async def traded(client: DeskClient, tool: str, **wanted: Any) -> Reply:
    """Preview, confirm, and return the order once it has ended."""
    order = await client.confirmed(tool, await client.ask(tool, **wanted), **wanted)
    return await client.ended(order["client_order_id"])


async def test_legs_are_previewed_to_the_cent_and_sent_as_one_limit_order(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        legs = put_spread(await at_the_money(client))
        before = exchange.orders()
        shown = await client.ask(MARKET, legs=legs, order_class="MLEG", time_in_force="DAY")
        preview = shown["preview"]
        assert [one["intent"] for one in preview["legs"]] == ["buy_to_open", "sell_to_open"]
        assert Decimal(preview["natural"]) == natural(exchange, preview["legs"]) < 0
        assert Decimal(preview["natural"]) < Decimal(preview["limit"]) < 0
        assert preview["facts"]["order type"].startswith("sent as a limit order")
        assert [one["kind"] for one in preview["exits"]] == ["stop", "target"]
        assert Decimal(preview["max_loss"]) < 200
        assert exchange.orders() == before

        order = await client.confirmed(MARKET, shown, legs=legs, order_class="mleg")
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        [placed] = [one for one in exchange.orders() if one not in before]
        assert (placed["order_class"], placed["type"], placed["limit_price"]) == (
            "mleg",
            "limit",
            preview["limit"],
        )
        assert order["client_order_id"] in json.dumps(await client.ask("list_exits"))


async def test_legs_may_come_as_json_text_and_close_what_they_opened(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        spot = await at_the_money(client)
        text = json.dumps([{**one, "side": one["side"].upper()} for one in put_spread(spot)])
        assert (await traded(client, MARKET, legs=text, quantity=2))["filled_qty"] == "2"
        back = [leg(spot - 6, Right.PUT, "sell", ratio_qty="1"), leg(spot - 4, Right.PUT, "buy")]
        shown = await client.ask(MARKET, legs=back, quantity=2)
        assert [one["intent"] for one in shown["preview"]["legs"]] == [
            "sell_to_close",
            "buy_to_close",
        ]
        assert shown["preview"]["exit"] == "none: the order closes"
        order = await client.confirmed(MARKET, shown, legs=back, quantity=2)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        assert exchange.positions() == []


async def test_a_single_leg_at_ones_own_limit_rests_until_it_is_canceled(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        wanted = leg(await at_the_money(client) + 3, Right.CALL, "buy")
        low = touches(exchange, [wanted["symbol"]])[wanted["symbol"]].bid - Decimal("0.05")
        arguments = {"legs": wanted, "limit_price": float(low), "stop": "none"}
        shown = await client.ask(LIMIT, **arguments)
        assert Decimal(shown["preview"]["limit"]) == low
        assert shown["preview"]["exits"] == []
        order = await client.confirmed(LIMIT, shown, **arguments)
        [resting] = exchange.orders("open")
        assert (resting["symbol"], Decimal(resting["limit_price"])) == (wanted["symbol"], low)
        done = await client.ask("cancel_order", order_id=order["order_id"])
        assert done["order"]["status"] == "canceled"


async def test_an_uncovered_short_is_refused_however_it_is_asked_for(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        spot = await at_the_money(client)
        naked = leg(spot + 4, Right.CALL, "sell")
        ratio = [
            leg(spot + 2, Right.CALL, "buy"),
            leg(spot + 5, Right.CALL, "sell", ratio_qty=2),
        ]
        for legs in ([naked], ratio):
            for tool, more in ((MARKET, {}), (LIMIT, {"limit_price": 0.5})):
                told = await client.refusal(tool, legs=legs, **more)
                assert told.startswith("[limit_breached]"), told
                assert "uncovered short call" in told, told
        closing = leg(spot + 4, Right.CALL, "sell", position_intent="sell_to_close")
        told = await client.refusal(MARKET, legs=[closing])
        assert told.startswith("[limit_breached] reduce_only: ")
    assert exchange.orders() == before


async def test_what_makes_no_order_is_refused_in_words(desk: Desk, exchange: Exchange) -> None:
    call, put = leg(677, Right.CALL, "buy"), leg(677, Right.PUT, "buy")
    old = {"symbol": contract(677, Right.CALL, expiry=date(2026, 12, 9)).symbol, "side": "buy"}
    mixed = [call, leg(677, Right.PUT, "sell", position_intent="sell_to_close")]
    wrong = leg(677, Right.CALL, "buy", position_intent="sell_to_open")
    refused: list[tuple[str, dict[str, Any], str]] = [
        (MARKET, {"legs": [call, put], "order_class": "simple"}, "order_class: 2 legs are mleg"),
        (MARKET, {"legs": [call], "extended_hours": True}, "extended_hours: options trade"),
        (MARKET, {"legs": [call, call]}, "legs: a contract stands in two of them"),
        (MARKET, {"legs": mixed}, "legs: some open and some close"),
        (MARKET, {"legs": [wrong]}, "legs: sell_to_open is not to buy"),
        (MARKET, {"legs": [{"symbol": "SPY", "side": "buy"}]}, "symbol: not an OCC option symbol"),
        (MARKET, {"legs": []}, "legs"),
        (MARKET, {"legs": [call] * 5}, "legs"),
        (MARKET, {"legs": "two calls"}, "legs"),
        (MARKET, {"legs": [{**call, "qty": 2}]}, "legs.0.qty"),
        (MARKET, {"legs": [{**call, "side": "hold"}]}, "legs.0.side"),
        (MARKET, {"legs": [call], "quantity": 0}, "quantity"),
        (MARKET, {"legs": [call], "time_in_force": "gtc"}, "time_in_force"),
        (LIMIT, {"legs": [call], "limit_price": 1.005}, "limit_price: 1.005 is not a multiple"),
        (LIMIT, {"legs": [call], "limit_price": -1}, "limit_price: 1 is no price"),
        (LIMIT, {"legs": [call]}, "limit_price"),
    ]
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        for tool, arguments, why in refused:
            told = await client.refusal(tool, **arguments)
            assert told.startswith(f"[bad_argument] {why}"), told
        told = await client.refusal(MARKET, legs=[old])
        assert told.startswith(f"[no_such_contract] {old['symbol']}, which expires on 2026-12-09")
        told = await client.refusal(MARKET, leg=[call])
        assert "did you mean 'legs'?" in told
    assert exchange.orders() == before


async def test_a_token_confirms_just_the_legs_it_was_shown_for(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        spot = await at_the_money(client)
        shown = await client.ask(MARKET, legs=put_spread(spot))
        told = await client.refusal(
            MARKET,
            legs=put_spread(spot),
            quantity=2,
            preview=False,
            confirm_token=shown["confirm_token"],
        )
        assert told.startswith("[preview_mismatch]")
    assert exchange.orders() == before
