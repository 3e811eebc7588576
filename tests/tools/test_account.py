"""The account as the broker keeps it: figures, settings, its past, and the options it held."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from common.contracts import Right
from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.market import SHARES, followed
from tests.tools.test_custom_legs import MARKET, at_the_money, leg, put_spread, traded

pytestmark = pytest.mark.usefixtures("flat_after")


async def test_figures_flags_and_settings_are_the_exchanges(desk: Desk, exchange: Exchange) -> None:
    account = exchange.get("/v2/account")
    settings = exchange.get("/v2/account/configurations")
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask("account_details")
        assert Decimal(shown["figures"]["regt_buying_power"]) == Decimal(
            account["regt_buying_power"]
        )
        assert shown["flags"]["shorting_enabled"] is account["shorting_enabled"]
        assert shown["words"]["status"] == "ACTIVE"
        config = await client.ask("get_account_config")
        assert config["flags"]["suspend_trade"] is settings["suspend_trade"]
        assert config["figures"]["max_options_trading_level"] == "3"
        assert await client.ask("account_info") == await client.ask("get_account_info")
        for tool in ("account_info", "account_details", "get_account_config"):
            assert (await client.refusal(tool, account=1)).startswith("[unknown_argument]")


async def test_what_happened_is_listed_newest_first_a_page_at_a_time(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        order = await traded(client, MARKET, legs=put_spread(await at_the_money(client)))
        found = await client.ask("get_account_activities", activity_types="fill", limit=2)
        theirs = exchange.get("/v2/account/activities/FILL")[:2]
        assert [one["id"] for one in found["activities"]] == [one["id"] for one in theirs]
        assert {one["symbol"] for one in found["activities"]} == {
            one["symbol"] for one in order["legs"]
        }
        for one, told in zip(found["activities"], theirs, strict=True):
            assert Decimal(one["price"]) == Decimal(told["price"])
            assert (one["type"], one["untrusted_description"]) == ("FILL", None)
        page = await client.ask("get_account_activities", limit=1)
        assert page["truncated"] is True
        rest = await client.ask("get_account_activities", cursor=page["next_cursor"])
        everything = [one["id"] for one in exchange.get("/v2/account/activities")]
        shown = [one["id"] for one in (*page["activities"], *rest["activities"])]
        assert shown == everything[:21]
        cash = await client.ask("get_account_activities", activity_types="JNLC")
        assert [one["net_amount"] for one in cash["activities"]] == ["100000.00"]
        leg_ids = {one["order_id"] for one in found["activities"]}
        own = await client.ask("get_account_activities", order_id=leg_ids.pop())
        assert len(own["activities"]) == 1
        told = await client.refusal("get_account_activities", limit=100)
        assert told.startswith("[bad_argument] limit")
        told = await client.refusal("get_account_activities", after="yesterday")
        assert told.startswith("[broker_refused]"), told


async def test_equity_is_told_by_rising_time_a_page_at_a_time(
    desk: Desk, exchange: Exchange
) -> None:
    exchange.step(timedelta(minutes=6))
    theirs = exchange.get("/v2/account/portfolio/history", period="1D", timeframe="1Min")
    count = len(theirs["timestamp"])
    assert count > 3
    async with desk.client() as client:
        await client.ready()
        await followed(client, exchange)
        wanted = {"period": "1D", "timeframe": "1Min"}
        first = await client.ask("get_portfolio_history", **wanted, limit=3)
        assert (first["truncated"], first["total"], len(first["points"])) == (True, count, 3)
        assert Decimal(first["base_value"]) == round(Decimal(str(theirs["base_value"])), 2)
        rest = await client.ask("get_portfolio_history", **wanted, cursor=first["next_cursor"])
        assert rest["truncated"] is False
        points = [*first["points"], *rest["points"]]
        assert [Decimal(one["equity"]) for one in points] == [
            Decimal(str(value)).quantize(Decimal("0.01")) for value in theirs["equity"]
        ]
        for wrong, why in (
            ({"cursor": "soon"}, "[bad_argument] cursor"),
            ({"timeframe": "2Min"}, "[bad_argument] timeframe"),
            ({"period": "eternal"}, "[bad_argument] period"),
            ({"period": "1X"}, "[broker_refused]"),
        ):
            told = await client.refusal("get_portfolio_history", **wrong)
            assert told.startswith(why), told


async def test_a_holding_tells_the_trade_it_belongs_to(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        order = await traded(client, MARKET, legs=put_spread(await at_the_money(client)))
        symbol = order["legs"][1]["symbol"]
        shown = await client.ask("get_open_position", symbol=symbol.lower())
        assert (shown["position"]["symbol"], shown["position"]["qty"]) == (symbol, "-1")
        assert (shown["opened_by"], shown["strategy"]) == (
            order["client_order_id"],
            "option_order",
        )
        assert shown["exit"].startswith("armed: stop 2x, target 50%")
        told = await client.refusal("get_open_position", symbol="SPY261208C00999000")
        assert told.startswith("[bad_argument] symbol: nothing of SPY261208C00999000 is held")
        told = await client.refusal("get_open_position", symbol="x" * 22)
        assert told.startswith("[bad_argument] symbol")


async def test_options_are_summed_by_expiry_with_their_greeks(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        spot = await at_the_money(client)
        assert (await client.ask("aggregate_option_positions"))["groups"] == []
        await traded(client, MARKET, legs=put_spread(spot), quantity=2)
        await traded(client, MARKET, legs=[leg(spot + 5, Right.CALL, "buy")])
        [group] = (await client.ask("aggregate_option_positions"))["groups"]
        held = exchange.positions()
        assert (group["underlying"], group["expiry"]) == ("SPY", "2026-12-08")
        assert (group["contracts"], group["net_qty"]) == (3, "1")
        for name in ("cost_basis", "market_value"):
            told = {"cost_basis": "cost", "market_value": "value"}[name]
            assert Decimal(group[told]) == sum(Decimal(one[name]) for one in held)
        whole = (await client.ask("portfolio_delta"))["total"]
        assert group["greeks"] == whole
        assert group["unknown"] == []
        listed = (await client.ask("open_option_positions"))["positions"]
        assert {one["symbol"] for one in listed} == {one["symbol"] for one in held}


async def test_what_was_closed_is_still_told_with_the_cash_it_brought(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        wanted = leg(await at_the_money(client) + 7, Right.CALL, "buy")  # nobody else's
        symbol = wanted["symbol"]
        bought = await traded(client, MARKET, legs=[wanted])
        shown = await client.ask("all_option_positions")
        [one] = [row for row in shown["contracts"] if row["symbol"] == symbol]
        assert (one["status"], one["held"], shown["complete"]) == ("open", "1", True)
        sold = await traded(client, "close_position", symbol=symbol)
        shown = await client.ask("all_option_positions", after="2026-12-08")
        [one] = [row for row in shown["contracts"] if row["symbol"] == symbol]
        cash = -(Decimal(bought["filled_average"]) + Decimal(sold["filled_average"])) * SHARES
        assert Decimal(one["net_cash"]) == cash
        assert (one["status"], one["held"]) == ("closed", "0")
        assert Decimal(one["bought"]) == Decimal(one["sold"])
