"""Which of our tools answers what which tool of Alpaca's own MCP server answers.

A line is the same question put to both servers: the same symbols, the same number of rows.
rows names where an answer's rows are (its own top when empty), so that both can be counted:
a comparison whose counts differ is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

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
    """Return how many rows an answer has at a path such as "bars.SPY"; 1 for one thing."""
    found = answer
    for step in filter(None, rows.split(".")):
        found = found[step]
    return len(found) if isinstance(found, list | dict) and rows else 1


def equivalents(option: str) -> tuple[Equivalent, ...]:
    """Return the questions; option: an OCC symbol that trades today."""
    return (
        Equivalent(Call("get_account_info"), Call("get_account_info")),
        Equivalent(
            Call("get_positions", rows="positions"), Call("get_all_positions", rows="result")
        ),
        Equivalent(
            Call("get_orders", {"status": "all", "limit": 10}, "orders"),
            Call("get_orders", {"status": "all", "limit": 10}, "result"),
        ),
        Equivalent(Call("get_market_clock"), Call("get_clock")),
        Equivalent(
            Call("get_option_snapshot", {"symbol_or_symbols": option}, "options"),
            Call("get_option_snapshot", {"symbols": option}, "snapshots"),
        ),
    )


PEER_VERSION: Final = "2.4.0"
