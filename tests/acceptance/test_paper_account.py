"""make test-paper: it says when it does not run, when it must not, and it ends flat.

The exchange of this repository stands for Alpaca; nothing but its address tells them apart.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.exchange import ROOT, Exchange
from tests.services.broker.fault_server import fault_server, reply

KEYS = {"ALPACA_API_KEY": "PK", "ALPACA_SECRET_KEY": "secret"}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    folder = tmp_path_factory.mktemp("exchange")
    with Exchange.start(folder, clock="demo", day="2026-12-08", at="10:05", seed=7) as exchange:
        yield exchange


def run(**environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.paper_account"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def on(exchange: Exchange) -> dict[str, str]:
    return {
        "ALPACA_API_KEY": exchange.key,
        "ALPACA_SECRET_KEY": exchange.secret,
        "ALPACA_BASE_URL": exchange.url,
    }


def test_it_trades_once_and_ends_flat(exchange: Exchange) -> None:
    account = exchange.tenant()
    code, said = run(**on(account))
    assert (code, "PASSED: one trade" in said) == (0, True), said
    assert "the audit log is intact" in said
    assert account.positions() == []
    assert account.orders("open") == []
    assert any(order["order_class"] == "mleg" for order in account.orders())


def test_without_keys_it_says_that_nothing_was_run() -> None:
    code, said = run()
    assert (code, said.startswith("SKIPPED: ALPACA_API_KEY")) == (0, True), said


def test_live_is_refused() -> None:
    live = {"ALPACA_LIVE": "true", "LIVE_TRADING_ACKNOWLEDGED": "true"}
    code, said = run(**KEYS, **live)
    assert (code, said.startswith("REFUSED: the live switches")) == (1, True), said


def test_an_account_that_is_not_flat_is_left_alone(exchange: Exchange) -> None:
    account = exchange.tenant()
    order = {"symbol": "SPY", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    assert account.request("POST", "/v2/orders", order).status == 200
    code, said = run(**on(account))
    assert (code, "REFUSED: the account is not flat: " in said) == (1, True), said
    assert len(account.orders()) == 1


async def test_a_closed_market_is_said() -> None:
    clock = {"is_open": False, "next_open": "2026-12-09T09:30:00-05:00"}
    async with fault_server(reply(200, clock)) as broker:
        code, said = await asyncio.to_thread(run, **KEYS, ALPACA_BASE_URL=broker.url)
        assert {heard.method for heard in broker.heard} == {"GET"}
    assert (code, said) == (0, "SKIPPED: the market is closed until 2026-12-09T09:30:00-05:00\n")
