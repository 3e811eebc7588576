"""The commands that speak to the daemon: tools list, tools call, token."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from mcp.types import TextContent

from common.config import Settings
from common.errors import BadArgument
from common.ids import RandomIds
from serving.client import connected
from serving.state import StateFolder
from serving.tokens import TokenFile, grant_asked
from tools.events import ALERTS
from tools.toolset import effect_word


async def list_tools(settings: Settings) -> int:
    """Print every tool with what it may do and its first line."""
    async with connected(settings) as client:
        tools = (await client.list_tools()).tools
    width = max(len(tool.name) for tool in tools)
    for tool in tools:
        about = (tool.description or "").partition("\n")[0]
        print(f"{tool.name:<{width}}  {effect_word(tool.annotations):<7}  {about}")
    return 0


async def call_tool(settings: Settings, name: str, pairs: Sequence[str]) -> int:
    """Call a tool and print its answer; an error goes to stderr with exit code 1."""
    arguments = parsed(pairs)
    async with connected(settings) as client:
        answer = await client.call_tool(name, arguments)
    texts = [block.text for block in answer.content if isinstance(block, TextContent)]
    text = "\n".join(one for one in texts if not one.startswith(ALERTS))
    for news in (one for one in texts if one.startswith(ALERTS)):
        print(news, file=sys.stderr)
    if answer.is_error:
        print(text, file=sys.stderr)
        return 1
    shown: Any = answer.structured_content
    print(text if shown is None else json.dumps(shown, indent=2, ensure_ascii=False))
    return 0


async def token(settings: Settings, name: str, *, read_only: bool, toolsets: str | None) -> int:
    """Print the bearer token of a client, made when it has none yet or gets other rights."""
    file = TokenFile(StateFolder(settings).tokens, RandomIds())
    print(file.token(name, grant_asked(read_only, toolsets)))
    return 0


def parsed(pairs: Sequence[str]) -> dict[str, Any]:
    """Return arguments from key=value; a value is JSON when it parses, else text.

    Raises BadArgument for a pair without "=" and for a key given twice.
    """
    arguments: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise BadArgument(f"{pair!r:.60} is no key=value", remedy="write width=3")
        if key in arguments:
            raise BadArgument(f"{key} is given twice", remedy="give it once")
        arguments[key] = _value(value)
    return arguments


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        return text


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")
