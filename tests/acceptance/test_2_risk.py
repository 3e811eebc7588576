"""TEST.2: risk scenarios on a running desk: drift, reservation, twins, pauses, lockouts, locks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.losing import MORNING, call, limit_named, trade
from tests.desk import UNHURRIED, Desk, DeskClient, text_of
from tests.exchange import Exchange
from tests.tools.market import PATIENT, followed, until

CONDOR, CALL = "iron_condor_30_delta", "orb_long_call"
OF_THE_ACCOUNT = {
    "halt",
    "account",
    "session",
    "daily_loss",
    "strategy_risk",
    "exposure",
    "delta",
    "delta_sigma",
    "late_gamma",
    "assignment",
    "strike_contracts",
    "expiry_contracts",
    "trades_per_day",
    "orders_per_minute",
    "orders_per_hour",
    "cooldown",
    "consecutive_losses",
    "var",
    "es",
}
OF_AN_ORDER = {"trade_risk", "duplicate", "repeats", "qty", "quote_age", "spread", "limit_price"}
HURRIED = dict.fromkeys(UNHURRIED, "")  # the defaults: what a user has


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), **MORNING) as exchange:
        yield exchange


@pytest.fixture
def exchange(shared: Exchange) -> Exchange:
    """Return the account of one case, with its own hundred thousand."""
    return shared.tenant()


async def opened(client: DeskClient, tool: str, **arguments: Any) -> dict[str, Any]:
    """Preview, confirm and wait for the fill."""
    shown = await client.ask(tool, **arguments)
    order = await client.confirmed(tool, shown, **arguments)
    ended = await client.ended(order["client_order_id"])
    assert ended["status"] == "filled"
    return ended


def audited(folder: Path) -> str:
    """Return the audit log of the desk in a folder."""
    return "".join(path.read_text() for path in folder.glob("*/audit/*.jsonl"))


async def test_delta_that_drifts_past_its_cap_without_a_trade_blocks_new_risk_until_it_is_back(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path, exchange, **PATIENT) as desk:
        async with desk.client() as client:
            await client.ready()
            await opened(client, CALL, strike_delta=45)
            orders = len(exchange.orders())
            assert limit_named(await client.ask("risk_check"), "delta")["ok"]

            async def drifted() -> bool:
                return bool((await client.ask("risk_check"))["halt"] == "reducing")

            for _ in range(10):
                exchange.step(timedelta(minutes=5))
                await followed(client, exchange)
                if (await client.ask("portfolio_delta"))["total"]["delta_shares"] > 51:
                    break
            await until(drifted, "delta has drifted and nothing blocks new risk")
            checked = await client.ask("risk_check")
            assert not limit_named(checked, "delta")["ok"]
            assert checked["halted_because"][0].startswith("delta has drifted to +")
            assert len(exchange.orders()) == orders  # no trade did it, and none was made

            refused = await client.refusal(CONDOR, width=1)
            assert refused.startswith("[kill_switch] trading is reducing")
            assert "delta has drifted" in refused
            assert "lifts by itself" in refused
            health = await client.ask("health_check")
            assert any("delta has drifted" in reason for reason in health["reasons"])

            async def told() -> bool:  # gauges and the audit log follow within a second
                scrape = httpx2.get(desk.told["metrics_url"], trust_env=False).text
                alerts = 'risk_alerts_total{limit="delta"} 1.0'
                counted = alerts in scrape and "kill_state 1.0" in scrape
                return counted and "delta has drifted" in audited(tmp_path)

            await until(told, "no metric and no audit record tells of it")

            assert (await client.ask("flatten_all"))["flat"]  # closing is never blocked

            async def back() -> bool:
                return bool((await client.ask("risk_check"))["halt"] == "active")

            await until(back, "delta is back and new risk is still blocked")
            assert (await client.ask(CONDOR, width=1))["status"] == "preview"


async def test_previews_confirmed_together_never_exceed_the_budget(
    exchange: Exchange, tmp_path: Path
) -> None:
    cap = Decimal(130)
    with Desk.start(tmp_path, exchange, **PATIENT, max_daily_loss=cap) as desk:
        async with desk.client() as one, desk.client("two") as two, desk.client("three") as three:
            await one.ready()
            clients = [one, two, three] * 2
            shown = [await client.ask(CONDOR, width=1) for client in clients]
            risks = [Decimal(each["preview"]["max_loss"]) for each in shown]
            assert all(0 < risk <= cap for risk in risks)  # each fits alone
            assert sum(risks) > 2 * cap

            answers = await asyncio.gather(
                *(
                    client.mcp.call_tool(
                        CONDOR,
                        {"width": 1, "preview": False, "confirm_token": each["confirm_token"]},
                    )
                    for client, each in zip(clients, shown, strict=True)
                )
            )
            refused = [text_of(answer) for answer in answers if answer.is_error]
            sent = [
                risk for answer, risk in zip(answers, risks, strict=True) if not answer.is_error
            ]
            assert sent
            assert sum(sent) <= cap
            assert refused
            assert all("[limit_breached] daily_loss" in why for why in refused)
            assert len(exchange.orders()) == len(sent)
            assert (await one.ask("flatten_all"))["flat"]


async def test_haste_and_losses_are_bounded_and_no_restart_forgets_them(
    exchange: Exchange, tmp_path: Path
) -> None:
    settings = PATIENT | HURRIED | {"consecutive_losses_max": 2}
    with Desk.start(tmp_path, exchange, **settings) as desk:
        async with desk.client() as client:
            await client.ready()
            await opened(client, CONDOR, width=1)
            twin = await client.refusal(CONDOR, width=1)
            assert "duplicate: allowed none within 60 s" in twin
            assert (await client.ask("flatten_all"))["flat"]  # the spread alone makes it a loss
            paused = await client.refusal(CONDOR, width=2)
            assert "cooldown: allowed 10 min after a loss" in paused
        desk.kill9()
        desk.launch()
        async with desk.client() as client:
            await client.ready()
            assert "cooldown" in await client.refusal(CONDOR, width=2)
            exchange.step(timedelta(minutes=11))
            await followed(client, exchange)
            await opened(client, CONDOR, width=2)
            assert (await client.ask("flatten_all"))["flat"]
            exchange.step(timedelta(minutes=11))
            await followed(client, exchange)
            locked = await client.refusal(CONDOR, width=1)
            assert "consecutive_losses: allowed under 2, would be 2" in locked
            checked = await client.ask("risk_check")
            assert limit_named(checked, "trades_per_day")["used"] == "2"


async def test_every_limit_shows_its_bound_its_use_and_its_room(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path, exchange, **PATIENT) as desk:
        async with desk.client() as client:
            await client.ready()
            shown = (await client.ask("risk_check"))["limits"]
            assert {limit["name"] for limit in shown} >= OF_THE_ACCOUNT
            wanted = (await client.ask("risk_check", strategy=CONDOR, width=2))["limits"]
            assert {limit["name"] for limit in wanted} >= OF_THE_ACCOUNT | OF_AN_ORDER
            assert all(limit["limit"] and limit["used"] and limit["room"] for limit in wanted)


async def test_what_cannot_be_priced_blocks_and_says_so(exchange: Exchange, tmp_path: Path) -> None:
    """A holding outside the chain has no delta here: nothing opens, and it can be closed."""
    with Desk.start(tmp_path, exchange, **PATIENT) as desk:
        async with desk.client() as client:
            await client.ready()
            far = next(
                contract["symbol"]
                for contract in exchange.get(
                    "/v2/options/contracts",
                    underlying_symbols="SPY",
                    expiration_date_gte="2026-12-09",
                    type="call",
                    strike_price_gte="676",
                    limit=10,
                )["option_contracts"]
            )
            trade(exchange, far, "buy")
            assert exchange.positions() != []
            refused = await client.refusal(CONDOR, width=1)
            assert "delta: allowed -50 to +50 shares, would be unknown" in refused
            assert (await client.ask("flatten_all"))["flat"]


async def test_flattening_works_with_every_lock_set_and_the_broker_is_locked_once_flat(
    exchange: Exchange, tmp_path: Path
) -> None:
    def suspended() -> bool:
        return bool(exchange.get("/v2/account/configurations")["suspend_trade"])

    with Desk.start(tmp_path, exchange, **PATIENT) as desk:
        async with desk.client() as client:
            await client.ready()
            await opened(client, CONDOR, width=2)
            trade(exchange, call(exchange, Decimal(30)), "buy")
            await client.ask("kill_switch")
            assert not suspended()  # something is held: it would lock it in
            exchange.request("PATCH", "/v2/account/configurations", {"suspend_trade": True})
            done = await client.ask("flatten_all")
            assert done["flat"]
            assert exchange.positions() == []

            async def locked() -> bool:
                return suspended()

            await until(locked, "halted and flat, and the broker still takes orders")
            again = await client.ask("flatten_all")
            assert again["flat"]
            assert (await client.refusal(CONDOR, width=1)).startswith("[kill_switch]")
