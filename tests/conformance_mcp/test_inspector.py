"""The Inspector's command line against the product: what a stranger's client makes of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from alpaca_mcp_server import toolsets
from common.toolsets import ALL
from tests.conformance_mcp.judges import Judged, inspect
from tests.desk import ENTRYPOINT, Desk
from tests.exchange import ROOT, Exchange
from tools.catalog import Catalog

TOOL_FAILED = 5  # the Inspector's exit code for an answer that is an error

Transport = Literal["stdio", "http"]
Era = Literal["legacy", "modern"]

eras = pytest.mark.parametrize("era", ["legacy", "modern"])
transports = pytest.mark.parametrize("transport", ["http", "stdio"])


class Inspector:
    """The Inspector, knowing how to reach one desk in either way."""

    def __init__(self, desk: Desk, home: Path) -> None:
        self._desk = desk
        self._home = home

    def run(self, transport: Transport, era: Era, *arguments: str) -> Judged:
        """Run one method."""
        told = ["--protocol-era", era, "--connect-timeout", "60000", *arguments]
        if transport == "http":
            bearer = f"Authorization: Bearer {self._desk.token()}"
            reached = ["--server-url", self._desk.told["url"], "--transport", "http"]
            return inspect(*reached, "--header", bearer, *told, home=self._home)
        settings = [f"{name}={value}" for name, value in self._desk.environment.items()]
        given = [part for setting in settings for part in ("-e", setting)]
        started = ["--cwd", str(ROOT), "--", sys.executable, str(ENTRYPOINT)]
        return inspect(*given, *told, *started, home=self._home)

    def call(self, transport: Transport, era: Era, tool: str, **arguments: Any) -> Judged:
        """Call a tool."""
        told = ["--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
        return self.run(transport, era, "--format", "json", "--method", "tools/call", *told)


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.start(tmp_path_factory.mktemp("state"), exchange) as desk:
        yield desk


@pytest.fixture
def inspector(desk: Desk, tmp_path: Path) -> Inspector:
    return Inspector(desk, tmp_path)


@eras
@transports
def test_it_finds_nothing_to_say_about_our_schemas(
    inspector: Inspector, transport: Transport, era: Era
) -> None:
    judged = inspector.run(transport, era, "--method", "tools/list", "--strict")

    assert (judged.code, judged.err) == (0, "")
    listed = [tool["name"] for tool in judged.json["tools"]]
    offered = Catalog(toolsets()).offers
    assert listed == [name for name, offer in offered.items() if offer.listed(ALL)]


@eras
@transports
def test_it_calls_a_tool_that_reads(inspector: Inspector, transport: Transport, era: Era) -> None:
    judged = inspector.call(transport, era, "get_market_clock")

    assert (judged.code, judged.err) == (0, "")
    told = judged.json["result"]
    assert told["structuredContent"]["mode"] == "paper"
    assert told["structuredContent"]["session"] == "2026-12-08"
    assert json.loads(told["content"][0]["text"]) == told["structuredContent"]


@eras
@transports
def test_it_previews_an_order_and_sends_none(
    inspector: Inspector, exchange: Exchange, transport: Transport, era: Era
) -> None:
    judged = inspector.call(transport, era, "iron_condor_30_delta", width=2)

    assert (judged.code, judged.err) == (0, "")
    shown = judged.json["result"]["structuredContent"]
    assert shown["status"] == "preview"
    assert len(shown["preview"]["legs"]) == 4
    assert shown["confirm_token"]
    assert exchange.orders("all") == []


@eras
def test_it_is_told_what_was_wrong_with_a_call(inspector: Inspector, era: Era) -> None:
    judged = inspector.call("http", era, "iron_condor_30_delta", widht=2)

    assert judged.code == TOOL_FAILED
    assert "did you mean 'width'?" in judged.out + judged.err


@eras
def test_it_finds_the_order_ticket_of_a_tool_that_previews(inspector: Inspector, era: Era) -> None:
    asked = ("--app-info", "--method", "tools/call", "--tool-name", "iron_condor_30_delta")
    judged = inspector.run("http", era, *asked)

    assert (judged.code, judged.err) == (0, "")
    assert judged.json["resourceUri"] == "ui://ticket"
