"""Profit and loss, greeks, limits and the way out, to the cent with the exchange's own books."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import PATIENT, SHARES, Reply, exit_value, touches

pytestmark = pytest.mark.usefixtures("flat_after")

CONDOR = "iron_condor_30_delta"
CALL = "orb_long_call"
OPENING = Decimal(100_000)


@pytest.fixture
def desk(exchange: Exchange, tmp_path: Path) -> Iterator[Desk]:
    """Start a desk without a past: the breakout is entered once a session."""
    with Desk.start(tmp_path, exchange, **PATIENT) as desk:
        yield desk


async def open_two(client: DeskClient) -> list[Reply]:
    """Open a condor and a call that share no contract."""
    await client.ready()
    filled = []
    for tool, arguments in ((CONDOR, {"width": 2}), (CALL, {"strike_delta": 45})):
        order = await client.confirmed(tool, await client.ask(tool, **arguments), **arguments)
        filled.append(await client.ended(order["client_order_id"]))
    assert [order["status"] for order in filled] == ["filled", "filled"]
    return filled


async def test_profit_and_loss_agrees_with_the_exchanges_books_to_the_cent(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        before = await client.ask("show_pnl")
        await open_two(client)
        shown = await client.ask("show_pnl")
        account, positions = exchange.get("/v2/account"), exchange.positions()
        assert (shown["mode"], shown["day"]) == ("paper", "2026-12-08")
        assert Decimal(shown["opening_equity"]) == OPENING

        value = sum((exit_value(exchange, held) for held in positions), Decimal(0))
        cost = sum((Decimal(held["cost_basis"]) for held in positions), Decimal(0))
        cash = Decimal(account["cash"])
        assert Decimal(shown["session"]) == cash + value - OPENING
        assert Decimal(shown["open"]) == value - cost
        assert Decimal(shown["realized"]) == cash + cost - OPENING
        assert Decimal(shown["equity_at_broker"]) == Decimal(account["equity"])
        assert Decimal(shown["session_at_mid"]) >= Decimal(shown["session"])
        fees = Decimal(shown["fees"]) - Decimal(before["fees"])
        assert fees == Decimal(before["realized"]) - Decimal(shown["realized"]) > 0
        for held in shown["positions"]:
            touch = touches(exchange, [held["symbol"]])[held["symbol"]]
            leaves = touch.bid if Decimal(held["qty"]) > 0 else touch.ask
            assert Decimal(held["exit_price"]) == leaves
        assert shown["unknown"] == []

        assert (await client.ask("flatten_all"))["flat"]
        after = await client.ask("show_pnl")
        equity = Decimal(exchange.get("/v2/account")["equity"])
        assert Decimal(after["session"]) == Decimal(after["realized"]) == equity - OPENING
        assert (after["open"], after["positions"]) == ("0.00", [])


async def test_the_portfolios_delta_is_the_sum_of_its_legs(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        empty = await client.ask("portfolio_delta")
        assert empty["total"]["delta_shares"] == 0
        assert empty["holdings"] == []
        await open_two(client)
        shown = await client.ask("portfolio_delta")
        held = {one["symbol"]: one for one in shown["holdings"]}
        chain = await client.ask("get_option_snapshot", symbol_or_symbols=list(held))
        assert len(held) == 5
        for row in chain["options"]:
            one = held[row["symbol"]]
            assert one["greeks"]["delta_shares"] == pytest.approx(
                row["delta"] * one["qty"] * SHARES, abs=0.1
            )
        total = sum(one["greeks"]["delta_shares"] for one in held.values())
        assert shown["total"]["delta_shares"] == pytest.approx(total, abs=0.1)
        assert shown["unknown"] == []


async def test_a_risk_check_tells_each_limit_before_and_after_a_trade_and_sends_nothing(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        now = await client.ask("risk_check")
        assert (now["mode"], now["ok"], now["halt"]) == ("paper", True, "active")
        wide = await client.ask("risk_check", strategy=CONDOR)
        assert not wide["ok"]
        refused = [limit["name"] for limit in wide["limits"] if not limit["ok"]]
        assert refused == ["daily_loss", "trade_risk", "strategy_risk"]  # two follow the first
        narrow = await client.ask("risk_check", strategy=CONDOR, width=1, contracts=2)
        assert narrow["ok"]
        preview = (await client.ask(CONDOR, width=1, contracts=2))["preview"]
        [loss] = [limit for limit in narrow["limits"] if limit["name"] == "daily_loss"]
        assert f"${preview['max_loss']} of it this order" in loss["used"]
        [budget] = [limit for limit in now["limits"] if limit["name"] == "daily_loss"]
        left = Decimal(budget["room"].removeprefix("$")) - Decimal(preview["max_loss"])
        assert loss["room"] == f"${left:.2f}"
        untriggered = await client.refusal("risk_check", strategy="orb_long_put")
        assert untriggered.startswith("[not_triggered]")
    assert exchange.orders() == before


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("option_credit_spread", {"right": "put"}),
        ("option_debit_spread", {"right": "call", "delta": 40, "width": 1, "contracts": 2}),
        ("buy_option_limit", {"right": "put", "delta": 20, "limit": 0.5}),
    ],
)
async def test_a_risk_check_of_an_order_by_hand_is_what_its_own_preview_says(
    desk: Desk, tool: str, given: dict[str, Any]
) -> None:
    async with desk.client() as client:
        await client.ready()
        checked = await client.ask("risk_check", strategy=tool, **given)
        [loss] = [limit for limit in checked["limits"] if limit["name"] == "daily_loss"]
        preview = (await client.ask(tool, **given))["preview"]
        assert f"${preview['max_loss']} of it this order" in loss["used"]


async def test_a_risk_check_refuses_as_the_tool_would(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        early = await client.refusal("risk_check", strategy="lotto_play_5_delta", right="put")
        assert early.startswith("[not_triggered] the window opens at")
        priceless = await client.refusal("risk_check", strategy="buy_option_limit")
        assert priceless.startswith("[bad_argument] limit: buy_option_limit has none of its own")


async def test_a_loss_takes_room_and_what_is_open_counts_at_its_worst(desk: Desk) -> None:
    async with desk.client() as client:
        await open_two(client)
        shown = await client.ask("show_pnl")
        [loss] = [
            limit
            for limit in (await client.ask("risk_check"))["limits"]
            if limit["name"] == "daily_loss"
        ]
        used = Decimal(loss["used"].removeprefix("$"))
        assert used > -Decimal(shown["session"]) > 0
        assert Decimal(loss["room"].removeprefix("$")) == 500 - used


async def test_flattening_takes_off_two_trades_and_others_orders_and_is_safe_to_repeat(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        opened = await open_two(client)
        outside = [
            exchange.request("POST", "/v2/orders", order).body["id"]
            for order in (
                resting("SPY261208C00690000", "0.01"),
                resting("SPY", "1.00"),
                resting("SPY261208P00668000", "0.01"),
            )
        ]
        done = await client.ask("flatten_all")
        assert (done["mode"], done["flat"], done["canceled_orders"]) == ("paper", True, 3)
        assert (done["positions_left"], done["orders_left"]) == ([], [])
        assert exchange.positions() == []
        assert exchange.orders("open") == []
        assert {exchange.get(f"/v2/orders/{one}")["status"] for one in outside} == {"canceled"}

        closing = {order["client_order_id"]: order for order in done["closing_orders"]}
        assert len(closing) == 2
        placed = {one["client_order_id"]: one for one in exchange.orders()}
        assert {placed[cid]["order_class"] for cid in closing} == {"mleg", "simple"}
        assert {placed[cid]["type"] for cid in closing} == {"limit"}
        undone = [sorted(leg["symbol"] for leg in order["legs"]) for order in opened]
        assert sorted(undone) == sorted(
            sorted(leg["symbol"] for leg in order["legs"]) for order in closing.values()
        )

        count = len(exchange.orders())
        again = await client.ask("flatten_all")
        assert (again["flat"], again["canceled_orders"], again["closing_orders"]) == (True, 0, [])
    assert len(exchange.orders()) == count


def resting(symbol: str, limit: str) -> Reply:
    """Return an order too far away to fill."""
    return {
        "symbol": symbol,
        "qty": "1",
        "side": "buy",
        "type": "limit",
        "limit_price": limit,
        "time_in_force": "day",
    }
