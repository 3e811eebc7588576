"""The link to the daemon: a token first, then sessions of either era, frame by line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from serving.link import FRAME_MAX
from tests.serving.desk import HELLO, WAIT, Desk

MODERN = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": HELLO["clientInfo"],
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.at(tmp_path_factory.mktemp("link") / "home") as desk:
        desk.serve()
        yield desk


class Wire:
    """A connection to the link, as a bridge has one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
        frame = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.writer.write(json.dumps(frame).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(self.reader.readline(), WAIT))
        return answer

    async def ended(self) -> bool:
        """Wait for what comes next; tell whether that is the end."""
        try:
            return await asyncio.wait_for(self.reader.read(1), WAIT) == b""
        except ConnectionError:
            return True


@asynccontextmanager
async def connected(desk: Desk, first_line: bytes) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.daemon()["link"])
    try:
        writer.write(first_line)
        yield Wire(reader, writer)
    finally:
        writer.close()


def token(desk: Desk, name: str = "local") -> bytes:
    return desk.run("token", name).stdout.strip().encode() + b"\n"


@pytest.mark.parametrize(
    "first_line", [b"wrong\n", b"\n", b"POST /mcp HTTP/1.1\r\n", b"\xff\xfe\n", b"x" * 100_000]
)
async def test_without_a_good_token_nothing_is_served(desk: Desk, first_line: bytes) -> None:
    async with connected(desk, first_line) as wire:
        wire.writer.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        assert await wire.ended()


async def test_both_eras_are_served_each_on_a_connection_of_its_own(desk: Desk) -> None:
    async with connected(desk, token(desk)) as old, connected(desk, token(desk, "agent")) as new:
        told = await old.ask(1, "initialize", HELLO)
        assert told["result"]["protocolVersion"] == "2025-11-25"
        found = await new.ask(1, "server/discover", MODERN)
        assert "2026-07-28" in found["result"]["supportedVersions"]
        listed = await new.ask(2, "tools/list", MODERN)
        assert {tool["name"] for tool in listed["result"]["tools"]} >= {"health_check"}


async def test_a_frame_without_end_costs_its_sender_the_connection_and_nobody_else(
    desk: Desk,
) -> None:
    async with connected(desk, token(desk)) as good, connected(desk, token(desk)) as bad:
        assert "result" in await good.ask(1, "initialize", HELLO)
        bad.writer.write(b"x" * (FRAME_MAX + 1))
        assert await bad.ended()
        assert "result" in await good.ask(2, "tools/list", {})


async def test_a_host_that_probes_first_and_then_shakes_hands_is_served(desk: Desk) -> None:
    """Some hosts ask server/discover and then initialize, on the same pipe."""
    async with desk.host() as host:
        probed = await host.ask("server/discover", MODERN)
        assert "result" in probed
        assert (await host.hello())["result"]["protocolVersion"] == "2025-11-25"
        assert not (await host.call("streaming_status"))["isError"]
