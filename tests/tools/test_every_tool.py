"""What holds for every tool, and the tools that only read, against the exchange's own answers."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from common.contracts import Right
from common.session import new_york_text
from tests.builders import contract
from tests.desk import Desk, Era, text_of
from tests.exchange import Exchange
from tests.tools.listing import listed
from tests.tools.market import SHARES, touches
from tools.schemas import BRIEF

DAY = date(2026, 12, 8)
TOOLS = listed()
CONDOR = "iron_condor_30_delta"

WRONG: list[tuple[str, dict[str, Any]]] = [
    (CONDOR, {"width": 0}),
    (CONDOR, {"width": 51}),
    (CONDOR, {"width": "wide"}),
    (CONDOR, {"short_delta": 50}),
    (CONDOR, {"contracts": 0}),
    (CONDOR, {"contracts": -1}),
    (CONDOR, {"contracts": 101}),
    (CONDOR, {"contracts": 1e30}),
    (CONDOR, {"contracts": 1.5}),
    (CONDOR, {"confirm_token": "x" * 65}),
    (CONDOR, {"preview": "perhaps"}),
    ("orb_long_call", {"range_minutes": 10}),
    ("orb_long_call", {"strike_delta": 81}),
    ("orb_long_put", {"strike_delta": 4}),
    ("risk_check", {"strategy": "straddle"}),
    ("risk_check", {"width": 0}),
    ("risk_check", {"delta": 1}),
    ("risk_check", {"right": "straddle"}),
    ("kill_switch", {"enable": "perhaps"}),
    ("get_orders", {"status": "done"}),
    ("get_orders", {"limit": 0}),
    ("get_orders", {"limit": 101}),
    ("get_order_status", {"order_id": "x" * 129}),
    ("cancel_order", {"order_id": None}),
    ("get_option_snapshot", {"symbol_or_symbols": ["SPY"] * 41}),
    ("get_option_snapshot", {"symbol_or_symbols": "SPY"}),
    ("get_option_snapshot", {"symbol_or_symbols": {"a": 1}}),
]
READING = [
    "get_account_info",
    "get_positions",
    "get_orders",
    "show_pnl",
    "portfolio_delta",
    "risk_check",
    "streaming_status",
    "get_market_clock",
    "get_option_snapshot",
    "health_check",
]


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_every_tool_is_listed_as_it_is_snapshot(desk: Desk, era: Era) -> None:
    async with desk.client(era=era) as client:
        found = (await client.mcp.list_tools()).tools
    assert [tool.name for tool in found] == list(TOOLS)
    for tool in found:
        assert tool.input_schema == TOOLS[tool.name].parameters
        assert tool.output_schema == BRIEF
        assert tool.annotations == TOOLS[tool.name].annotations


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_every_tool_refuses_what_it_does_not_know_and_does_nothing(
    desk: Desk, exchange: Exchange, era: Era
) -> None:
    before = exchange.orders()
    async with desk.client(era=era) as client:
        await client.ready()
        for name, tool in TOOLS.items():
            known = list(tool.parameters["properties"])
            wrong = f"{known[0]}s" if known else "force"
            told = await client.refusal(name, **{wrong: 1})
            assert told.startswith(f"[unknown_argument] {name} has no argument '{wrong}'")
            assert "nothing was done" in told
            assert f"did you mean '{known[0]}'?" in told if known else "without arguments" in told
        told = await client.refusal("flaten_all")
        assert (
            told
            == "[unknown_tool] there is no tool 'flaten_all'. Next: did you mean 'flatten_all'?"
        )
        assert (await client.ask("health_check"))["halt"] == "active"
    assert exchange.orders() == before


async def test_an_argument_out_of_bounds_is_refused_by_name_and_nothing_is_done(
    desk: Desk, exchange: Exchange
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        for tool, arguments in WRONG:
            told = await client.refusal(tool, **arguments)
            [name] = arguments
            assert told.startswith(f"[bad_argument] {name}"), told
            assert ". Next: correct the " in told
            assert "pydantic" not in told
        for tool in ("get_order_status", "cancel_order"):
            assert (await client.refusal(tool)).startswith(
                "[bad_argument] order_id: Field required"
            )
    assert exchange.orders() == before


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_every_answer_says_the_mode_and_its_text_is_its_json(desk: Desk, era: Era) -> None:
    async with desk.client(era=era) as client:
        await client.ready()
        for tool in READING:
            answer = await client.mcp.call_tool(tool, {})
            assert answer.structured_content is not None, text_of(answer)
            assert answer.structured_content["mode"] == "paper"
            assert json.loads(text_of(answer)) == answer.structured_content
            assert "\n" not in text_of(answer)


async def test_numbers_and_lists_may_come_as_text(desk: Desk) -> None:
    symbols = [contract(677, right, expiry=DAY).symbol for right in Right]
    async with desk.client() as client:
        await client.ready()
        assert len((await client.ask("get_orders", limit="5"))["orders"]) <= 5
        for given in (symbols, json.dumps(symbols), ",".join(symbols), ", ".join(symbols)):
            shown = await client.ask("get_option_snapshot", symbol_or_symbols=given)
            assert [row["symbol"] for row in shown["options"]] == symbols
        alone = await client.ask("get_option_snapshot", symbol_or_symbols=symbols[0].lower())
        assert [row["symbol"] for row in alone["options"]] == symbols[:1]


async def test_option_quotes_are_the_exchanges_and_greeks_hang_together(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask("get_option_snapshot")
        assert (shown["underlying"], shown["expiry"]) == ("SPY", "2026-12-08")
        assert shown["minutes_to_close"] == pytest.approx(355, abs=0.5)
        rows = {row["symbol"]: row for row in shown["options"]}
        assert len(rows) == 20
        for symbol, touch in touches(exchange, rows).items():
            row = rows[symbol]
            assert (Decimal(row["bid"]), Decimal(row["ask"])) == (touch.bid, touch.ask)
            assert row["flag"] == "ok"
            assert row["gamma"] > 0 > row["theta_per_minute"]
            assert 0.03 < row["iv"] < 1
        spot = Decimal(shown["spot"])
        for strike in (round(spot) - 2, round(spot), round(spot) + 2):
            call, put = (rows[contract(strike, right, expiry=DAY).symbol] for right in Right)
            assert call["delta"] - put["delta"] == pytest.approx(1, abs=0.02)
            parity = Decimal(call["mid"]) - Decimal(put["mid"]) + strike
            assert abs(parity - spot) < Decimal("0.25")


async def test_a_contract_that_is_not_todays_is_refused(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        tomorrow = contract(677, Right.CALL, expiry=date(2026, 12, 9)).symbol
        told = await client.refusal("get_option_snapshot", symbol_or_symbols=tomorrow)
        assert told.startswith(f"[no_such_contract] {tomorrow} is not in today's chain")
        other = await client.refusal("get_option_snapshot", symbol_or_symbols="AAPL261208C00200000")
        assert other.startswith("[no_such_contract] AAPL261208C00200000")


async def test_account_clock_and_positions_are_the_exchanges(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        order = await client.confirmed(CONDOR, await client.ask(CONDOR, width=1), width=1)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        shown, account = await client.ask("get_account_info"), exchange.get("/v2/account")
        assert shown["account"] == account["account_number"]
        for name in ("equity", "last_equity", "cash", "buying_power", "options_buying_power"):
            assert Decimal(shown[name]) == Decimal(account[name]), name
        assert (shown["options_level"], shown["blocked"]) == (3, None)

        held = {one["symbol"]: one for one in (await client.ask("get_positions"))["positions"]}
        theirs = {one["symbol"]: one for one in exchange.positions()}
        assert set(held) == set(theirs) == {leg["symbol"] for leg in order["legs"]}
        for symbol, one in theirs.items():
            assert Decimal(held[symbol]["qty"]) == Decimal(one["qty"])
            assert Decimal(held[symbol]["average_entry"]) == Decimal(one["avg_entry_price"])
            assert Decimal(held[symbol]["cost_basis"]) == Decimal(one["cost_basis"])
            assert Decimal(held[symbol]["cost_basis"]) == (
                Decimal(one["qty"]) * Decimal(one["avg_entry_price"]) * SHARES
            )

        clock = await client.ask("get_market_clock")
        assert clock["now"] >= new_york_text(exchange.now())
        assert (clock["is_open"], clock["session"]) == (True, "2026-12-08")
        assert clock["next_close"] == "2026-12-08 16:00:00 EST"
        assert clock["no_entry_after"] == "2026-12-08 15:20:00 EST"
        assert clock["positions_flat_by"] == "2026-12-08 15:25:00 EST"
        assert clock["broker_last_order"] == "2026-12-08 15:30:00 EST"


async def test_health_names_every_check_and_probes_the_broker(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        health = await client.ready()
        assert (health["reasons"], health["halt"]) == ([], "active")
        assert {"broker", "orders", "kill switch", "chain", "job exits"} <= set(health["checks"])
        exchange.options["port"] = str(urlsplit(exchange.url).port)
        exchange.kill9()
        try:
            down = await client.ask("health_check")
        finally:
            exchange.launch()
        assert not down["ready"]
        assert any(reason.startswith("broker: ") for reason in down["reasons"])
        assert (await client.ready())["reasons"] == []
