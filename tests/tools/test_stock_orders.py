"""Orders in stocks and coins through a client: shown, sent as shown, listed and canceled."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.shares import AAPL, BUY, COIN, LIMIT, PLACE, SELL, bought, free, new, sent, touch

pytestmark = pytest.mark.usefixtures("flat_after")

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (BUY, {"symbol": "SPY261208C00670000", "quantity": 1}, "symbol: "),
    (BUY, {"symbol": "no such", "quantity": 1}, "symbol: not a symbol"),
    (LIMIT, AAPL | {"limit_price": 10.005}, "limit: 10.005 is not a multiple of 0.01"),
    ("buy_stock_trailing_stop", AAPL, "a trailing stop, and no other type, takes one"),
    (PLACE, {"symbol": "AAPL", "side": "buy"}, "qty: give either"),
    (
        PLACE,
        {"symbol": "AAPL", "side": "buy", "quantity": 1, "limit_price": 9},
        "order type market",
    ),
    (PLACE, AAPL | {"side": "buy", "extended_hours": True}, "extended_hours: only a limit day"),
    (PLACE, AAPL | {"side": "buy", "client_order_id": "spy0-1"}, "client_order_id: "),
    (
        COIN,
        {"symbol": "AAPL", "side": "buy", "quantity": 1},
        "symbol: 'AAPL' is traded by",
    ),
    (
        BUY,
        {"symbol": "BTC/USD", "quantity": 1},
        "symbol: 'BTC/USD' is traded by",
    ),
    (COIN, {"symbol": "BTC/USD", "side": "buy"}, "qty: give either"),
]
OUT_OF_BOUNDS: list[tuple[str, dict[str, Any], str]] = [
    (BUY, {"symbol": "AAPL", "quantity": 0}, "quantity"),
    (BUY, {"symbol": "AAPL", "quantity": "inf"}, "quantity"),
    (BUY, {"symbol": "A" * 13, "quantity": 1}, "symbol"),
    (LIMIT, AAPL | {"limit_price": -1}, "limit_price"),
    (LIMIT, AAPL, "limit_price"),
    (LIMIT, AAPL | {"limit_price": 9, "time_in_force": "ioc"}, "time_in_force"),
    ("sell_stock_trailing_stop", AAPL | {"trail_percent": 100}, "trail_percent"),
    (PLACE, {"symbol": "AAPL", "side": "hold"}, "side"),
    (COIN, {"symbol": "BTC/USD", "side": "buy", "time_in_force": "day"}, "time_in_force"),
    ("stock_orders", {"limit": 0}, "limit"),
    ("cancel_stock_order_by_id", {}, "order_id"),
]


async def test_a_market_order_is_shown_in_numbers_sent_once_and_filled(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        _, ask = touch(exchange, "AAPL")
        shown = await client.ask(BUY, **AAPL)
        preview = shown["preview"]
        assert (preview["effect"], preview["held"]) == ("opens", "0")
        assert Decimal(preview["ask"]) == ask
        assert Decimal(preview["value"]) == 2 * ask
        worst = 2 * ask * Decimal("0.21")  # 20 % of one company, 1 % of slip
        assert 0 <= Decimal(preview["max_loss"]) - worst < Decimal("0.01")
        assert exchange.orders() == before

        order = await client.confirmed(BUY, shown, **AAPL)
        done = await client.ended(order["client_order_id"])
        assert (done["status"], done["strategy"], done["filled_qty"]) == ("filled", "stock", "2")
        assert Decimal(done["filled_average"]) == ask
        placed = new(exchange, before)
        assert (placed["symbol"], placed["type"], placed["time_in_force"], placed["qty"]) == (
            "AAPL",
            "market",
            "day",
            "2",
        )
        assert placed["client_order_id"] == order["client_order_id"]
        assert placed["client_order_id"].startswith("spy0-")
        [held] = exchange.positions()
        assert (held["symbol"], held["qty"]) == ("AAPL", "2")
        told = await client.ask("reconcile_positions")
        assert (told["agrees"], told["differences"]) == (True, [])
        [newest] = (await client.ask("get_orders", limit=1))["orders"]
        assert newest == done
        assert (await client.ask("get_recent_orders", limit=1))["orders"] == [done]
        by_theirs = await client.ask("get_order_status", order_id=placed["id"])
        assert (by_theirs["order"], by_theirs["message"]) == (done, "filled: 2 of 2 filled.")


async def test_a_limit_rests_is_reserved_is_listed_and_is_canceled(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        bid, _ = touch(exchange, "AAPL")
        limit = float(bid - 20)
        order = await sent(client, LIMIT, **AAPL, limit_price=limit, time_in_force="gtc")
        assert (order["status"], order["terms"]) == ("accepted", f"limit {limit:g}, gtc")
        assert order["limit"] == order["working_limit"] == f"{limit:.2f}"
        [open_order] = (await client.ask("open_stock_orders"))["orders"]
        assert open_order["client_order_id"] == order["client_order_id"]
        assert (await client.ask("stock_orders", status="open"))["orders"] == [open_order]
        assert (await client.ask("reconcile_positions"))["agrees"]

        [loss] = [
            one for one in (await client.ask("risk_check"))["limits"] if one["name"] == "daily_loss"
        ]
        used = Decimal(loss["used"].strip("$").replace(",", ""))
        assert used >= 2 * Decimal(str(limit)) * Decimal("0.20")

        done = await client.ask("cancel_stock_order_by_id", order_id=order["order_id"])
        assert done["order"]["status"] == "canceled"
        again = await client.refusal("cancel_order", order_id=order["client_order_id"])
        assert again.startswith("[not_open]")
        assert exchange.orders("open") == []


async def test_stops_and_trails_wait_on_the_far_side_and_claim_what_they_sell(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        await bought(client, "AAPL", 4)
        bid, ask = touch(exchange, "AAPL")
        stop = await sent(
            client,
            "sell_stock_stop_loss",
            symbol="AAPL",
            quantity=1,
            stop_price=float(bid - 10),
            time_in_force="gtc",
        )
        trail = await sent(
            client, "sell_stock_trailing_stop", symbol="AAPL", quantity=1, trail_percent=5
        )
        dollars = await sent(
            client, "sell_stock_trailing_stop", symbol="AAPL", quantity=1, trail_price=9.5
        )
        target = await sent(
            client, "sell_stock_limit", symbol="AAPL", quantity=1, limit_price=float(ask + 10)
        )
        entry = await sent(client, "buy_stock_stop_loss", symbol="SPY", quantity=1, stop_price=720)
        chase = await sent(
            client, "buy_stock_trailing_stop", symbol="SPY", quantity=1, trail_percent=4
        )
        placed = {order["client_order_id"]: order for order in exchange.orders("open")}
        kinds = {
            name: placed[order["client_order_id"]]["type"]
            for name, order in {
                "stop": stop,
                "trail": trail,
                "dollars": dollars,
                "target": target,
                "entry": entry,
                "chase": chase,
            }.items()
        }
        assert kinds == {
            "stop": "stop",
            "trail": "trailing_stop",
            "dollars": "trailing_stop",
            "target": "limit",
            "entry": "stop",
            "chase": "trailing_stop",
        }
        told = placed[dollars["client_order_id"]]
        assert Decimal(told["trail_price"]) == Decimal("9.5")
        assert told["position_intent"] == "sell_to_close"
        assert free(exchange, "AAPL") == 0
        claimed = await client.refusal(SELL, symbol="AAPL", quantity=1)
        assert claimed.startswith("[limit_breached] reduce_only: allowed 0 of AAPL, would be 1")
        through = await client.refusal(
            "buy_stock_stop_loss", symbol="SPY", quantity=1, stop_price=100
        )
        assert "stop_price: allowed above" in through

        gone = await client.ask("cancel_all_stock_orders_tool")
        assert gone["canceled"] == len(gone["orders"]) == 6
        assert {one["client_order_id"] for one in gone["orders"]} == set(placed)
        assert exchange.orders("open") == []
        assert free(exchange, "AAPL") == 4
        assert (await client.ask("cancel_all_stock_orders_tool"))["canceled"] == 0


async def test_a_coin_is_bought_in_dollars_and_sold_in_parts(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        wanted = {"symbol": "btc/usd", "side": "buy", "notional": 200}
        shown = await client.ask(COIN, **wanted)
        assert shown["preview"]["value"] == "200.00"
        order = await client.confirmed(COIN, shown, **wanted)
        done = await client.ended(order["client_order_id"])
        assert (done["status"], done["strategy"], done["qty"]) == ("filled", "crypto", "$200")
        [held] = (await client.ask("get_positions"))["positions"]
        assert (held["symbol"], held["qty"]) == ("BTC/USD", done["filled_qty"])
        assert (await client.ask("reconcile_positions"))["agrees"]
        resting = await sent(
            client,
            COIN,
            symbol="BTC/USD",
            side="sell",
            quantity=round(float(held["qty"]) / 2, 6),
            order_type="limit",
            limit_price=200_000,
        )
        assert resting["status"] == "accepted"
        assert (await client.ask("cancel_all_stock_orders_tool"))["canceled"] == 1
        sold = await sent(client, COIN, symbol="BTC/USD", side="sell", quantity=float(held["qty"]))
        assert (await client.ended(sold["client_order_id"]))["status"] == "filled"
        assert exchange.positions() == []


async def test_any_order_takes_parts_dollars_and_a_name_of_ones_own(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        part = {"symbol": "aapl", "side": "buy", "quantity": "0.25"}
        order = await sent(client, PLACE, **part, client_order_id="mine-1")
        assert order["client_order_id"] == "mine-1"
        assert (await client.ended("mine-1"))["filled_qty"] == "0.25"
        shown = await client.ask(PLACE, **part, client_order_id="mine-1")
        again = await client.refusal(
            PLACE,
            **part,
            client_order_id="mine-1",
            preview=False,
            confirm_token=shown["confirm_token"],
        )
        assert again.startswith("[bad_argument] client_order_id: an order mine-1 was sent before")
        await client.ended(
            (await sent(client, PLACE, symbol="AAPL", side="buy", notional=50))["client_order_id"]
        )
        [held] = exchange.positions()
        assert Decimal("0.25") < Decimal(held["qty"]) < 1


async def test_an_options_order_is_not_canceled_as_a_stocks(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        wanted = {"limit": 0.01, "right": "call", "delta": 30}
        option = await sent(client, "buy_option_limit", **wanted)
        assert option["status"] == "accepted"
        told = await client.refusal("cancel_stock_order_by_id", order_id=option["order_id"])
        assert "is an order in options" in told
        assert (await client.ask("stock_orders", status="open"))["orders"] == []
        assert (await client.ask("cancel_all_stock_orders_tool"))["orders"] == []
        [left] = exchange.orders("open")
        assert left["id"] == option["order_id"]


async def test_what_makes_no_order_is_refused_in_words_and_nothing_is_sent(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        for tool, arguments, why in REFUSED:
            told = await client.refusal(tool, **arguments)
            assert told.startswith(f"[bad_argument] {why}"), told
        for tool, arguments, name in OUT_OF_BOUNDS:
            told = await client.refusal(tool, **arguments)
            assert told.startswith(f"[bad_argument] {name}"), told
        unlisted = await client.refusal(BUY, symbol="ZZZZ", quantity=1)
        assert "order_form: allowed what the broker trades, would be ZZZZ is not listed" in unlisted
        wild = await client.refusal(LIMIT, **AAPL, limit_price=900)
        assert "limit_price: allowed at most" in wild
    assert exchange.orders() == before


async def test_the_exits_of_an_entry_are_ours_from_the_first_to_the_last(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        bid, ask = touch(exchange, "AAPL")
        wanted = AAPL | {
            "side": "buy",
            "time_in_force": "gtc",
            "take_profit_limit_price": float(ask + 1),
            "stop_loss_stop_price": float(bid - 1),
        }
        shown = await client.ask(PLACE, **wanted)
        assert "its exits are kept by the broker" in shown["preview"]["notes"][0]
        order = await client.confirmed(PLACE, shown, **wanted)
        assert (await client.ended(order["client_order_id"]))["order_class"] == "bracket"
        exits = (await client.ask("open_stock_orders"))["orders"]
        assert {one["exit_of"] for one in exits} == {order["client_order_id"]}
        assert {one["client_order_id"] for one in exits} == {
            one["client_order_id"] for one in exchange.orders("open")
        }
        assert {one["legs"][0]["intent"] for one in exits} == {"sell_to_close"}
        assert (await client.ask("reconcile_positions"))["agrees"]
        claimed = await client.refusal(SELL, **AAPL)
        assert "reduce_only: allowed 0 of AAPL" in claimed
        second = await client.refusal(
            PLACE, **(AAPL | {"side": "sell", "stop_loss_stop_price": float(ask + 9)})
        )
        assert second.startswith("[bad_argument] take_profit and stop_loss go with an order that")

        while exchange.positions():
            exchange.step(timedelta(minutes=1))
        ends = [await client.ended(one["client_order_id"]) for one in exits]
        assert sorted(one["status"] for one in ends) == ["canceled", "filled"]
        assert exchange.positions() == []
        assert (await client.ask("reconcile_positions"))["agrees"]
