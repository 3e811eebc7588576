"""What the suite expects of tools that need more of the client before they can answer.

Revision 2026-07-28: the server answers with what it still needs, and the client calls again
with it. What the server remembers in between travels sealed in the client's hands.
"""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.server.mcpserver.resolve import Sample
from mcp.types import (
    CallToolResult,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field

from services.runtime import Services
from tests.conformance_mcp.content import answer, text
from tools.toolset import READS, Toolset

rounds = Toolset("conformance rounds")

Ctx = Context[Services]
Round = CallToolResult | InputRequiredResult


def form(message: str, name: str, kind: str = "string") -> ElicitRequest:
    """Return a question with one answer."""
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(said: str, most: int = 100) -> CreateMessageRequest:
    """Return a question to the client's model."""
    message = SamplingMessage(role="user", content=text(said))
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=[message], max_tokens=most)
    )


def needs(state: str | None = None, /, **requests: InputRequest) -> InputRequiredResult:
    """Return what is still needed, and what is to be remembered."""
    return InputRequiredResult(input_requests=requests or None, request_state=state)


def said(ctx: Ctx, key: str, name: str) -> str | None:
    """Return what the user answered under a key; None before they did."""
    given = (ctx.input_responses or {}).get(key)
    if not isinstance(given, ElicitResult) or given.action != "accept":
        return None
    value = (given.content or {}).get(name)
    return None if value is None else str(value)


@rounds.tool(READS, basic=True)
async def test_input_required_result_elicitation(ctx: Ctx) -> Round:
    """Ask for a name, and greet it."""
    name = said(ctx, "user_name", "name")
    if name is None:
        return needs(user_name=form("What is your name?", "name"))
    return answer(text(f"Hello, {name}!"))


@rounds.tool(READS, basic=True)
async def test_input_required_result_sampling(ctx: Ctx) -> Round:
    """Ask the client's model, and pass its answer on."""
    given = (ctx.input_responses or {}).get("capital_question")
    if not isinstance(given, CreateMessageResult):
        return needs(capital_question=sample("What is the capital of France?"))
    return answer(text(given.content.text if isinstance(given.content, TextContent) else ""))


@rounds.tool(READS, basic=True)
async def test_input_required_result_list_roots(ctx: Ctx) -> Round:
    """Ask for the client's roots, and name them."""
    given = (ctx.input_responses or {}).get("client_roots")
    if not isinstance(given, ListRootsResult):
        return needs(client_roots=ListRootsRequest())
    return answer(text(", ".join(str(root.uri) for root in given.roots)))


@rounds.tool(READS, basic=True)
async def test_input_required_result_request_state(ctx: Ctx) -> Round:
    """Ask, and recognise the state which comes back."""
    if said(ctx, "confirm", "ok") is None or ctx.request_state != "asked":
        return needs("asked", confirm=form("Please confirm", "ok", "boolean"))
    return answer(text("state-ok"))


@rounds.tool(READS, basic=True)
async def test_input_required_result_tampered_state(ctx: Ctx) -> Round:
    """Ask, with a state that nobody but the server can make."""
    if said(ctx, "confirm", "ok") is None:
        return needs("asked", confirm=form("Please confirm", "ok", "boolean"))
    return answer(text("confirmed"))


@rounds.tool(READS, basic=True)
async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Round:
    """Ask the user, the model and for the roots at once."""
    wanted = {"user_name", "greeting", "client_roots"}
    if not wanted <= set(ctx.input_responses or {}) or ctx.request_state != "asked":
        return needs(
            "asked",
            user_name=form("What is your name?", "name"),
            greeting=sample("Generate a greeting", 50),
            client_roots=ListRootsRequest(),
        )
    return answer(text(f"Hello, {said(ctx, 'user_name', 'name')}!"))


@rounds.tool(READS, basic=True)
async def test_input_required_result_multi_round(ctx: Ctx) -> Round:
    """Ask twice, the second question knowing the first answer."""
    colour = said(ctx, "step2", "color")
    if ctx.request_state is not None and ctx.request_state.startswith("named ") and colour:
        return answer(text(f"{ctx.request_state.removeprefix('named ')} likes {colour}"))
    name = said(ctx, "step1", "name")
    if ctx.request_state == "asked" and name:
        return needs(f"named {name}", step2=form("Step 2: What is your favorite color?", "color"))
    return needs("asked", step1=form("Step 1: What is your name?", "name"))


@rounds.tool(READS, basic=True)
async def test_input_required_result_capabilities(ctx: Ctx) -> Round:
    """Ask only what the client said that it can answer."""
    able = ctx.client_capabilities or ClientCapabilities()
    asked: dict[str, InputRequest] = {}
    if able.sampling is not None:
        asked["greeting"] = sample("Generate a greeting")
    if able.elicitation is not None:
        asked["user_name"] = form("What is your name?", "name")
    if ctx.input_responses or not asked:
        return answer(text(f"{len(ctx.input_responses or {})} answers"))
    return needs(**asked)


async def _the_model(ctx: Ctx) -> Sample:
    return Sample([SamplingMessage(role="user", content=text("Say a word"))], max_tokens=10)


class Named(BaseModel):
    """What the user answers."""

    name: str = Field(description="Your name")


async def _the_user(ctx: Ctx) -> Elicit[Named]:
    return Elicit("What is your name?", Named)


@rounds.tool(READS, basic=True)
async def test_missing_capability(
    word: Annotated[CreateMessageResult, Resolve(_the_model)],
) -> CallToolResult:
    """Need the client's model: refused where there is none."""
    return answer(text(word.model))


@rounds.tool(READS, basic=True)
async def test_streaming_elicitation(
    user: Annotated[Named, Resolve(_the_user)],
) -> CallToolResult:
    """Need the user: in the newer era no request of its own may travel on the stream."""
    return answer(text(user.name))
