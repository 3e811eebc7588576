"""Which of our tools answers what which tool of Alpaca's own MCP server answers.

A line is the same question put to both servers: the same symbols, the same number of rows.
rows names where an answer's rows are (its own top when empty), so that both can be counted:
a comparison whose counts differ is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool, its arguments, and the path to the rows of its answer."""

    tool: str
    arguments: Arguments = field(default_factory=dict)
    rows: str = ""


@dataclass(frozen=True, slots=True)
class Equivalent:
    """The same question to ours and to theirs."""

    ours: Call
    theirs: Call


def counted(answer: Any, rows: str) -> int:
    """Return how many rows an answer has at a path such as "bars", "." its top; 1 for one thing.

    Theirs are often grouped by symbol: then the rows of all groups are counted.
    """
    found = answer
    for step in filter(None, rows.split(".")):
        found = found[step]
    if not rows or not isinstance(found, list | dict):
        return 1
    if isinstance(found, dict) and all(isinstance(group, list) for group in found.values()):
        return sum(len(group) for group in found.values())
    return len(found)


def equivalents(option: str, today: str) -> tuple[Equivalent, ...]:
    """Return the questions; option: an OCC symbol that trades today, a day such as 2026-11-20."""
    both = {"symbols": "SPY,AAPL"}
    ours_past = {"timeframe": "1Min", "start": f"{today}T09:30", "end": f"{today}T09:59"}
    their_past = {"start": f"{today}T14:30:00Z", "end": f"{today}T14:59:00Z"}
    coin, their_coin = {"symbol": "BTC/USD"}, {"loc": "us", "symbols": "BTC/USD"}
    return (
        Equivalent(Call("get_account_info"), Call("get_account_info")),
        Equivalent(
            Call("get_positions", rows="positions"), Call("get_all_positions", rows="result")
        ),
        Equivalent(
            Call("get_open_position", {"symbol": "SPY"}),
            Call("get_open_position", {"symbol_or_asset_id": "SPY"}),
        ),
        Equivalent(
            Call("get_orders", {"status": "all", "limit": 10}, "orders"),
            Call("get_orders", {"status": "all", "limit": 10}, "result"),
        ),
        Equivalent(Call("get_market_clock"), Call("get_clock")),
        Equivalent(
            Call("get_market_calendar", {"start_date": today, "end_date": today}, "days"),
            Call("get_calendar", {"start": today, "end": today}, "result"),
        ),
        Equivalent(
            Call("get_asset_info", {"symbol": "SPY"}),
            Call("get_asset", {"symbol_or_asset_id": "SPY"}),
        ),
        Equivalent(
            Call("get_all_assets", {"asset_class": "us_equity", "limit": 200}, "assets"),
            Call("get_all_assets", {"asset_class": "us_equity", "status": "active"}, "result"),
        ),
        Equivalent(
            Call("get_stock_quote", {"symbol": "SPY,AAPL"}, "quotes"),
            Call("get_stock_latest_quote", both, "quotes"),
        ),
        Equivalent(
            Call("get_stock_latest_trade", {"symbol": "SPY,AAPL"}, "trades"),
            Call("get_stock_latest_trade", both, "trades"),
        ),
        Equivalent(
            Call("get_stock_latest_bar", {"symbol": "SPY,AAPL"}, "bars"),
            Call("get_stock_latest_bar", both, "bars"),
        ),
        Equivalent(
            Call("get_stock_snapshot", {"symbol": "SPY,AAPL"}, "snapshots"),
            Call("get_stock_snapshot", both, "."),
        ),
        Equivalent(
            Call("get_stock_bars", {"symbol": "SPY,AAPL", **ours_past}, "bars"),
            Call("get_stock_bars", {**both, **their_past, "timeframe": "1Min"}, "bars"),
        ),
        Equivalent(
            Call("get_option_contracts", {"type": "call", "limit": 50}, "contracts"),
            Call(
                "get_option_contracts",
                {
                    "underlying_symbols": "SPY",
                    "type": "call",
                    "expiration_date": today,
                    "limit": 50,
                },
                "option_contracts",
            ),
        ),
        Equivalent(
            Call("get_option_latest_quote", {"symbol": option}, "quotes"),
            Call("get_option_latest_quote", {"symbols": option}, "quotes"),
        ),
        Equivalent(
            Call("get_option_latest_trade", {"symbol": option}, "trades"),
            Call("get_option_latest_trade", {"symbols": option}, "trades"),
        ),
        Equivalent(
            Call("get_option_snapshot", {"symbol_or_symbols": option}, "options"),
            Call("get_option_snapshot", {"symbols": option}, "snapshots"),
        ),
        Equivalent(
            Call("get_option_chain", {"expiration_date": today, "limit": 50}, "options"),
            Call(
                "get_option_chain",
                {"underlying_symbol": "SPY", "expiration_date": today, "limit": 50},
                "snapshots",
            ),
        ),
        Equivalent(
            Call("get_crypto_latest_quote", coin, "quotes"),
            Call("get_crypto_latest_quote", their_coin, "quotes"),
        ),
        Equivalent(
            Call("get_crypto_latest_trade", coin, "trades"),
            Call("get_crypto_latest_trade", their_coin, "trades"),
        ),
        Equivalent(
            Call("get_crypto_snapshot", coin, "snapshots"),
            Call("get_crypto_snapshot", their_coin, "snapshots"),
        ),
        Equivalent(
            Call("get_crypto_latest_orderbook", coin, "books"),
            Call("get_crypto_latest_orderbook", their_coin, "orderbooks"),
        ),
        Equivalent(
            Call("get_watchlists", rows="watchlists"), Call("get_watchlists", rows="result")
        ),
        Equivalent(
            Call("get_news", {"symbols": "SPY", "limit": 5}, "articles"),
            Call("get_news", {"symbols": "SPY", "limit": 5}, "news"),
        ),
        Equivalent(
            Call("get_most_active_stocks", {"top": 5}, "stocks"),
            Call("get_most_active_stocks", {"top": 5}, "most_actives"),
        ),
        Equivalent(
            Call("get_market_movers", {"market_type": "stocks", "top": 3}, "gainers"),
            Call("get_market_movers", {"market_type": "stocks", "top": 3}, "gainers"),
        ),
        Equivalent(
            Call("get_account_activities", {"activity_types": "FILL", "limit": 10}, "activities"),
            Call("get_account_activities", {"activity_types": ["FILL"], "page_size": 10}, "result"),
        ),
    )
