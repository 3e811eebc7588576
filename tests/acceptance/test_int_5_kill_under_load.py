"""INT.5: fifty previews are being confirmed when the kill switch goes; none passes the latch."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.acceptance.losing import MORNING
from tests.desk import Desk, text_of
from tests.exchange import Exchange
from tests.tools.market import PATIENT, until

CONDOR = "iron_condor_30_delta"
MANY = 50
ROOMY = {
    "max_daily_loss": 1_000_000,
    "portfolio_delta_cap": 100_000,
    "assignment_shares_max": 1_000_000,
    "strike_contracts_max": 10_000,
    "expiry_contracts_max": 10_000,
    "confirmation_timeout": 300,
    "entry_pricing": "natural",
}


async def test_nothing_is_accepted_after_the_latch_and_what_worked_is_taken_back(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "exchange"
    folder.mkdir()
    with (
        Exchange.start(folder, **MORNING, cash=10_000_000) as exchange,
        Desk.start(tmp_path, exchange, **PATIENT | ROOMY) as desk,
    ):
        async with desk.client() as client, desk.client("other", era="legacy") as other:
            await client.ready()
            clients = [client, other] * (MANY // 2)
            tokens = [
                (await one.ask(CONDOR, width=2, contracts=1))["confirm_token"] for one in clients
            ]
            late = [(await one.ask(CONDOR, width=1))["confirm_token"] for one in (client, other)]

            async def confirm(which: int) -> Any:
                arguments = {"width": 2, "preview": False, "confirm_token": tokens[which]}
                return await clients[which].mcp.call_tool(CONDOR, arguments)

            sending = [asyncio.create_task(confirm(which)) for which in range(MANY)]

            async def under_way() -> bool:
                return len(exchange.orders()) >= 3

            await until(under_way, "nothing is being sent")
            assert not all(task.done() for task in sending)  # or there was no load to speak of
            killed = await other.ask("kill_switch")
            assert killed["halt"] == "halted"
            after = len(exchange.orders())  # at the broker when the latch was told

            for one, token in zip((client, other), late, strict=True):
                refused = await one.refusal(CONDOR, width=1, preview=False, confirm_token=token)
                assert refused.startswith("[kill_switch]")
                assert (await one.refusal(CONDOR, width=1)).startswith("[kill_switch]")
            answers = await asyncio.gather(*sending)
            refused_by_kill = [text_of(answer) for answer in answers if answer.is_error]
            passed = [answer for answer in answers if not answer.is_error]
            assert {why.split()[0] for why in refused_by_kill} == {"[kill_switch]"}, refused_by_kill
            assert len(refused_by_kill) + len(passed) == MANY
            orders = exchange.orders()
            # At most the one that was between our last look and the broker's books came after.
            assert after <= len(orders) <= after + 1
            assert len(orders) == len(passed)
            assert {order["client_order_id"] for order in orders} == {
                answer.structured_content["order"]["client_order_id"] for answer in passed
            }

            async def none_works() -> bool:
                return not exchange.orders("open")

            await until(none_works, "an opening order still works after the kill")
            assert {order["status"] for order in exchange.orders()} <= {"filled", "canceled"}
            assert (await client.ask("flatten_all"))["flat"]
            assert exchange.positions() == []
            assert Decimal(exchange.get("/v2/account")["equity"]) > 0
