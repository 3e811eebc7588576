"""What every call passes, seen by a real client in both protocol eras."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import pytest
from mcp import Client
from mcp.server import MCPServer
from pydantic import BaseModel, Field

from common.clock import MonotonicClock
from common.errors import PreviewNotFound
from tools.boundary import Boundary
from tools.catalog import Catalog
from tools.toolset import READS, Toolset

Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")

sample = Toolset("sample")


class Answer(BaseModel):
    """An answer."""

    mode: str
    width: int
    note: str | None = None


@sample.tool(READS)
async def echo(
    width: Annotated[int, Field(ge=1, le=50)] = 10,
    symbols: list[str] | None = None,
    fail: Literal["no", "refuse", "crash"] = "no",
) -> Answer:
    """Say the width again."""
    if fail == "refuse":
        raise PreviewNotFound("no preview waits for this token")
    if fail == "crash":
        raise RuntimeError("secret inside")
    return Answer(mode="paper-local", width=width + len(symbols or []))


@asynccontextmanager
async def client(era: Era, seen: list[tuple[str, bool]] | None = None) -> AsyncIterator[Client]:
    def observe(tool: str, _: float, failed: bool) -> None:
        if seen is not None:
            seen.append((tool, failed))

    catalog = Catalog([sample])
    server: MCPServer[Any] = MCPServer(
        "sample", tools=catalog.tools, middleware=[Boundary(catalog, MonotonicClock(), observe)]
    )
    async with Client(server, mode=era) as connected:
        yield connected


def text(answer: Any) -> str:
    return str(answer.content[0].text)


@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_is_structured_and_its_text_the_same_without_white_space(era: Era) -> None:
    async with client(era) as c:
        answer = await c.call_tool("echo", {"width": 3})
    assert answer.structured_content == {"mode": "paper-local", "width": 3, "note": None}
    assert json.loads(text(answer)) == answer.structured_content
    assert " " not in text(answer)


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_argument_is_refused_with_a_suggestion(era: Era) -> None:
    async with client(era) as c:
        answer = await c.call_tool("echo", {"widht": 3})
    assert answer.is_error
    assert text(answer) == (
        "[unknown_argument] echo has no argument 'widht', nothing was done. "
        "Next: did you mean 'width'?"
    )


@pytest.mark.parametrize("era", ERAS)
async def test_a_refusal_reads_code_what_happened_next(era: Era) -> None:
    seen: list[tuple[str, bool]] = []
    async with client(era, seen) as c:
        answer = await c.call_tool("echo", {"fail": "refuse"})
    assert answer.is_error
    assert text(answer).startswith("[preview_not_found] no preview waits for this token. Next: ")
    assert seen == [("echo", True)]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("width", [0, 51, "abc", 1e30, None])
async def test_a_bad_value_names_the_argument_and_links_nowhere(era: Era, width: object) -> None:
    async with client(era) as c:
        answer = await c.call_tool("echo", {"width": width})
    assert answer.is_error
    assert text(answer).startswith("[bad_argument] width: ")
    assert "http" not in text(answer)


@pytest.mark.parametrize("era", ERAS)
async def test_a_bug_tells_nothing_of_its_inside(era: Era) -> None:
    async with client(era) as c:
        answer = await c.call_tool("echo", {"fail": "crash"})
    assert answer.is_error
    assert text(answer).startswith("[internal] ")
    assert "secret" not in text(answer)


@pytest.mark.parametrize("era", ERAS)
async def test_a_list_that_arrives_as_json_text_is_a_list(era: Era) -> None:
    async with client(era) as c:
        answer = await c.call_tool("echo", {"width": 1, "symbols": '["SPY", "QQQ"]'})
    assert answer.structured_content is not None
    assert answer.structured_content["width"] == 3


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_tool_suggests_the_nearest(era: Era) -> None:
    async with client(era) as c:
        answer = await c.call_tool("ehco", {})
    assert answer.is_error
    assert "did you mean 'echo'?" in text(answer)


async def test_schemas_are_closed_plain_and_without_titles() -> None:
    async with client("auto") as c:
        [tool] = (await c.list_tools()).tools
    assert tool.input_schema["additionalProperties"] is False
    assert tool.input_schema["properties"]["symbols"] == {
        "items": {"type": "string"},
        "type": "array",
    }
    assert "title" not in json.dumps([tool.input_schema, tool.output_schema])


def test_a_tool_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="echo"):
        Catalog([sample, sample])
