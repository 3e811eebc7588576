"""What a host is told of each tool, held to a snapshot: a change of it is a change of the product.

After a change that is meant, rewrite the snapshots and read the difference:

    python -m tests.tools.listing && git diff tests/snapshots
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from mcp.types import ToolAnnotations

from alpaca_mcp_server import toolsets
from common.toolsets import TOOLSETS
from tests.tools.listing import SNAPSHOTS, listed, shown, snapshot, text
from tools.catalog import Catalog
from tools.toolset import ERASES, HALTS, READS, SWITCHES, TRADES
from tools.views import View

EFFECTS: dict[str, ToolAnnotations] = {
    "orb_long_call": TRADES,
    "orb_long_put": TRADES,
    "iron_condor_30_delta": TRADES,
    "lotto_play_5_delta": TRADES,
    "option_credit_spread": TRADES,
    "option_debit_spread": TRADES,
    "buy_option_limit": TRADES,
    "sell_option_limit": TRADES,
    "place_option_market_order": TRADES,
    "place_option_order": TRADES,
    "replace_order_by_id": TRADES,
    "close_position": TRADES,
    "exercise_options_position": TRADES,
    "do_not_exercise_options_position": TRADES,
    "buy_stock_market": TRADES,
    "buy_stock_limit": TRADES,
    "buy_stock_stop_loss": TRADES,
    "buy_stock_trailing_stop": TRADES,
    "sell_stock_market": TRADES,
    "sell_stock_limit": TRADES,
    "sell_stock_stop_loss": TRADES,
    "sell_stock_trailing_stop": TRADES,
    "place_stock_order": TRADES,
    "place_crypto_order": TRADES,
    "stock_orders": READS,
    "open_stock_orders": READS,
    "cancel_stock_order_by_id": HALTS,
    "cancel_all_stock_orders_tool": HALTS,
    "cancel_order": HALTS,
    "cancel_order_by_id": HALTS,
    "cancel_all_orders": HALTS,
    "cancel_option_order_by_id": HALTS,
    "cancel_all_option_orders_tool": HALTS,
    "close_all_positions": HALTS,
    "kill_switch": HALTS,
    "flatten_all": HALTS,
    "cancel_exit": HALTS,
    "attach_exit": SWITCHES,
    "edit_exit": SWITCHES,
    "start_option_streaming": SWITCHES,
    "stop_option_streaming": SWITCHES,
    "get_account_info": READS,
    "account_info": READS,
    "account_details": READS,
    "get_account_config": READS,
    "get_account_activities": READS,
    "get_portfolio_history": READS,
    "get_positions": READS,
    "get_open_position": READS,
    "open_option_positions": READS,
    "all_option_positions": READS,
    "aggregate_option_positions": READS,
    "options_orders": READS,
    "open_option_orders": READS,
    "get_orders": READS,
    "get_recent_orders": READS,
    "list_exits": READS,
    "reconcile_positions": READS,
    "get_order_status": READS,
    "show_pnl": READS,
    "portfolio_delta": READS,
    "risk_check": READS,
    "market_context": READS,
    "straddle_scan": READS,
    "portfolio_greeks": READS,
    "risk_metrics": READS,
    "preview_details": READS,
    "streaming_status": READS,
    "get_market_clock": READS,
    "get_option_snapshot": READS,
    "health_check": READS,
    "list_tools": READS,
    "events_wait": READS,
    "trade_journal": READS,
    "export_trade_journal": SWITCHES,
    "get_stock_quote": READS,
    "get_stock_bars": READS,
    "get_stock_trades": READS,
    "get_stock_latest_trade": READS,
    "get_stock_latest_bar": READS,
    "get_stock_snapshot": READS,
    "get_most_active_stocks": READS,
    "get_market_movers": READS,
    "stock_level2_data": READS,
    "get_option_contracts": READS,
    "get_option_chain": READS,
    "get_option_latest_quote": READS,
    "get_option_latest_trade": READS,
    "get_option_trades": READS,
    "option_historicals": READS,
    "get_crypto_bars": READS,
    "get_crypto_trades": READS,
    "get_crypto_latest_quote": READS,
    "get_crypto_latest_trade": READS,
    "get_crypto_snapshot": READS,
    "get_crypto_latest_orderbook": READS,
    "get_news": READS,
    "get_watchlists": READS,
    "get_market_calendar": READS,
    "market_hours": READS,
    "get_asset_info": READS,
    "get_all_assets": READS,
    "get_corporate_announcements": READS,
    "create_watchlist": SWITCHES,
    "add_asset_to_watchlist_by_id": SWITCHES,
    "update_watchlist": ERASES,
    "remove_asset_from_watchlist_by_id": ERASES,
    "delete_watchlist_by_id": ERASES,
    "get_technical_indicators": READS,
    "scan_market": READS,
    "option_chain_analysis": READS,
    "stock_ratings": READS,
    "stock_events": READS,
    "economic_calendar": READS,
    "economic_news": READS,
    "update_spy_chain": SWITCHES,
    "performance_stats": READS,
    "audit_summary": READS,
    "system_metrics": READS,
    "circuit_breaker_status": READS,
    "reset_circuit_breakers": SWITCHES,
}
# Arguments whose name and type say all there is to say.
SELF_EVIDENT = {
    ("risk_check", "contracts"),
    ("get_orders", "status"),
    ("get_orders", "limit"),
    ("get_recent_orders", "limit"),
    ("kill_switch", "enable"),
}
DESCRIPTION_MAX = 400  # characters
TOKENS_MAX = 150  # of a tool's name, description and arguments, on average; 4 bytes a token
BASIC_MAX = 45  # tools listed where nothing is asked for
BASIC_TOKENS_MAX = 7_000

TOOLS = listed()
each_tool = pytest.mark.parametrize("name", TOOLS)


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema inside a schema, itself included; names of properties are none."""
    if isinstance(node, list):
        for item in node:
            yield from schemas(item)
    elif isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key in {"properties", "$defs"}:
                yield from schemas(list(value.values()))
            elif key not in {"default", "enum", "const"}:
                yield from schemas(value)


def tokens(name: str) -> int:
    told = {key: shown(TOOLS[name])[key] for key in ("name", "description", "inputSchema")}
    return len(json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()) // 4


@each_tool
def test_a_tool_is_as_its_snapshot_says(name: str) -> None:
    assert text(TOOLS[name]) == snapshot(name).read_text(encoding="utf-8")


def test_the_tools_are_those_that_were_asked_for_and_have_a_snapshot_each() -> None:
    assert set(TOOLS) == set(EFFECTS)
    assert {path.stem for path in SNAPSHOTS.iterdir()} == set(TOOLS)


@each_tool
def test_a_description_is_short_and_begins_with_what_the_tool_does(name: str) -> None:
    told = TOOLS[name].description
    assert len(told) <= DESCRIPTION_MAX
    first = told.split("\n\n")[0]
    assert re.match(r"[A-Z][a-z]+ [^\n]", first), "no imperative"
    assert re.search(r"[.;]", first)


@each_tool
def test_annotations_say_the_tools_effect(name: str) -> None:
    assert TOOLS[name].annotations == EFFECTS[name]


def test_what_trades_previews_by_default_and_what_reads_takes_no_token() -> None:
    for name, effect in EFFECTS.items():
        arguments = TOOLS[name].parameters["properties"]
        assert ("confirm_token" in arguments) is (effect is TRADES)
        if effect is TRADES:
            assert arguments["preview"]["default"] is True
            assert "confirm_token" not in TOOLS[name].parameters.get("required", [])


@each_tool
def test_every_argument_is_described_bounded_and_plain(name: str) -> None:
    parameters = TOOLS[name].parameters
    assert parameters["additionalProperties"] is False
    for argument, schema in parameters["properties"].items():
        assert schema.get("description") or (name, argument) in SELF_EVIDENT, argument
        assert "type" in schema or "enum" in schema, argument  # some hosts refuse one without
        if schema.get("type") == "integer" and "enum" not in schema:
            assert {"minimum", "maximum"} <= set(schema), argument
        if schema.get("type") == "string" and "enum" not in schema:
            assert "maxLength" in schema, argument
    for schema in schemas(parameters):
        assert "title" not in schema
        assert "anyOf" not in schema
        assert schema.get("type") != "null"


@each_tool
def test_every_answer_says_whose_money_it_is_in_a_schema_without_titles(name: str) -> None:
    metadata = TOOLS[name].fn_metadata
    assert metadata.output_model is not None
    assert issubclass(metadata.output_model, View)
    assert metadata.output_schema is not None
    assert "mode" in metadata.output_schema["required"]
    assert not [schema for schema in schemas(metadata.output_schema) if "title" in schema]


def test_the_lists_fit_the_models_budget(capsys: pytest.CaptureFixture[str]) -> None:
    cost = {name: tokens(name) for name in TOOLS}
    usual = [cost[name] for name, offer in Catalog(toolsets()).offers.items() if offer.basic]
    with capsys.disabled():
        most = ", ".join(f"{name} {cost[name]}" for name in sorted(cost, key=cost.__getitem__)[-3:])
        total = sum(cost.values())
        sys.stdout.write(
            f"\n{len(cost)} tools, {total} tokens, {total / len(cost):.0f} each; most: {most}\n"
            f"by default {len(usual)} tools, {sum(usual)} tokens\n"
        )
    assert sum(cost.values()) / len(cost) <= TOKENS_MAX
    assert len(usual) <= BASIC_MAX
    assert sum(usual) <= BASIC_TOKENS_MAX


def test_every_toolset_is_known_by_name_before_anything_is_loaded() -> None:
    assert {one.name for one in toolsets()} == set(TOOLSETS)
