"""Run the calls of docs/first-day.md on a real desk and write the answers into the page.

python scripts/first_day.py

A marker is <!-- call TOOL key=value ... | field, field.inner -->, closed by <!-- /call -->. TOKEN
stands for the last preview's. The desk is the paper-local one, in a folder of its own, on the
morning of the demo; a refusal is shown as it reads.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mcp import Client  # noqa: E402

from common.config import load_settings  # noqa: E402
from serving.cli_daemon import stop  # noqa: E402
from serving.cli_tools import parsed  # noqa: E402
from serving.client import connected  # noqa: E402
from serving.demo import AT, BREAKOUT_SEED, DAY  # noqa: E402

PAGE = ROOT / "docs" / "first-day.md"
MARKED = re.compile(
    r"<!-- call (?P<tool>\w+)(?P<pairs>(?: [\w]+=\S+)*) \| (?P<fields>[\w., ]+) -->\n"
    r"(?P<shown>.*?)<!-- /call -->",
    re.DOTALL,
)
TOOLSETS = "default,journal"  # as the page tells its reader
TOKEN = "TOKEN"  # noqa: S105 a place holder
WIDTH = 110


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the page. fields: what of the answer is shown, a dot for what is inside."""

    tool: str
    pairs: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def of(cls, marked: re.Match[str]) -> Call:
        """Return the call of a marker."""
        fields = tuple(field.strip() for field in marked["fields"].split(","))
        return cls(marked["tool"], tuple(marked["pairs"].split()), fields)

    def arguments(self, token: str = TOKEN) -> dict[str, Any]:
        """Return the arguments, with the token where one is asked for."""
        given = parsed(self.pairs)
        return {name: token if value == TOKEN else value for name, value in given.items()}


def calls(page: str) -> list[Call]:
    """Return the calls of a page in their order."""
    return [Call.of(marked) for marked in MARKED.finditer(page)]


def picked(value: Any, fields: Sequence[str]) -> Any:
    """Return what some fields hold, in the shape it has; of a list each element's."""
    if isinstance(value, list):
        return [picked(one, fields) for one in value]
    found: dict[str, Any] = {}
    for field in fields:
        name, _, inner = field.partition(".")
        below = [f.partition(".")[2] for f in fields if f.startswith(f"{name}.")]
        found[name] = picked(value[name], below) if inner else value[name]
    return found


def shown(call: Call, text: str, structured: dict[str, Any] | None) -> str:
    """Return an answer as the page shows it; a refusal in its own words."""
    if structured is None:
        return f"```text\n{textwrap.fill(text, WIDTH)}\n```\n"
    told = json.dumps(picked(structured, call.fields), indent=2, ensure_ascii=False)
    flat = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]|\{\s+([^\[\]{}]*?)\s+\}")
    for found in flat.finditer(told):
        line = re.sub(r"\s*\n\s*", " ", found[0])
        if len(line) < WIDTH - 20:
            told = told.replace(found[0], line)
    return f"```json\n{told}\n```\n"


async def answered(page: str) -> str:
    """Return the page with every answer as a desk gives it now."""
    settings, token, answers = load_settings(), "", []
    try:
        async with connected(settings) as client:
            await _ready(client)
            for call in calls(page):
                answer = await client.call_tool(call.tool, call.arguments(token))
                structured = None if answer.is_error else answer.structured_content
                token = (structured or {}).get("confirm_token") or token
                text = " ".join(b.text for b in answer.content if b.type == "text")
                answers.append(shown(call, text, structured))
    finally:
        await stop(settings)
    left = iter(answers)
    return MARKED.sub(
        lambda m: m[0].replace(m["shown"], "", 1).replace("-->\n", f"-->\n{next(left)}", 1), page
    )


async def _ready(client: Client) -> None:
    while True:
        answer = (await client.call_tool("health_check", {})).structured_content
        if answer is not None and answer["ready"]:
            return
        await asyncio.sleep(0.2)


def main() -> int:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "STATE_DIR": folder,
            "PORT": "0",
            "PROMETHEUS_PORT": "0",
            "EXCHANGE__DAY": DAY,
            "EXCHANGE__AT": AT,
            "EXCHANGE__SEED": str(BREAKOUT_SEED),
            "TOOLSETS": TOOLSETS,
        }
        page = asyncio.run(answered(PAGE.read_text(encoding="utf-8")))
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
