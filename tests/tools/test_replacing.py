"""A resting order moved to another limit or size: judged anew, ours and others' alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from common.contracts import Right
from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import Reply, touches, until
from tests.tools.test_custom_legs import LIMIT, MARKET, at_the_money, leg, traded

pytestmark = pytest.mark.usefixtures("flat_after")

REPLACE = "replace_order_by_id"
FIVE = Decimal("0.05")


async def resting_call(
    client: DeskClient, exchange: Exchange, **more: Any
) -> tuple[Reply, Decimal]:
    """Have a call bid for below the market; return the order and the ask."""
    wanted = leg(await at_the_money(client) + 5, Right.CALL, "buy")
    touch = touches(exchange, [wanted["symbol"]])[wanted["symbol"]]
    arguments = {"legs": [wanted], "limit_price": float(touch.bid - FIVE), **more}
    order = await client.confirmed(LIMIT, await client.ask(LIMIT, **arguments), **arguments)
    return order, touch.ask


async def test_our_order_is_moved_and_keeps_its_name_and_its_exit(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        order, ask = await resting_call(client, exchange)
        name = order["client_order_id"]
        better = float(Decimal(order["limit"]) + Decimal("0.02"))
        wanted = {"order_id": name, "limit_price": better, "qty": 2}
        before = exchange.orders()
        shown = await client.ask(REPLACE, **wanted)
        assert exchange.orders() == before
        assert shown["preview"]["quantity"] == 2
        assert (
            shown["preview"]["facts"]["takes the place of"] == f"1 at {order['limit']} net a share"
        )
        moved = await client.confirmed(REPLACE, shown, **wanted)
        assert (moved["client_order_id"], moved["status"]) == (name, "accepted")
        assert (moved["qty"], Decimal(moved["limit"])) == ("2", Decimal(str(better)))
        [resting] = exchange.orders("open")
        assert (resting["qty"], Decimal(resting["limit_price"])) == ("2", Decimal(str(better)))
        assert resting["replaces"] == order["order_id"]

        wanted = {"order_id": moved["order_id"], "limit_price": float(ask), "qty": 1}
        await client.confirmed(REPLACE, await client.ask(REPLACE, **wanted), **wanted)
        filled = await client.ended(name)
        assert (filled["status"], filled["filled_qty"]) == ("filled", "1")
        assert filled["exit"].startswith("armed")
        refused = await client.refusal(REPLACE, order_id=name, limit_price=0.5)
        assert refused.startswith("[not_open]")


async def test_what_risk_would_not_open_is_no_replacement_either(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        order, ask = await resting_call(client, exchange)
        name, before = order["client_order_id"], exchange.orders()
        told = await client.refusal(REPLACE, order_id=name, qty=50)
        assert told.startswith("[limit_breached]"), told
        told = await client.refusal(REPLACE, order_id=name, limit_price=float(ask + 3))
        assert "limit_price: allowed at most" in told, told
        told = await client.refusal(REPLACE, order_id=name)
        assert told.startswith("[bad_argument] nothing would change")
        told = await client.refusal(REPLACE, order_id=name, limit_price=1.005)
        assert told.startswith("[bad_argument] limit_price: 1.005 is not a multiple")
        told = await client.refusal(REPLACE, order_id=name, limit=1)
        assert "did you mean 'limit_price'?" in told
        told = await client.refusal(REPLACE, order_id="no-such-order", limit_price=1)
        assert told.startswith("[order_not_found]")
        told = await client.refusal(REPLACE, order_id=name, qty=101)
        assert told.startswith("[bad_argument] qty")
        assert exchange.orders() == before
        standing = (await client.ask("get_order_status", order_id=name))["order"]
        assert (standing["limit"], standing["qty"]) == (order["limit"], "1")


async def test_a_size_that_was_reserved_is_not_counted_twice(
    desk: Desk, exchange: Exchange
) -> None:
    """An order that takes the whole budget may be moved within it: it is not there twice."""
    async with desk.client() as client:
        await client.ready()
        spot = await at_the_money(client)
        legs = [leg(spot - 6, Right.PUT, "buy"), leg(spot - 4, Right.PUT, "sell")]
        natural = Decimal((await client.ask(MARKET, legs=legs))["preview"]["natural"])
        most = float(natural - Decimal("0.20"))
        arguments = {"legs": legs, "quantity": 2, "limit_price": most}
        order = await client.confirmed(LIMIT, await client.ask(LIMIT, **arguments), **arguments)
        told = await client.refusal(LIMIT, **arguments)
        assert "daily_loss" in told or "trade_risk" in told or "strategy_risk" in told, told
        wanted = {
            "order_id": order["order_id"],
            "limit_price": float(natural - Decimal("0.15")),
        }
        moved = await client.confirmed(REPLACE, await client.ask(REPLACE, **wanted), **wanted)
        assert Decimal(moved["limit"]) == natural - Decimal("0.15")


async def test_a_closing_order_is_moved_though_it_holds_what_it_closes(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        wanted = leg(await at_the_money(client) + 3, Right.CALL, "buy")
        symbol = wanted["symbol"]
        assert (await traded(client, MARKET, legs=[wanted]))["status"] == "filled"
        sale = {"symbol": symbol, "limit": 99}
        resting = await client.confirmed(
            "sell_option_limit", await client.ask("sell_option_limit", **sale), **sale
        )
        bid = touches(exchange, [symbol])[symbol].bid
        move = {"order_id": resting["client_order_id"], "limit_price": float(bid)}
        shown = await client.ask(REPLACE, **move)
        assert shown["preview"]["exit"] == "none: the order closes"
        await client.confirmed(REPLACE, shown, **move)
        assert (await client.ended(resting["client_order_id"]))["status"] == "filled"
        assert exchange.positions() == []


async def test_somebody_elses_order_becomes_ours_with_an_exit_of_its_own(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        symbol = leg(await at_the_money(client) + 3, Right.CALL, "buy")["symbol"]
        touch = touches(exchange, [symbol])[symbol]
        answer = exchange.request(
            "POST",
            "/v2/orders",
            {
                "symbol": symbol,
                "qty": "1",
                "side": "buy",
                "type": "limit",
                "limit_price": str(touch.bid - FIVE),
                "time_in_force": "day",
                "position_intent": "buy_to_open",
            },
        )
        assert answer.status == 200, answer.body
        wanted = {"order_id": answer.body["id"], "limit_price": float(touch.ask)}
        order = await client.confirmed(REPLACE, await client.ask(REPLACE, **wanted), **wanted)
        assert (order["strategy"], order["client_order_id"][:5]) == ("option_order", "spy0-")
        ended = await client.ended(order["client_order_id"])
        assert ended["status"] == "filled"
        assert ended["exit"].startswith("armed")
        assert exchange.get(f"/v2/orders/{answer.body['id']}")["status"] == "replaced"


async def test_a_move_without_a_clear_answer_is_looked_up_and_not_repeated(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        order, _ = await resting_call(client, exchange)
        name = order["client_order_id"]
        to = Decimal(order["limit"]) + Decimal("0.02")
        wanted = {"order_id": name, "limit_price": float(to)}
        shown = await client.ask(REPLACE, **wanted)
        exchange.fault(kind="timeout_after_accept", method="PATCH", path="/v2/orders", seconds=0.1)
        told = await client.refusal(
            REPLACE, **wanted, preview=False, confirm_token=shown["confirm_token"]
        )
        assert told.startswith("[order_uncertain]"), told

        async def found() -> bool:
            standing = (await client.ask("get_order_status", order_id=name))["order"]
            return bool(standing["working_limit"] == str(to))

        await until(found, "the order that took its place was not found")
        [resting] = exchange.orders("open")
        assert Decimal(resting["limit_price"]) == to
        done = await client.ask("cancel_order", order_id=name)
        assert done["order"]["status"] == "canceled"
        assert exchange.orders("open") == []


async def test_what_is_no_option_order_is_not_replaced_here(desk: Desk, exchange: Exchange) -> None:
    shares = {
        "symbol": "SPY",
        "qty": "1",
        "side": "buy",
        "type": "limit",
        "limit_price": "1.00",
        "time_in_force": "day",
    }
    placed = exchange.request("POST", "/v2/orders", shares).body
    async with desk.client() as client:
        await client.ready()
        told = await client.refusal(REPLACE, order_id=placed["id"], limit_price=2)
        assert told.startswith(f"[bad_argument] order_id: {placed['id']} is no limit order in opt")
        assert [one["id"] for one in exchange.orders("open")] == [placed["id"]]
