"""Walking an answer's pages to their end, and its rows as the exchange's own."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from common.session import new_york_text
from tests.desk import DeskClient

PAGES_MAX = 60


async def walked(client: DeskClient, tool: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
    """Return the rows of all pages of an answer, of which there must be several."""
    rows: list[dict[str, Any]] = []
    for page in range(PAGES_MAX):
        shown = await client.ask(tool, **arguments)
        assert shown["truncated"] is (shown["next_cursor"] is not None)
        rows += shown[key]
        if not shown["truncated"]:
            assert page > 0, "one page is no walk"
            return rows
        assert 0 < len(shown[key]) <= arguments["limit"]  # fewer where they would be too long
        arguments["cursor"] = shown["next_cursor"]
    raise AssertionError(f"{tool} has no end")


def dec(value: object) -> Decimal:
    return Decimal(str(value))


Figures = tuple[str, tuple[Decimal, ...]]


def bar_of(row: dict[str, Any]) -> Figures:
    return row["at"], tuple(dec(row[n]) for n in ("open", "high", "low", "close", "volume"))


def bar_at(body: dict[str, Any]) -> Figures:
    at = new_york_text(datetime.fromisoformat(body["t"]))
    return at, tuple(dec(body[name]) for name in "ohlcv")
