"""A principal that asks too often waits; another does not, and what stops trading never does."""

from __future__ import annotations

import pytest
from mcp import MCPError

from tests.desk import Desk, DeskClient, Era
from tests.e2e.changing import changes
from tools.limit import RATE_LIMITED

SETTINGS = {"calls_per_minute": "30"}  # six at once
AT_ONCE = 6
ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])


async def spent(client: DeskClient) -> str:
    """Call until a call is refused; return why."""
    for _ in range(100 * AT_ONCE):
        answer = await client.mcp.call_tool("streaming_status", {})
        if answer.is_error:
            return str(getattr(answer.content[0], "text", ""))
    raise AssertionError("no call was refused")


async def read_on(client: DeskClient) -> None:
    """Read until a reading is refused."""
    for _ in range(100 * AT_ONCE):
        await client.mcp.read_resource("journal://")


@changes("calls_per_minute")
@ERAS
async def test_too_many_calls_are_refused_with_the_time_to_wait(desk: Desk, era: Era) -> None:
    async with desk.client(f"busy-{era}", era) as busy, desk.client(f"calm-{era}", era) as calm:
        told = await spent(busy)
        assert told.startswith("[rate_limited] more than 30 calls a minute, nothing was done. ")
        assert "Next: retry in " in told
        await calm.ask("streaming_status")
        await spent(busy)
        with pytest.raises(MCPError) as refused:
            await read_on(busy)
        assert refused.value.error.code == RATE_LIMITED
        assert refused.value.error.data["retry_after_seconds"] >= 1


@ERAS
async def test_what_stops_trading_always_passes(desk: Desk, era: Era) -> None:
    async with desk.client(f"stops-{era}", era) as client:
        await spent(client)
        for _ in range(2 * AT_ONCE):
            told = await client.refusal("cancel_order", order_id="nobody")
            assert told.startswith("[order_not_found]")
            assert (await client.ask("flatten_all"))["flat"]
            assert (await client.refusal("kill_switch", enable=False)).startswith("[release_")
