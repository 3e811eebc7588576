"""Groups of tools as plain data, and the one boundary where errors become answers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations

from common.errors import TradingError, told
from tools import schemas

P = ParamSpec("P")
R = TypeVar("R")
Handler = Callable[P, Awaitable[R]]

# Hints that are left out have the protocol's defaults: not read-only, destructive, not
# idempotent, of an open world; what only reads can be none of the others.
READS = ToolAnnotations(read_only_hint=True)
# Takes preview and confirm_token; sends an order only with a token.
TRADES = ToolAnnotations(destructive_hint=True)
# Cancels, closes, stops: never gated by risk, safe to repeat.
HALTS = ToolAnnotations(destructive_hint=True, idempotent_hint=True)
# Changes this server only, not the account.
SWITCHES = ToolAnnotations(destructive_hint=False, idempotent_hint=True, open_world_hint=False)
# Replaces or deletes what is kept beside the trades: a list, never an order or a position.
ERASES = ToolAnnotations(destructive_hint=True, idempotent_hint=True, open_world_hint=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One tool as recorded. basic: listed where no toolset was asked for."""

    handler: Callable[..., Any]
    effect: ToolAnnotations
    basic: bool


@dataclass(slots=True)
class Toolset:
    """A named group of tools that records them and builds them for any server."""

    name: str
    entries: list[Entry] = field(default_factory=list)

    def tool(
        self, effect: ToolAnnotations, *, basic: bool = False
    ) -> Callable[[Handler[P, R]], Handler[P, R]]:
        """Add a tool, saying what a call may do to the account."""

        def add(handler: Handler[P, R]) -> Handler[P, R]:
            @functools.wraps(handler)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                try:
                    return await handler(*args, **kwargs)
                except TradingError as e:
                    raise ToolError(told(e)) from e

            self.entries.append(Entry(guarded, effect, basic))
            return guarded

        return add

    def build(self, *, full_answers: bool = False) -> list[Tool]:
        """Return the tools, their schemas slimmed and closed to unknown arguments.

        full_answers: say every field of an answer, and not only what each answer has.
        """
        tools = []
        for entry in self.entries:
            tool = Tool.from_function(
                entry.handler,
                description=inspect.getdoc(entry.handler),
                annotations=entry.effect,
            )
            tool.parameters = schemas.arguments(tool.parameters)
            if tool.fn_metadata.output_schema is not None:
                told = schemas.answer(tool.fn_metadata.output_schema, full=full_answers)
                tool.fn_metadata.output_schema = told
            if (page := getattr(tool.fn_metadata.output_model, "page", None)) is not None:
                tool.meta = {"ui": {"resourceUri": page}}
            tools.append(tool)
        return tools


def effect_word(effect: ToolAnnotations | None) -> str:
    """Return in one word what a tool may do to the account."""
    if effect is None or effect.read_only_hint:
        return "reads"
    if not effect.destructive_hint or effect.open_world_hint is False:
        return "sets"
    return "stops" if effect.idempotent_hint else "trades"
