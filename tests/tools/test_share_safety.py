"""What holds up an order in a stock or a coin, and what never does; one send, whatever happens."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.desk import Desk, text_of
from tests.exchange import Exchange
from tests.tools.market import PATIENT, until
from tests.tools.shares import AAPL, BUY, COIN, LIMIT, PLACE, SELL, bought, new, sent, touch

pytestmark = pytest.mark.usefixtures("flat_after")


async def test_a_token_is_for_one_call_and_confirms_it_once_however_often_it_is_sent(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client, desk.client("other") as stranger:
        await client.ready()
        before = exchange.orders()
        token = (await client.ask(BUY, **AAPL))["confirm_token"]
        confirm = {"preview": False, "confirm_token": token}
        wrong = await client.refusal(BUY, **AAPL, preview=False, confirm_token="x" * 22)
        assert wrong.startswith("[preview_not_found]")
        more = await client.refusal(BUY, symbol="AAPL", quantity=3, **confirm)
        assert more.startswith("[preview_mismatch] the token is for buy 2 AAPL market, day")
        sale = await client.refusal(SELL, **AAPL, **confirm)
        assert sale.startswith("[preview_mismatch]")
        assert (await stranger.refusal(BUY, **AAPL, **confirm)).startswith("[preview_not_found]")
        condor = await client.refusal("iron_condor_30_delta", **confirm)
        assert condor.startswith("[preview_not_found]")
        assert exchange.orders() == before

        calls = [client.mcp.call_tool(BUY, AAPL | confirm) for _ in range(6)]
        answers = await asyncio.gather(*calls)
        assert sum(not answer.is_error for answer in answers) == 1
        refusals = [text_of(answer) for answer in answers if answer.is_error]
        assert all(told.startswith("[preview_not_found]") for told in refusals)
        new(exchange, before)


async def test_more_than_is_held_is_not_sold_and_all_of_it_is(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        await bought(client, "AAPL", 2)
        told = await client.refusal(SELL, symbol="AAPL", quantity=3)
        assert told.startswith("[limit_breached] reduce_only: allowed 2 of AAPL, would be 3")
        dollars = await client.refusal(PLACE, symbol="AAPL", side="sell", notional=10)
        assert "reduce_only: allowed a quantity of at most 2" in dollars
        shown = await client.ask(SELL, **AAPL)
        assert shown["preview"]["effect"] == "closes"
        assert (shown["preview"]["max_loss"], shown["preview"]["limits"]) == (None, {})
        order = await client.confirmed(SELL, shown, **AAPL)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        assert exchange.positions() == []
        assert (await client.ask("reconcile_positions"))["agrees"]


async def test_a_short_sale_is_bounded_like_a_purchase_and_bought_back(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        bid, ask = touch(exchange, "AAPL")
        shown = await client.ask(SELL, symbol="AAPL", quantity=1)
        assert shown["preview"]["effect"] == "opens"
        assert Decimal(shown["preview"]["max_loss"]) >= bid * Decimal("0.21")
        assert Decimal(shown["preview"]["buying_power_needed"]) >= ask
        parts = await client.refusal(SELL, symbol="AAPL", quantity=0.5)
        assert "AAPL cannot be sold short so" in parts
        coin = await client.refusal(COIN, symbol="BTC/USD", side="sell", quantity=0.001)
        assert "BTC/USD cannot be sold short so" in coin

        order = await client.confirmed(SELL, shown, symbol="AAPL", quantity=1)
        assert (await client.ended(order["client_order_id"]))["legs"][0]["intent"] == "sell_to_open"
        [held] = exchange.positions()
        assert (held["symbol"], held["qty"]) == ("AAPL", "-1")
        back = await sent(client, BUY, symbol="AAPL", quantity=1)
        assert (await client.ended(back["client_order_id"]))["legs"][0]["intent"] == "buy_to_close"
        assert exchange.positions() == []


async def test_the_loss_budget_refuses_with_its_numbers_before_and_after_a_fill(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        before = exchange.orders()
        told = await client.refusal(BUY, symbol="AAPL", quantity=10)
        _, ask = touch(exchange, "AAPL")
        worst = 10 * ask * Decimal("0.21")
        assert told.startswith("[limit_breached] daily_loss: allowed $500.00, would be $")
        assert f"${worst:,.2f} of it this order" in told
        huge = await client.refusal(BUY, symbol="SPY", quantity=60)
        assert "delta: allowed -50 to +50 shares, would be +60.0 shares" in huge
        assert exchange.orders() == before

        await bought(client, "AAPL", 5)
        second = await client.refusal(BUY, symbol="AAPL", quantity=5)
        assert "daily_loss: allowed $500.00" in second
        option = await client.refusal("iron_condor_30_delta", width=4)
        assert "daily_loss: allowed $500.00" in option  # one budget for both


async def test_a_price_that_left_what_was_shown_is_shown_anew(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(BUY, **AAPL)
        before, ask = exchange.orders(), Decimal(shown["preview"]["ask"])
        while abs(touch(exchange, "AAPL")[1] - ask) <= ask * Decimal("0.0025"):
            exchange.step(timedelta(minutes=5))
        confirm = {"preview": False, "confirm_token": shown["confirm_token"]}
        moved = await client.ask(BUY, **AAPL, **confirm)
        assert moved["status"] == "price_moved"
        assert moved["message"].startswith("[price_moved]")
        assert moved["confirm_token"] != shown["confirm_token"]
        assert exchange.orders() == before
        order = await client.confirmed(BUY, moved, **AAPL)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"


async def test_a_kill_stops_purchases_cancels_them_and_lets_a_sale_out(
    exchange: Exchange, tmp_path: Path
) -> None:
    account = exchange.tenant()
    with Desk.start(tmp_path, account, **PATIENT, broker_lock="false") as desk:
        async with desk.client() as client:
            await client.ready()
            await bought(client, "AAPL", 2)
            bid, ask = touch(account, "AAPL")
            entry = await sent(client, LIMIT, **AAPL, limit_price=float(bid - 20))
            stop = await sent(
                client, "sell_stock_limit", symbol="AAPL", quantity=1, limit_price=float(ask + 20)
            )
            waiting = await client.ask(BUY, symbol="SPY", quantity=1)
            await client.ask("kill_switch")
            assert (await client.ended(entry["client_order_id"]))["status"] == "canceled"
            for told in (
                await client.refusal(BUY, symbol="SPY", quantity=1),
                await client.refusal(
                    BUY,
                    symbol="SPY",
                    quantity=1,
                    preview=False,
                    confirm_token=waiting["confirm_token"],
                ),
            ):
                assert told.startswith("[kill_switch]")
            [open_order] = account.orders("open")
            assert open_order["client_order_id"] == stop["client_order_id"]  # what closes stays
            sold = await sent(client, SELL, symbol="AAPL", quantity=1)
            assert (await client.ended(sold["client_order_id"]))["status"] == "filled"
            done = await client.ask("flatten_all")
            assert done["flat"]
            assert [order["strategy"] for order in done["closing_orders"]] == ["stock"]
            assert account.positions() == []


async def test_an_uncertain_send_is_looked_up_and_never_sent_again(
    exchange: Exchange, tmp_path: Path
) -> None:
    account = exchange.tenant()
    with Desk.start(tmp_path, account, **PATIENT, broker_timeout="2") as desk:
        async with desk.client() as client:
            await client.ready()
            shown = await client.ask(BUY, **AAPL)
            confirm = {"preview": False, "confirm_token": shown["confirm_token"]}
            exchange.fault(
                kind="timeout_after_accept", path="/v2/orders", method="POST", seconds=30
            )
            try:
                told = await client.refusal(BUY, **AAPL, **confirm)
                assert told.startswith("[order_uncertain] order spy0-")
                again = await client.refusal(BUY, **AAPL, **confirm)
                assert again.startswith("[preview_not_found]")
            finally:
                exchange.clear_faults()
            [placed] = account.orders()
            found = await client.ended(placed["client_order_id"])
            assert (found["status"], found["order_id"]) == ("filled", placed["id"])

            async def agreed() -> bool:
                return bool((await client.ask("reconcile_positions"))["agrees"])

            await until(agreed, "the order that was uncertain is not in the books")
            assert len(account.orders()) == 1
