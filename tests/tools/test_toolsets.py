"""Each client is shown what its token and the settings allow, and may call nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.types import Tool

from alpaca_mcp_server import toolsets
from common.config import load_settings
from common.errors import Misconfigured
from common.ids import RandomIds
from serving.tokens import TokenFile
from tests.desk import Desk, DeskClient, Era
from tests.e2e.changing import changes
from tests.exchange import Exchange
from tools.catalog import Catalog
from tools.exits import exits
from tools.grant import Grant
from tools.journal import journal

SETTINGS = {"toolsets": "default"}
OFFERS = Catalog(toolsets()).offers
USUAL = [name for name, offer in OFFERS.items() if offer.basic]
JOURNAL = "export_trade_journal"  # of a set that is not wholly listed by default
ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])


def granted(desk: Desk, name: str, **rights: object) -> str:
    """Give a principal a token of those rights; return the principal."""
    grant = Grant(read_only=bool(rights.get("read_only")), toolsets=_text(rights.get("toolsets")))
    TokenFile(desk.folder / "tokens.json", RandomIds()).token(name, grant)
    return name


def _text(value: object) -> str | None:
    return None if value is None else str(value)


async def shown(client: DeskClient) -> list[Tool]:
    return list((await client.mcp.list_tools()).tools)


def test_the_sets_here_are_such_that_the_cases_mean_something() -> None:
    assert not OFFERS[JOURNAL].basic
    assert not OFFERS[JOURNAL].reads
    assert len(USUAL) < len(OFFERS)


@ERAS
async def test_by_default_the_basic_tools_are_listed_and_no_other_is_called(
    desk: Desk, era: Era
) -> None:
    async with desk.client(era=era) as client:
        assert [tool.name for tool in await shown(client)] == USUAL
        told = await client.refusal(JOURNAL)
    assert told.startswith(f"[tool_off] {JOURNAL} is of the toolset journal, which is off. Next: ")
    assert "TOOLSETS=default,journal in .env" in told


@ERAS
async def test_a_token_of_its_own_sets_is_shown_those(desk: Desk, era: Era) -> None:
    everything = granted(desk, "everything", toolsets="all")
    few = granted(desk, "few", toolsets="journal,system")
    async with desk.client(everything, era) as client:
        assert [tool.name for tool in await shown(client)] == list(OFFERS)
    async with desk.client(few, era) as client:
        names = [tool.name for tool in await shown(client)]
        assert {OFFERS[name].toolset for name in names} == {"journal", "system"}
        assert JOURNAL in names
        assert (await client.refusal("get_positions")).startswith("[tool_off] get_positions is of")


@ERAS
async def test_a_token_that_reads_is_shown_reads_and_can_change_nothing(
    desk: Desk, exchange: Exchange, era: Era
) -> None:
    reader = granted(desk, "reader", read_only=True, toolsets="all")
    before = exchange.orders()
    async with desk.client(reader, era) as client:
        for tool in await shown(client):
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
        assert (await client.ask("health_check"))["halt"] == "active"
        for name, offer in OFFERS.items():
            if not offer.reads:
                told = await client.refusal(name)
                assert told.startswith(f"[read_only] {name} changes something, nothing was done")
        assert (await client.ask("health_check"))["halt"] == "active"
        assert (await client.ask("list_tools"))["read_only"]
    assert exchange.orders() == before


@ERAS
async def test_every_tool_is_told_with_what_is_off_and_how_to_turn_it_on(
    desk: Desk, era: Era
) -> None:
    async with desk.client(era=era) as client:
        told = await client.ask("list_tools")
        found = await client.ask("list_tools", words="JOURNAL csv")
        none = await client.ask("list_tools", words="no such thing")
    assert [row["name"] for row in told["tools"]] == list(OFFERS)
    assert {row["name"] for row in told["tools"] if row["on"]} == set(USUAL)
    assert (told["total"], told["truncated"], told["toolsets"]) == (len(OFFERS), False, "default")
    assert {row["about"] for row in told["tools"]} == {None}
    assert [(row["name"], row["on"], row["may"]) for row in found["tools"]] == [
        (JOURNAL, False, "sets")
    ]
    assert found["tools"][0]["about"].startswith("Write the trade journal")
    assert "TOOLSETS=default,journal in .env" in found["to_turn_on"]
    assert (none["tools"], none["to_turn_on"]) == ([], None)


async def test_each_host_has_its_own_wishes_on_one_daemon(desk: Desk) -> None:
    """What a host's configuration says goes with its bridge, not with the daemon."""
    async with desk.bridge(TOOLSETS="journal", READ_ONLY="true") as client:
        names = {tool.name for tool in await shown(client)}
        assert names == {
            name for name, offer in OFFERS.items() if offer.toolset == "journal" and offer.reads
        }
        assert (await client.refusal(JOURNAL)).startswith("[read_only] ")
    async with desk.bridge(TOOLSETS="all") as client:
        assert len(await shown(client)) == len(OFFERS)
    async with desk.bridge() as client:
        assert [tool.name for tool in await shown(client)] == USUAL


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="tools named twice"):
        Catalog([*toolsets(), toolsets()[0]])


@changes("toolsets", "read_only")
def test_what_is_listed_is_what_was_asked_for() -> None:
    def listed(**given: Any) -> frozenset[str]:
        one = load_settings(_env_file=None, **given)
        return Catalog(toolsets(), asked=one.toolsets, read_only=one.read_only).listed()

    everything, usual = listed(toolsets="all"), listed()
    assert usual < everything
    assert listed(toolsets="exits, Journal") == {
        offer.tool.name for one in (exits, journal) for offer in Catalog([one]).offers.values()
    }
    assert listed(toolsets="journal") - usual == listed(toolsets="default,journal") - usual
    reading = listed(toolsets="all", read_only=True)
    assert "get_positions" in reading
    assert not reading & {"kill_switch", "buy_option_limit", "start_option_streaming"}
    with pytest.raises(Misconfigured, match="TOOLSETS: 'stonks' is no toolset: use default, all"):
        load_settings(_env_file=None, toolsets="stonks")
    same = {
        load_settings(_env_file=None, **one).digest()
        for one in ({}, {"toolsets": "all"}, {"read_only": True})
    }
    assert len(same) == 1
