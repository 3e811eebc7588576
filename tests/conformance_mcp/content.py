"""What the conformance suite expects of tools that answer within one call.

The contract is the suite's own: names, texts and URIs are those it asks for. Each is a tool
of our Toolset, so a call passes the same boundary as a call of the product's.
"""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from collections.abc import Mapping
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    SamplingMessage,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

from services.runtime import Services
from tools.toolset import READS, SWITCHES, Toolset

STEP = 0.05  # seconds between two notifications of one call, which the suite asks for

# Keywords of JSON Schema 2020-12 that must reach a client unharmed.
SCHEMA_2020_12: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


class Content(Toolset):
    """Our toolset, one of whose schemas no Python function could have."""

    def build(self, *, full_answers: bool = False) -> list[Tool]:
        """Return the tools."""
        tools = Toolset.build(self, full_answers=full_answers)
        for tool in tools:
            if tool.name == json_schema_2020_12_tool.__name__:
                tool.parameters = dict(SCHEMA_2020_12)
        return tools


content = Content("conformance content")

Ctx = Context[Services]


def png() -> bytes:
    """Return the smallest picture there is: one red pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff\x00\x00")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    )


def wav() -> bytes:
    """Return the shortest sound there is: one silent sample at 8 kHz."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    data = struct.pack("<4sIh", b"data", 2, 0)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


PICTURE = ImageContent(type="image", data=base64.b64encode(png()).decode(), mime_type="image/png")


def text(said: str) -> TextContent:
    """Return a block of text."""
    return TextContent(type="text", text=said)


def embedded(uri: str, said: str, mime_type: str = "text/plain") -> EmbeddedResource:
    """Return a resource that travels within an answer."""
    held = TextResourceContents(uri=uri, mime_type=mime_type, text=said)
    return EmbeddedResource(type="resource", resource=held)


def answer(*blocks: ContentBlock) -> CallToolResult:
    """Return a tool's answer."""
    return CallToolResult(content=list(blocks))


@content.tool(READS, basic=True)
async def test_simple_text() -> CallToolResult:
    """Answer with a text."""
    return answer(text("This is a simple text response for testing."))


@content.tool(READS, basic=True)
async def test_image_content() -> CallToolResult:
    """Answer with a picture."""
    return answer(PICTURE)


@content.tool(READS, basic=True)
async def test_audio_content() -> CallToolResult:
    """Answer with a sound."""
    sound = base64.b64encode(wav()).decode()
    return answer(AudioContent(type="audio", data=sound, mime_type="audio/wav"))


@content.tool(READS, basic=True)
async def test_embedded_resource() -> CallToolResult:
    """Answer with a resource."""
    return answer(embedded("test://embedded-resource", "This is an embedded resource content."))


@content.tool(READS, basic=True)
async def test_multiple_content_types() -> CallToolResult:
    """Answer with a text, a picture and a resource."""
    told = '{"test":"data","value":123}'
    resource = embedded("test://mixed-content-resource", told, "application/json")
    return answer(text("Multiple content types test:"), PICTURE, resource)


@content.tool(READS, basic=True)
async def test_error_handling() -> CallToolResult:
    """Fail."""
    raise ToolError("This tool intentionally returns an error for testing")


@content.tool(READS, basic=True)
async def test_tool_with_logging(ctx: Ctx) -> CallToolResult:
    """Log thrice on the way."""
    await ctx.info("Tool execution started")
    for said in ("Tool processing data", "Tool execution completed"):
        await asyncio.sleep(STEP)
        await ctx.info(said)
    return answer(text("logged"))


@content.tool(READS, basic=True)
async def test_logging_tool(ctx: Ctx) -> CallToolResult:
    """Log once, which a client of the newer era sees only if it asked to."""
    await ctx.info("said to whoever asked")
    return answer(text("logged"))


@content.tool(READS, basic=True)
async def test_tool_with_progress(ctx: Ctx) -> CallToolResult:
    """Report progress in three steps."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100)
        await asyncio.sleep(STEP)
    return answer(text("done"))


@content.tool(READS, basic=True)
async def test_sampling(prompt: str, ctx: Ctx) -> CallToolResult:
    """Ask the client's model."""
    message = SamplingMessage(role="user", content=text(prompt))
    said = await ctx.session.create_message(messages=[message], max_tokens=100)
    told = said.content.text if isinstance(said.content, TextContent) else ""
    return answer(text(f"LLM response: {told}"))


async def _asked(ctx: Ctx, message: str, properties: dict[str, Any]) -> CallToolResult:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    said = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    return answer(text(f"User response: action={said.action}, content={said.content}"))


@content.tool(READS, basic=True)
async def test_elicitation(message: str, ctx: Ctx) -> CallToolResult:
    """Ask the client's user."""
    return await _asked(
        ctx,
        message,
        {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
    )


@content.tool(READS, basic=True)
async def test_elicitation_sep1034_defaults(ctx: Ctx) -> CallToolResult:
    """Ask with a default for every kind of answer."""
    states = ["active", "inactive", "pending"]
    return await _asked(
        ctx,
        "Who are you?",
        {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": states, "default": "active"},
            "verified": {"type": "boolean", "default": True},
        },
    )


@content.tool(READS, basic=True)
async def test_elicitation_sep1330_enums(ctx: Ctx) -> CallToolResult:
    """Ask for a choice in each of the five ways."""
    plain = ["option1", "option2", "option3"]
    titled = [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]
    old = {"enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]}
    return await _asked(
        ctx,
        "Which?",
        {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", **old},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        },
    )


@content.tool(READS, basic=True)
async def json_schema_2020_12_tool(name: str = "") -> CallToolResult:
    """Take what a rich schema describes."""
    return answer(text(name))


@content.tool(READS, basic=True)
async def test_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> CallToolResult:
    """Take an argument that travels as a header too, for whoever routes by it."""
    return answer(text(region))


@content.tool(READS, basic=True)
async def test_reconnection(ctx: Ctx) -> CallToolResult:
    """Close the stream in the middle of the call."""
    await ctx.close_sse_stream()
    await asyncio.sleep(STEP)
    return answer(text("still here"))


@content.tool(SWITCHES, basic=True)
async def test_trigger_tool_change(ctx: Ctx) -> CallToolResult:
    """Say that the list of tools has changed."""
    await ctx.notify_tools_changed()
    return answer(text("told"))


@content.tool(SWITCHES, basic=True)
async def test_trigger_prompt_change(ctx: Ctx) -> CallToolResult:
    """Say that the list of prompts has changed."""
    await ctx.notify_prompts_changed()
    return answer(text("told"))
