"""The conformance suite of the protocol, both revisions, against our server and HTTP stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from alpaca_mcp_server import toolsets
from tests.conformance_mcp.content import content
from tests.conformance_mcp.judges import conform, required
from tests.conformance_mcp.rounds import rounds
from tests.desk import Desk, text_of
from tests.exchange import Exchange
from tools.catalog import Catalog

SCORED = {"2025-11-25": 30, "2026-07-28": 37}  # frozen by the suite when each revision shipped
EXTENSION = "tasks-"  # long-running tasks, which we do not offer and do not claim to


@dataclass
class JudgedDesk(Desk):
    """The desk with the suite's tools, open to whoever asks."""

    program: tuple[str, ...] = ("-m", "tests.conformance_mcp.server")


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with JudgedDesk.start(tmp_path_factory.mktemp("state"), exchange) as desk:
        yield desk


@pytest.mark.parametrize("revision", SCORED)
def test_every_scenario_a_revision_requires_passes(
    desk: Desk, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = conform(desk.told["url"], revision)

    failed = {name: found for name, found in verdict.scored.items() if found.failed}
    assert failed == {}, verdict.judged.out
    assert verdict.scored.keys() == required(revision)
    assert len(verdict.scored) == SCORED[revision]
    assert verdict.judged.code == 0, verdict.judged.err

    # What does not count passes too, but for the extension that we do not claim.
    strangers = [name for name in verdict.failing if not name.startswith(EXTENSION)]
    assert strangers == [], verdict.judged.out
    checks = sum(found.passed for found in verdict.scored.values())
    beyond = len(verdict.unscored) - len(verdict.failing)
    with capsys.disabled():
        print(  # noqa: T201 what make conformance is run for
            f"\n  {revision}: {len(verdict.scored)} required scenarios pass, {checks} checks; of "
            f"the others {beyond} pass and {len(verdict.failing)} of {EXTENSION}* fail"
        )


async def test_what_is_judged_is_our_server_with_the_suites_tools_behind_our_boundary(
    desk: Desk,
) -> None:
    async with (
        httpx2.AsyncClient(trust_env=False) as http,
        Client(streamable_http_client(desk.told["url"], http_client=http)) as client,
    ):
        listed = [tool.name for tool in (await client.list_tools()).tools]
        theirs = set(Catalog((content, rounds)).offers)
        ours = set(Catalog(toolsets()).offers)
        assert theirs <= set(listed) <= theirs | ours
        assert "iron_condor_30_delta" in listed

        refused = await client.call_tool("test_simple_text", {"wrod": 1})
        assert text_of(refused).startswith("[unknown_argument] test_simple_text has no argument")
