"""How the desk says it runs, through a real client."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.market import until

TOOLS = (
    "update_spy_chain",
    "performance_stats",
    "audit_summary",
    "system_metrics",
    "circuit_breaker_status",
    "reset_circuit_breakers",
)
CONDOR = "iron_condor_30_delta"


def audit_file(desk: Desk) -> Path:
    """Return the newest file of the desk's audit log."""
    return max(desk.folder.glob("*/audit/*.jsonl"))


@pytest.mark.parametrize("tool", TOOLS)
async def test_an_unknown_argument_is_refused(desk: Desk, tool: str) -> None:
    async with desk.client() as client:
        assert "colour" in await client.refusal(tool, colour="red")


@pytest.mark.parametrize("days", [0, 61, "many"])
async def test_days_outside_the_bounds_are_refused(desk: Desk, days: Any) -> None:
    async with desk.client() as client:
        assert "days" in await client.refusal("audit_summary", days=days)


async def test_the_chain_is_asked_for_now(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        before = await client.ask("streaming_status")
        after = await client.ask("update_spy_chain")
    assert after["contracts_listed"] == before["contracts_listed"] > 0
    assert after["quotes_applied"] >= before["quotes_applied"] + after["contracts_listed"]


async def test_times_are_those_that_were_measured(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        for _ in range(3):
            await client.ask("get_positions")
        found = await client.ask("performance_stats")
    [row] = [one for one in found["times"] if one["what"] == "tools ok get_positions"]
    assert row["count"] == 3
    assert 0 < row["p50_ms"] <= row["p95_ms"]
    assert any(one["what"].startswith("broker ") for one in found["times"])
    assert not found["truncated"]


async def test_the_audit_is_counted_and_a_change_of_it_is_found(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path / "state", exchange.tenant(), quote_age_max=60) as desk:
        async with desk.client() as client:
            await client.ready()
            await client.ask(CONDOR, width=1)
            await client.refusal("orb_long_call", risk=0.01)
            found = await client.ask("audit_summary")
            lines = [json.loads(line) for line in audit_file(desk).read_text().splitlines()]
            kinds = [line["kind"] for line in lines]
            assert found["by_kind"] == {kind: kinds.count(kind) for kind in set(kinds)}
            assert {"setting", "preview", "refusal"} <= set(found["by_kind"])
            assert sum(found["refusals"].values()) == kinds.count("refusal")
            assert (found["intact"], found["faults"]) == (True, [])
            assert found["records"] == len(lines)
            text = audit_file(desk).read_text()
            audit_file(desk).write_text(text.replace('"kind":"preview"', '"kind":"Preview"', 1))
            changed = await client.ask("audit_summary")
        assert not changed["intact"]
        assert "is not as it was written" in changed["faults"][0]


async def test_the_process_is_shown(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        found = await client.ask("system_metrics")
    assert found["cpu_seconds"] > 0
    assert found["memory_peak_mb"] > 20
    assert found["memory_mb"] is None or found["memory_mb"] <= found["memory_peak_mb"] + 1
    assert found["threads"] > 1
    assert found["tasks"] > 5
    assert found["broker_requests_left"] > 0
    assert found["jobs_waiting"] == []


async def test_an_open_breaker_may_try_again_at_once(exchange: Exchange, tmp_path: Path) -> None:
    """The broker's data fails until its breaker opens; released, one call goes through."""
    impatient = {"quote_age_max": 60, "broker_timeout": 1}
    with Desk.start(tmp_path / "state", exchange.tenant(), **impatient) as desk:
        async with desk.client() as client:
            await client.ready()
            nothing = await client.ask("reset_circuit_breakers")
            assert nothing["released"] == []
            assert set(nothing["breakers"].values()) == {"closed"}
            exchange.fault(kind="500", path="/v1beta1/options/snapshots", times=0)
            try:

                async def opened() -> bool:
                    calls = (client.mcp.call_tool("update_spy_chain", {}) for _ in range(5))
                    assert all(answer.is_error for answer in await asyncio.gather(*calls))
                    found = await client.ask("circuit_breaker_status")
                    return bool(found["breakers"]["market data"] == "open")

                await until(opened, "no breaker opened")
            finally:
                exchange.clear_faults()

            async def closed() -> bool:
                await client.ask("reset_circuit_breakers")
                await client.mcp.call_tool("update_spy_chain", {})
                found = await client.ask("circuit_breaker_status")
                return set(found["breakers"].values()) == {"closed"}

            await until(closed, "the breaker did not close")
