"""Walking an answer's pages to their end."""

from __future__ import annotations

from typing import Any

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
        assert len(shown[key]) == arguments["limit"]
        arguments["cursor"] = shown["next_cursor"]
    raise AssertionError(f"{tool} has no end")
