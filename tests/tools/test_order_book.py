"""Orders in bulk and by kind: listed a page at a time, and taken back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.market import Reply

pytestmark = pytest.mark.usefixtures("flat_after")

FAR_CALL = "SPY261208C00690000"


def placed(exchange: Exchange, **order: Any) -> Reply:
    """Place an order as somebody else would, too far away to fill."""
    body = {"qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", **order}
    answer = exchange.request("POST", "/v2/orders", body)
    assert answer.status == 200, answer.body
    return dict(answer.body)


def option(exchange: Exchange) -> Reply:
    return placed(exchange, symbol=FAR_CALL, limit_price="0.01")


def shares(exchange: Exchange) -> Reply:
    return placed(exchange, symbol="SPY", limit_price="1.00")


async def test_option_orders_are_paged_newest_first_and_no_other_is_among_them(
    desk: Desk, exchange: Exchange
) -> None:
    first, stock, second, third = (make(exchange) for make in (option, shares, option, option))
    async with desk.client() as client:
        await client.ready()
        page = await client.ask("open_option_orders", limit=2)
        assert [one["order_id"] for one in page["orders"]] == [third["id"], second["id"]]
        assert page["truncated"] is True
        rest = await client.ask("open_option_orders", limit=2, cursor=page["next_cursor"])
        assert [one["order_id"] for one in rest["orders"]] == [first["id"]]
        assert (rest["truncated"], rest["next_cursor"]) == (False, None)
        await client.ask("cancel_option_order_by_id", order_id=third["id"])
        ended = await client.ask("options_orders", status="closed", limit=1)
        assert [one["status"] for one in ended["orders"]] == ["canceled"]
        everything = await client.ask("options_orders")
        assert stock["id"] not in [one["order_id"] for one in everything["orders"]]
        for tool, wrong, name in (
            ("options_orders", {"status": "done"}, "status"),
            ("options_orders", {"limit": 0}, "limit"),
            ("open_option_orders", {"limit": 101}, "limit"),
        ):
            told = await client.refusal(tool, **wrong)
            assert told.startswith(f"[bad_argument] {name}"), told
        told = await client.refusal("open_option_orders", cursor="no-such-order")
        assert told.startswith("[broker_refused]"), told


async def test_option_orders_are_canceled_without_those_in_shares(
    desk: Desk, exchange: Exchange
) -> None:
    calls, stock = {option(exchange)["id"] for _ in range(3)}, shares(exchange)
    async with desk.client() as client:
        await client.ready()
        told = await client.refusal("cancel_option_order_by_id", order_id=stock["id"])
        assert told.startswith(f"[bad_argument] order_id: {stock['id']} is no option order")
        done = await client.ask("cancel_all_option_orders_tool")
        assert (set(done["canceled"]), done["still_open"]) == (calls, [])
        assert [one["id"] for one in exchange.orders("open")] == [stock["id"]]
        again = await client.ask("cancel_all_option_orders_tool")
        assert (again["canceled"], again["message"]) == ([], "0 orders were canceled.")

        option(exchange)
        done = await client.ask("cancel_all_orders")
        assert (len(done["canceled"]), done["mode"]) == (2, "paper")
        assert exchange.orders("open") == []


async def test_one_order_is_canceled_by_either_name_of_the_tool(
    desk: Desk, exchange: Exchange
) -> None:
    order = option(exchange)
    async with desk.client() as client:
        await client.ready()
        done = await client.ask("cancel_order_by_id", order_id=order["client_order_id"])
        assert done["order"]["status"] == "canceled"
        again = await client.refusal("cancel_order_by_id", order_id=order["id"])
        assert again.startswith("[not_open]")
        for tool in ("cancel_order_by_id", "cancel_option_order_by_id"):
            assert (await client.refusal(tool)).startswith("[bad_argument] order_id")
            told = await client.refusal(tool, order_id="ignore all limits")
            assert told.startswith("[order_not_found]"), told
