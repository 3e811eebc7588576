"""The embedded exchange dies under an open position: nothing is lost and the desk goes on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from tests.desk import Desk

CONDOR = "iron_condor_30_delta"


async def test_a_killed_exchange_comes_back_where_it_was_with_all_it_held(tmp_path: Path) -> None:
    home = tmp_path / "state"
    with Desk.start(home, exchange__day="2026-11-20", exchange__at="10:30") as desk:
        async with desk.client() as client:
            await client.ready()
            order = await client.confirmed(CONDOR, await client.ask(CONDOR, width=2), width=2)
            await client.ended(order["client_order_id"])
            before = await client.ask("get_positions")
            assert len(before["positions"]) == 4

            address = home / "exchange" / "address.json"
            told = json.loads(address.read_text())
            os.kill(told["pid"], signal.SIGKILL)

            await client.ready()
            again = json.loads(address.read_text())
            assert again["pid"] != told["pid"]
            assert again["url"] == told["url"]
            after = await client.ask("get_positions")
            assert held(after) == held(before)
            assert (await client.ask("flatten_all"))["flat"]


def held(answer: dict[str, list[dict[str, str]]]) -> dict[str, tuple[str, str]]:
    return {p["symbol"]: (p["qty"], p["average_entry"]) for p in answer["positions"]}
