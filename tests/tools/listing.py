"""The tools as a host lists them, without a daemon.

Run as a module, "python -m tests.tools.listing", it rewrites the snapshots.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from mcp.server.mcpserver.tools import Tool

from alpaca_mcp_server import toolsets
from tools.catalog import Catalog

SNAPSHOTS = Path(__file__).resolve().parents[1] / "snapshots" / "tools"

Listed = dict[str, Any]


def listed() -> dict[str, Tool]:
    """Return every tool by name, in the order in which hosts list them."""
    return {tool.name: tool for tool in Catalog(toolsets(), full_answers=True).tools}


def shown(tool: Tool) -> Listed:
    """Return what a host is told of a tool."""
    assert tool.annotations is not None
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.parameters,
        "outputSchema": tool.fn_metadata.output_schema,
        "annotations": tool.annotations.model_dump(by_alias=True, exclude_none=True),
        **({"_meta": tool.meta} if tool.meta else {}),
    }


def snapshot(name: str) -> Path:
    """Return where a tool's snapshot is kept."""
    return SNAPSHOTS / f"{name}.json"


def text(tool: Tool) -> str:
    """Return a tool as its snapshot is written."""
    return json.dumps(shown(tool), indent=2, ensure_ascii=False) + "\n"


def rewrite() -> None:
    """Write every tool's snapshot as it is now, and drop those of tools that are gone."""
    SNAPSHOTS.mkdir(parents=True, exist_ok=True)
    tools = listed()
    for old in SNAPSHOTS.glob("*.json"):
        if old.stem not in tools:
            old.unlink()
    for name, tool in tools.items():
        snapshot(name).write_text(text(tool), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
    sys.stdout.write(f"{len(listed())} snapshots in {SNAPSHOTS}\n")
