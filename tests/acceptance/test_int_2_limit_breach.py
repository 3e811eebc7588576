"""INT.2: a limit is breached, by what is wanted and by what is held.

A day at -$480 takes no trade that risks more than is left, on no surface; an open loss past the
limit is acted on by itself; neither a restart nor a person's release brings new room.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from common.session import new_york_text
from tests.acceptance.losing import DAY, MORNING, call, limit_named, lose, lost, trade
from tests.desk import ENTRYPOINT, Desk, DeskClient
from tests.exchange import ROOT, Exchange
from tests.tools.market import PATIENT, until

CONDOR, CALL = "iron_condor_30_delta", "orb_long_call"
CAP = 500
TOKEN_LIVES = {"confirmation_timeout": 300}
LOSS_ALONE = {"portfolio_delta_cap": 100_000}  # what loses here leans, too


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), **MORNING) as exchange:
        yield exchange


@pytest.fixture
def exchange(shared: Exchange) -> Exchange:
    """Return the account of one case, with its own hundred thousand."""
    return shared.tenant()


def terminal(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product beside the daemon."""
    return subprocess.run(
        [sys.executable, str(ENTRYPOINT), *arguments],
        cwd=ROOT,
        env=desk.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def released(desk: Desk) -> str:
    """Release the kill switch as a person does, on a terminal; return what it says."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ENTRYPOINT), "kill", "--release"],
        env=desk.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(ours, b"RELEASE\n")
    said, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, said
    return said


async def test_at_minus_480_no_surface_takes_what_risks_more_than_is_left(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path, exchange, **PATIENT | TOKEN_LIVES) as desk:
        async with desk.client() as client:
            await client.ready()
            before = await client.ask(CONDOR, width=1)  # sound while nothing was lost
            assert Decimal(before["preview"]["max_loss"]) > 30
            gone = await lose(client, exchange, 480)
            assert 470 < gone <= 480
            left = CAP - gone
            checked = await client.ask("risk_check")
            budget = limit_named(checked, "daily_loss")
            assert (budget["room"], checked["halt"]) == (f"${left:.2f}", "active")
            orders = len(exchange.orders())

            by_http = await client.refusal(CONDOR, width=1)
            late = await client.refusal(
                CONDOR, width=1, preview=False, confirm_token=before["confirm_token"]
            )
            assert not (await client.ask("risk_check", strategy=CONDOR, width=1))["ok"]
            async with desk.bridge() as bridge:
                by_bridge = await bridge.refusal(CALL, strike_delta=30)
            async with desk.client(principal="another", era="legacy") as other:
                by_another = await other.refusal(CONDOR, width=2)
            typed = terminal(desk, "tools", "call", CONDOR, "width=1")
            for refused in (by_http, late, by_bridge, by_another, typed.stdout + typed.stderr):
                assert "[limit_breached] daily_loss: allowed $500.00" in refused
            assert len(exchange.orders()) == orders

            fits = await client.ask(CALL, strike_delta=5)
            risk = Decimal(fits["preview"]["max_loss"])
            assert 0 < risk <= left
            order = await client.confirmed(CALL, fits, strike_delta=5)
            assert (await client.ended(order["client_order_id"]))["status"] == "filled"
            now = limit_named(await client.ask("risk_check"), "daily_loss")
            assert left - risk <= Decimal(now["room"].removeprefix("$")) < left
            more = await client.refusal(CALL, strike_delta=6)  # what is open is budget spent
            assert "[limit_breached]" in more


async def halted(client: DeskClient, how: str) -> list[str]:
    """Wait until trading is halted so far; return why."""
    found: list[dict[str, Any]] = []

    async def is_so() -> bool:
        answer = await client.mcp.call_tool("risk_check", {})  # refused while a day begins
        found.append(answer.structured_content or {})
        return bool(found[-1].get("halt") == how)

    await until(is_so, f"not {how}")
    return list(found[-1]["halted_because"])


async def test_an_open_loss_past_the_limit_flattens_halts_and_stays_lost(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path, exchange, **PATIENT | LOSS_ALONE) as desk:
        async with desk.client() as client:
            await client.ready()
            opening = (await client.ask("show_pnl"))["opening_equity"]
            gone = await lose(client, exchange, 480)
            trade(exchange, call(exchange, Decimal(0)), "buy", qty=12)  # 3 cents wide: $36
            why = await halted(client, "halted")
            assert any("its maximum loss is $500.00 (risk watch)" in one for one in why)

            async def flat() -> bool:
                return not exchange.positions() and not exchange.orders("open")

            await until(flat, "not flattened")

            async def locked() -> bool:
                return bool(exchange.get("/v2/account/configurations")["suspend_trade"])

            await until(locked, "trading is not suspended at the broker")
            assert lost(exchange) > CAP > gone
            refused = await client.refusal(CALL, strike_delta=5)
            assert refused.startswith("[kill_switch] trading is halted")
            assert "maximum loss" in refused
        desk.kill9()
        desk.launch()
        async with desk.client() as client:
            why = await halted(client, "halted")
            assert len(why) == 1
            assert (await client.ask("show_pnl"))["opening_equity"] == opening
            said = released(desk)  # a person may release what people set, not the day's loss
            assert "maximum loss" in said
            assert await halted(client, "halted") == why
            health = await client.ask("health_check")
            assert any("maximum loss" in reason for reason in health["reasons"])
            # Closing works with the gates and the broker's lock set: it is lifted first.
            exchange.request("PATCH", "/v2/account/configurations", {"suspend_trade": False})
            symbol = call(exchange, Decimal(3))
            trade(exchange, symbol, "buy", qty=2)
            exchange.request("PATCH", "/v2/account/configurations", {"suspend_trade": True})
            assert terminal(desk, "kill").returncode == 0
            assert exchange.positions() != []
            assert (await client.ask("flatten_all"))["flat"]
            assert exchange.positions() == []
            await until(locked, "trading is not suspended again")


@pytest.mark.parametrize(("action", "how"), [("reduce", "reducing"), ("halt", "halted")])
async def test_the_configured_action_may_leave_what_is_held(
    exchange: Exchange, tmp_path: Path, action: str, how: str
) -> None:
    settings = PATIENT | LOSS_ALONE | {"loss_action": action, "broker_lock": 0}
    with Desk.start(tmp_path, exchange, **settings) as desk:
        async with desk.client() as client:
            await client.ready()
            await lose(client, exchange, 480)
            trade(exchange, call(exchange, Decimal(0)), "buy", qty=12)
            await halted(client, how)
            assert len(exchange.positions()) == 1
            assert (await client.ask("flatten_all"))["flat"]
            assert not exchange.get("/v2/account/configurations")["suspend_trade"]


async def test_the_next_session_starts_anew(tmp_path: Path) -> None:
    folder = tmp_path / "exchange"
    folder.mkdir()
    settings = PATIENT | LOSS_ALONE | {"cache_cleanup_interval": 0.5}
    with (
        Exchange.start(folder, **MORNING) as exchange,
        Desk.start(tmp_path, exchange, **settings) as desk,
    ):
        async with desk.client() as client:
            await client.ready()
            await lose(client, exchange, 480)
            trade(exchange, call(exchange, Decimal(0)), "buy", qty=12)
            await halted(client, "halted")
            assert new_york_text(exchange.now()).startswith(DAY)

            async def locked() -> bool:
                return bool(exchange.get("/v2/account/configurations")["suspend_trade"])

            await until(locked, "trading is not suspended at the broker")
            exchange.step(timedelta(hours=24))
            assert await halted(client, "active") == []

            async def anew() -> bool:
                shown = await client.ask("show_pnl")
                return bool(Decimal(shown["opening_equity"]) == 100_000 - lost(exchange))

            await until(anew, "the session is not measured from its own opening")

            async def unlocked() -> bool:
                return not await locked()

            await until(unlocked, "trading is still suspended at the broker")
