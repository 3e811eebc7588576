"""Three clients of one desk at once: two bridges of one user, one HTTP client of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.desk import Desk
from tests.exchange import Exchange


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    folder = tmp_path / "exchange"
    folder.mkdir()
    with Exchange.start(folder, clock="demo", day="2026-11-20", at="10:30", seed=7) as exchange:
        yield exchange


async def test_bridges_share_previews_a_foreign_token_is_refused_and_one_kill_stops_all(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path / "state", exchange) as desk:
        async with AsyncExitStack() as stack:
            chat = await stack.enter_async_context(desk.bridge("legacy"))
            panel = await stack.enter_async_context(desk.bridge("auto"))
            other = await stack.enter_async_context(desk.client("agent", "auto"))
            await chat.ready()

            shown = await chat.ask("iron_condor_30_delta", width=2)
            foreign = await other.refusal(
                "iron_condor_30_delta",
                width=2,
                preview=False,
                confirm_token=shown["confirm_token"],
            )
            assert foreign.startswith("[preview_not_found]")
            assert exchange.orders() == []

            order = await panel.confirmed("iron_condor_30_delta", shown, width=2)
            filled = await panel.ended(order["client_order_id"])
            assert filled["status"] == "filled"
            [placed] = exchange.orders()
            assert placed["order_class"] == "mleg"
            assert placed["client_order_id"] == order["client_order_id"]

            waiting = await chat.ask("iron_condor_30_delta", width=1)
            assert (await other.ask("kill_switch"))["halt"] == "halted"
            for client in (chat, panel, other):
                refused = await client.refusal("iron_condor_30_delta", width=1)
                assert refused.startswith("[kill_switch]")
            token = waiting["confirm_token"]
            stopped = await chat.refusal(
                "iron_condor_30_delta", width=1, preview=False, confirm_token=token
            )
            assert stopped.startswith("[kill_switch]")
            released = await other.refusal("kill_switch", enable=False)
            assert released.startswith("[release_refused]")

            flat = await panel.ask("flatten_all")
            assert flat["flat"]
    assert exchange.positions() == []
    assert len({order["client_order_id"] for order in exchange.orders()}) == len(exchange.orders())
