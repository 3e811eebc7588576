"""What every call passes on its way in and out, whatever the tool.

The SDK drops unknown arguments silently, prefixes error texts, sends validation errors
with links, and repeats a structured answer as indented text. Here an unknown argument is
refused with a suggestion, errors read "[code] what happened. Next: what to do.", and the
text of an answer is its JSON without white space.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from common.clock import Stopwatch, WallClock
from tools.cap import ANSWER_MAX, ERROR_MAX, UTF8_MAX, capped, text_of
from tools.catalog import Catalog

log = logging.getLogger(__name__)

TOLD_MAX = 160  # characters of a model's own argument that come back to it

_PREFIX = re.compile(r"^Error executing tool \S+: ")
_LINK = re.compile(r"\n\s+For further information visit \S+")
_COUNT = re.compile(r"^\d+ validation errors? for \w+\n")
_DETAIL = re.compile(r" \[type=\w+, input_value=(?P<was>.*), input_type=\w+\]$")

Observe = Callable[[str, float, bool], None]


class Boundary:
    """Middleware over tools/list and tools/call."""

    def __init__(self, catalog: Catalog, wall: WallClock, observe: Observe) -> None:
        self._catalog = catalog
        self._allowed = {
            tool.name: frozenset(tool.parameters.get("properties", ())) for tool in catalog.tools
        }
        self._wall = wall
        self._observe = observe

    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let everything but the list and the calls of tools pass untouched."""
        if ctx.method == "tools/list":
            return self._shown(await call_next(ctx))
        if ctx.method != "tools/call":
            return await call_next(ctx)
        name = str(ctx.params.get("name"))
        wrong = self._wrong(name, ctx.params.get("arguments") or {})
        if wrong is not None:
            return refusal(*wrong)
        watch = Stopwatch(self._wall)
        result = _polished(await call_next(ctx))
        failed = isinstance(result, dict) and bool(result.get("isError"))
        self._observe(name, watch.elapsed().total_seconds(), failed)
        return result

    def _shown(self, result: Any) -> Any:
        """Return the list without what this caller may not call."""
        if isinstance(result, dict) and "tools" in result:
            shown = self._catalog.listed()
            result["tools"] = [tool for tool in result["tools"] if tool["name"] in shown]
        return result

    def _wrong(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, str] | None:
        if name not in self._allowed:
            return f"[unknown_tool] there is no tool {name[:40]!r}", self._nearest(name)
        off = self._catalog.off(name)
        extra = sorted(set(arguments) - self._allowed[name])
        return off or (self._unknown(name, extra[0]) if extra else None)

    def _unknown(self, name: str, argument: str) -> tuple[str, str]:
        known = sorted(self._allowed[name])
        near = difflib.get_close_matches(argument, known, n=1)
        what = f"[unknown_argument] {name} has no argument {argument[:40]!r}, nothing was done"
        if near:
            return what, f"did you mean {near[0]!r}?"
        return what, f"use {', '.join(known)}" if known else "call it without arguments"

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._allowed, n=1)
        return f"did you mean {near[0]!r}?" if near else "list the tools"


def refusal(what: str, remedy: str) -> dict[str, Any]:
    """Return the result of a call that was not let in: nothing ran."""
    text = f"{what}. Next: {remedy.rstrip('.')}{'' if remedy.endswith('?') else '.'}"
    return {
        "content": [{"type": "text", "text": text}],
        "isError": True,
        "resultType": "complete",
    }


def _polished(result: Any) -> Any:
    if not isinstance(result, dict):
        return result
    if result.get("isError"):
        for block in result.get("content", []):
            if block.get("type") == "text":
                block["text"] = _error_text(block["text"])[:ERROR_MAX]
    elif (structured := result.get("structuredContent")) is not None:
        text = text_of(structured)
        if len(text) * UTF8_MAX > ANSWER_MAX:
            result["structuredContent"] = capped(structured)
            text = text_of(result["structuredContent"])
        pictures = [one for one in result.get("content", []) if one.get("type") != "text"]
        result["content"] = [{"type": "text", "text": text}, *pictures]
    return result


def _error_text(text: str) -> str:
    """Return an error in the house's form; a bug stays as the SDK masked it."""
    body = _PREFIX.sub("", text)
    if body.startswith("["):
        return body
    if _COUNT.match(body):
        lines = _LINK.sub("", _COUNT.sub("", body)).split("\n")
        told = []
        for name, complaint in zip(lines[::2], lines[1::2], strict=False):
            match = _DETAIL.search(complaint)
            was = f" (was {match['was'][:TOLD_MAX]})" if match else ""
            told.append(f"{name}: {_DETAIL.sub('', complaint).strip()}{was}")
        return f"[bad_argument] {'; '.join(told)}. Next: correct the argument and call again."
    return f"[internal] {text}, the cause is in the log. Next: look at health_check."
