"""INT.4: the feed is cut twenty times and dies once; it comes back, nothing old is traded on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.desk import Desk, DeskClient, text_of
from tests.exchange import Exchange
from tests.tools.market import until

CUTS = 20
CONDOR = "iron_condor_30_delta"
DEMO = {"clock": "demo", "day": "2026-12-08", "at": "10:05", "seed": 7}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    folder = tmp_path / "exchange"
    folder.mkdir()
    with Exchange.start(folder, **DEMO) as exchange:
        yield exchange


@pytest.fixture
def desk(exchange: Exchange, tmp_path: Path) -> Iterator[Desk]:
    with Desk.start(tmp_path / "desk", exchange, quote_age_max=3, broker_timeout=2) as desk:
        yield desk


def fault(exchange: Exchange, **wanted: Any) -> None:
    headers = {"Authorization": f"Bearer {exchange.admin_key}"}
    assert exchange.request("POST", "/admin/faults", wanted, headers=headers).status == 200


async def streaming(client: DeskClient, seconds: float = 30) -> dict[str, Any]:
    """Wait until quotes flow again, and return the stream's numbers."""

    async def flows() -> bool:
        status = await client.ask("streaming_status")
        return bool(
            status["state"] == "live"
            and status["symbols_streamed"] > 0
            and status["messages_per_second"] > 0
            and (status["last_message_age_seconds"] or 0) < 1
        )

    await until(flows, "the stream did not come back", seconds)
    return await client.ask("streaming_status")


async def test_twenty_cuts_are_each_marked_and_over_soon(
    desk: Desk, exchange: Exchange, capsys: pytest.CaptureFixture[str]
) -> None:
    took = []
    async with desk.client() as client:
        await client.ready()
        before = await streaming(client)
        for number in range(CUTS):
            fault(exchange, kind="drop_sockets")
            began = monotonic()

            async def again(cuts: int = before["reconnects"] + number + 1) -> bool:
                return bool((await client.ask("streaming_status"))["reconnects"] >= cuts)

            await until(again, "the cut was not noticed")
            after = await streaming(client)
            took.append(monotonic() - began)
        assert after["reconnects"] == before["reconnects"] + CUTS
        assert abs(after["symbols_streamed"] - before["symbols_streamed"]) <= 20
        await client.ready()
        answer = await client.mcp.call_tool(CONDOR, {"width": 2})
        assert not answer.is_error or answer.structured_content is None
    with capsys.disabled():
        sys.stdout.write(f"\n{CUTS} cuts of the feed: live again after {max(took):.1f} s at most\n")


async def test_a_feed_that_dies_on_all_roads_is_traded_on_by_nobody(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        await streaming(client)
        fault(exchange, kind="half_open")
        for path in ("/v1beta1/options", "/v2/stocks"):
            fault(exchange, kind="500", times=0, method="GET", path=path)

        async def refused() -> bool:
            told = await client.mcp.call_tool(CONDOR, {"width": 2})
            words = text_of(told)
            return told.is_error and any(
                code in words
                for code in ("[stale_quote]", "quote_age", "[broker_unavailable]", "[no_market")
            )

        await until(refused, "the desk still trades on old quotes")

        async def unready() -> bool:
            return not (await client.ask("health_check"))["ready"]

        await until(unready, "the desk says it may open orders")
        headers = {"Authorization": f"Bearer {exchange.admin_key}"}
        exchange.request("DELETE", "/admin/faults", headers=headers)
        await streaming(client, seconds=60)
        await client.ready()
    assert exchange.orders() == []
