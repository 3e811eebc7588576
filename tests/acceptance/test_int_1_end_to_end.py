"""INT.1: preview, agreement, walk, fill, live exits, exit and P&L, through a real MCP client.

The market is stepped: nothing moves unless told, so what fires and when is the seed's doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import PATIENT, Reply, followed, until

MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}
# A walk from the mid, quick: what it does is tested here, not how long it waits.
WALKING = {"entry_pricing": "adaptive", "entry_step": 0.2, "entry_timeout": 5}
LOOSE = {
    "portfolio_delta_cap": 200,
    "max_daily_loss": 2000,
    "price_tolerance": 0.2,
    "open_interest_min": 0,
    "cooldown_after_loss": 0,
}
CALL, CONDOR = "orb_long_call", "iron_condor_30_delta"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def exchange(tmp_path: Any) -> Iterator[Exchange]:
    folder = tmp_path / "exchange"
    folder.mkdir()
    with Exchange.start(folder, **MORNING) as exchange:
        yield exchange


@pytest.fixture
def desk(exchange: Exchange, tmp_path: Any) -> Iterator[Desk]:
    with Desk.start(tmp_path / "desk", exchange, **PATIENT, **WALKING, **LOOSE) as desk:
        yield desk


async def opened(client: DeskClient, tool: str, **arguments: Any) -> tuple[Reply, Reply]:
    """Preview, confirm and wait for the fill; return the preview and the order."""
    shown = await client.ask(tool, **arguments)
    sent = await client.confirmed(tool, shown, **arguments)
    order = await client.ended(sent["client_order_id"])
    assert order["status"] == "filled", order
    return shown["preview"], order


async def stepped_until_flat(client: DeskClient, exchange: Exchange, order: Reply) -> Reply:
    """Let the market move minute by minute until an exit has closed everything."""
    for _ in range(90):
        if not exchange.positions():
            break
        exchange.step(MINUTE)
        await followed(client, exchange, order["legs"])
        trades = (await client.ask("list_exits"))["trades"]
        if not trades or trades[0]["state"] == "closing" or crossed(trades[0]):

            async def gone() -> bool:
                return not exchange.positions()

            await until(gone, f"the exit did not close it: {trades}")
    assert not exchange.positions()

    async def done() -> bool:
        return not (await client.ask("list_exits"))["trades"]

    await until(done, "the exit was not told as done")
    told: Reply = (await client.ask("get_order_status", order_id=order["order_id"]))["order"]
    return told


def crossed(trade: Reply) -> bool:
    """Tell whether a price exit of a trade is due by what the desk itself shows."""
    now = Decimal(trade["closing_price"])
    for line in trade["exits"]:
        at = Decimal(line["closing_price"])
        if now >= at if line["kind"] in ("stop", "trail") else now <= at:
            return True
    return False


async def test_a_breakout_is_shown_agreed_walked_filled_guarded_closed_and_accounted_for(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        preview, order = await opened(
            client, CALL, strike_delta=45, stop="20%", target="20%", contracts=2
        )
        _shown_in_prices_and_dollars(preview)
        [trade] = (await client.ask("list_exits"))["trades"]
        assert (trade["state"], len(trade["exits"])) == ("armed", 2)

        told = await stepped_until_flat(client, exchange, order)
        assert told["exit"].startswith(("done by stop 20%", "done by target 20%"))
        recent = (await client.ask("get_recent_orders"))["orders"]
        assert [o["strategy"] for o in recent] == [order["strategy"]] * 2
        assert recent[0]["legs"][0]["intent"] == "sell_to_close"
        assert recent[0]["slippage"] is not None
        pnl = await client.ask("show_pnl")
        equity = Decimal(exchange.get("/v2/account")["equity"])
        assert Decimal(pnl["session"]) == equity - Decimal(pnl["opening_equity"])
        assert (await client.ask("reconcile_positions"))["agrees"]


def _shown_in_prices_and_dollars(preview: Reply) -> None:
    exits = {line["kind"]: line for line in preview["exits"]}
    paid = Decimal(preview["natural"])
    assert Decimal(exits["stop"]["closing_price"]) == -paid * Decimal("0.8")
    assert Decimal(exits["target"]["closing_price"]) == -paid * Decimal("1.2")
    for name, sign in (("stop", -1), ("target", 1)):
        assert Decimal(exits[name]["result"]) == round(sign * paid * 200 * Decimal("0.2"), 2)
    assert preview["exit"].startswith("flat by 2026-12-08 15:25:00")


async def test_a_condor_walks_from_its_mid_by_replacing_and_fills_within_what_was_shown(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        preview, order = await opened(client, CONDOR, width=2)
        _walked(exchange, preview, order)
        [stop] = [line for line in preview["exits"] if line["kind"] == "stop"]
        assert stop["note"] == "each side by itself"
        assert (await client.ask("reconcile_positions"))["agrees"]
        assert (await client.ask("flatten_all"))["flat"]


def _walked(exchange: Exchange, preview: Reply, order: Reply) -> None:
    """It stood at the mid first and was moved, never beyond what was shown."""
    chain = [o for o in exchange.orders() if o["client_order_id"].startswith("spy0-")]
    limits = [Decimal(o["limit_price"]) for o in reversed(chain)]
    assert limits == sorted(limits)
    assert limits[0] < limits[-1] <= Decimal(preview["limit"])
    assert sorted({o["status"] for o in chain}) == ["filled", "replaced"]
    assert len([o for o in chain if o["status"] == "filled"]) == 1
    cost = Decimal(order["filled_average"]) - Decimal(order["mid_at_send"])
    assert Decimal(order["slippage"]) == cost
