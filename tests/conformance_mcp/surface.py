"""What the suite expects beside tools: resources, prompts, completions, the older era's calls."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from services.runtime import Services
from tests.conformance_mcp.content import PICTURE, embedded, png
from tests.conformance_mcp.rounds import form, needs, said

WATCHED = "test://watched-resource"
PLACES = ("paris", "park", "party")

Ctx = Context[Services]


def graft(server: MCPServer[Services]) -> None:
    """Give a server what the suite looks for."""
    _resources(server)
    _prompts(server)
    _rounds(server)
    _completions(server)
    server.middleware.append(_older_era)


def _resources(server: MCPServer[Services]) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """Return a text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """Return a picture."""
        return png()

    @server.resource(WATCHED, mime_type="text/plain")
    def watched() -> str:
        """Return what can be watched."""
        return "Nothing has changed."

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:
        """Return what stands under a number."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _prompts(server: MCPServer[Services]) -> None:
    @server.prompt()
    def test_simple_prompt() -> list[Message]:
        """Say one thing."""
        return [UserMessage("This is a simple prompt for testing.")]

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> list[Message]:
        """Say what was given."""
        return [UserMessage(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]

    @server.prompt()
    def test_prompt_with_embedded_resource(
        resourceUri: str,  # noqa: N803 the suite's own name for it
    ) -> list[Message]:
        """Hand a resource on."""
        return [
            UserMessage(embedded(resourceUri, "Embedded resource content for testing.")),
            UserMessage("Please process the embedded resource above."),
        ]

    @server.prompt()
    def test_prompt_with_image() -> list[Message]:
        """Hand a picture on."""
        return [UserMessage(PICTURE), UserMessage("Please analyze the image above.")]


def _rounds(server: MCPServer[Services]) -> None:
    @server.prompt()
    def test_input_required_result_prompt(ctx: Ctx) -> list[Message] | InputRequiredResult:
        """Ask for what it is about."""
        about = said(ctx, "user_context", "context")
        if about is None:
            return needs(user_context=form("What context should the prompt use?", "context"))
        return [UserMessage(f"About {about}.")]


def _completions(server: MCPServer[Services]) -> None:
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        found = [place for place in PLACES if place.startswith(argument.value)]
        return Completion(values=found, total=len(found), has_more=False)

    completion: Any = server.completion  # the SDK leaves it untyped
    completion()(complete)


async def _older_era(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    """Answer the calls that the newer era has dropped; there they must stay unknown."""
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return await call_next(ctx)
    if ctx.method == "logging/setLevel":
        return {}
    result = await call_next(ctx)
    if ctx.method == "initialize":
        result["capabilities"]["logging"] = {}
    return result
