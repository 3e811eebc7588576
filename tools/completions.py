"""What a client may offer while its user types an argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from services.runtime import Services
from tools.prompts import STRATEGIES, UNDERLYINGS
from tools.server import DeskServer

OFFERED_MAX: Final = 100
ORDERS_LOOKED_AT: Final = 100


def add_completions(server: DeskServer, desk: Services) -> None:
    """Let a server complete arguments of its prompts and of its resource addresses."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        known = await _arguments(server, ref)
        if argument.name not in known:
            raise MCPError(INVALID_PARAMS, "there is no such prompt, address or argument")
        typed = argument.value.lower()
        found = [one for one in _values(desk, argument.name) if one.lower().startswith(typed)]
        offered = found[:OFFERED_MAX]
        return Completion(values=offered, total=len(found), has_more=len(found) > len(offered))

    completion: Any = server.completion  # the SDK leaves it untyped
    completion()(complete)


async def _arguments(
    server: DeskServer, ref: PromptReference | ResourceTemplateReference
) -> frozenset[str]:
    """Return the arguments of what is referred to; none where there is no such thing."""
    if isinstance(ref, PromptReference):
        prompts = [one for one in await server.list_prompts() if one.name == ref.name]
        return frozenset(argument.name for one in prompts for argument in one.arguments or ())
    templates = [one.uri_template for one in await server.list_resource_templates()]
    if ref.uri not in templates:
        return frozenset()
    return frozenset(part.partition("}")[0] for part in ref.uri.split("{")[1:])


def _values(desk: Services, name: str) -> Sequence[str]:
    values: Mapping[str, Sequence[str]] = {
        "symbol": UNDERLYINGS,
        "strategy": STRATEGIES,
        "order_id": [one.client_order_id for one in desk.store.recent(ORDERS_LOOKED_AT)]
        if name == "order_id"
        else (),
    }
    return values.get(name, ())
