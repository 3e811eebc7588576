"""The trade journal over MCP: planned against actual, marks that outlive a restart, CSV."""

from __future__ import annotations

import csv
import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import followed, until

CONDOR = "iron_condor_30_delta"
pytestmark = pytest.mark.usefixtures("flat_after")


async def journal(client: DeskClient) -> dict[str, Any]:
    trades = (await client.ask("trade_journal"))["trades"]
    return dict(trades[-1]) if trades else {}


def rows_of(file: Path) -> list[dict[str, str]]:
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    return list(csv.DictReader(file.read_text().splitlines()))


async def test_a_trade_is_told_from_its_preview_to_its_exit(
    desk: Desk, exchange: Exchange, tmp_path: Path
) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2, stop="none", target="none")
        preview = shown["preview"]
        order = await client.confirmed(CONDOR, shown, width=2, stop="none", target="none")
        filled = await client.ended(order["client_order_id"])

        async def marked() -> bool:
            return (await journal(client))["best_mark"] is not None

        await until(marked, "the open trade was not marked")
        now = await journal(client)
        assert now["client_order_id"] == order["client_order_id"]
        assert now["planned_natural"] == preview["natural"]
        assert now["planned_limit"] == preview["limit"]
        assert now["planned_max_loss"] == preview["max_loss"]
        assert now["planned_max_profit"] == preview["max_profit"]
        assert now["agreed_by"] == "token"
        assert now["entry"] == filled["filled_average"]
        assert now["slippage"] == f"{Decimal(filled['slippage']) * 100:.2f}"
        assert (now["result"], now["closed_at"]) == (None, None)

        exchange.step(timedelta(minutes=20))
        await followed(client, exchange, preview["legs"])
        first = Decimal(now["best_mark"]) - Decimal(now["worst_mark"])

        async def wider() -> bool:
            seen = await journal(client)
            return Decimal(seen["best_mark"]) - Decimal(seen["worst_mark"]) > first

        await until(wider, "twenty minutes moved no mark")
        before = await journal(client)

    desk.kill9()
    desk.launch()
    async with desk.client() as client:
        await client.ready()
        kept = await journal(client)
        assert Decimal(kept["best_mark"]) >= Decimal(before["best_mark"])
        assert Decimal(kept["worst_mark"]) <= Decimal(before["worst_mark"])

        opening = Decimal(exchange.get("/v2/account")["cash"])
        assert (await client.ask("flatten_all"))["flat"]
        done = await client.ask("trade_journal", days=5)
        closed = done["trades"][-1]
        assert closed["closed_at"] is not None
        assert closed["result_in_risk"] == pytest.approx(
            float(closed["result"]) / float(preview["max_loss"]), abs=1e-3
        )
        entry, out = Decimal(closed["entry"]), Decimal(closed["exit"])
        assert Decimal(closed["result"]) == -(entry + out) * 100 - Decimal(closed["fees"])
        paid = opening - Decimal(exchange.get("/v2/account")["cash"])
        assert abs(paid - out * 100) < Decimal("1.00")  # what the exchange says it cost, fees in it
        [group] = [one for one in done["by_strategy"] if one["group"] == closed["strategy"]]
        assert group["trades"] == len([t for t in done["trades"] if t["result"] is not None])
        [hour] = done["by_hour"]
        assert hour["group"] == "10:00"

        written = await client.ask("export_trade_journal")
    rows = rows_of(Path(written["file"]))
    assert len(rows) == written["trades"]
    assert rows[-1]["client_order_id"] == order["client_order_id"]
    assert rows[-1]["result"] == closed["result"]
    assert rows[-1]["strategy"] == closed["strategy"]


async def test_a_strategy_that_never_traded_has_an_empty_journal(desk: Desk) -> None:
    async with desk.client() as client:
        empty = await client.ask("trade_journal", strategy="lotto")
    assert empty["trades"] == empty["by_strategy"] == empty["by_hour"] == []
