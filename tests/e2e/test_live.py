"""Mode live, whose broker is here the exchange on this machine: only a person sends, all may close.

Settings cannot point live at another host than Alpaca's, so the services are opened directly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.config import Mode, load_settings
from common.errors import Misconfigured
from services.broker.access import LIVE, AlpacaAccess
from services.execution.approvals import How
from tests.e2e.in_process import opened
from tests.exchange import Exchange

CONDOR = "iron_condor_30_delta"
SWITCHES = {"alpaca_live": True, "live_trading_acknowledged": True}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    (tmp_path / "state").mkdir()
    (tmp_path / "exchange").mkdir()
    with Exchange.start(
        tmp_path / "exchange", clock="stepped", day="2026-12-08", at="10:05", seed=7
    ) as exchange:
        yield exchange


async def test_on_live_a_person_sends_and_nobody_is_asked_to_close(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with opened(exchange, tmp_path / "state", **SWITCHES) as (services, client):
        assert (await client.ready())["mode"] == "live"
        shown = await client.ask(CONDOR, width=1)
        assert shown["mode"] == "live"
        call = {"width": 1, "preview": False, "confirm_token": shown["confirm_token"]}
        for _ in range(3):  # as often as a model may try
            told = await client.ask(CONDOR, **call)
            assert told["status"] == "awaiting_approval"
        assert exchange.orders() == []

        [waiting] = services.trading.waiting()
        assert waiting.id == told["approval_id"]
        assert waiting.preview.mode is Mode.LIVE
        await services.trading.decide(waiting.id, approved=True, how=How.PAGE)
        sent = await client.ask(CONDOR, **call)
        assert sent["status"] == "sent"
        assert (await client.ended(sent["order"]["client_order_id"]))["status"] == "filled"

        assert (await client.ask("flatten_all"))["flat"]
        assert exchange.positions() == []
        assert services.trading.waiting() == ()


async def test_a_restart_forgets_who_was_asked_and_sends_nothing(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with opened(exchange, tmp_path / "state", **SWITCHES) as (_, client):
        await client.ready()
        shown = await client.ask(CONDOR, width=1)
        call = {"width": 1, "preview": False, "confirm_token": shown["confirm_token"]}
        assert (await client.ask(CONDOR, **call))["status"] == "awaiting_approval"
    async with opened(exchange, tmp_path / "state", **SWITCHES) as (services, client):
        await client.ready()
        assert services.trading.waiting() == ()
        assert (await client.refusal(CONDOR, **call)).startswith("[preview_not_found]")
    assert exchange.orders() == []


async def test_what_live_starts_with_is_written_down_without_the_keys(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with opened(exchange, tmp_path / "state", **SWITCHES):
        pass
    [file] = (tmp_path / "state" / "audit").glob("*.jsonl")
    text = file.read_text()
    first = json.loads(text.splitlines()[0])
    assert (first["kind"], first["facts"]["mode"]) == ("setting", "live")
    assert first["facts"]["needs_person"]
    assert exchange.secret not in text
    assert exchange.key not in text


def test_live_goes_to_the_live_hosts_and_nowhere_else() -> None:
    keys = {"alpaca_api_key": "K", "alpaca_secret_key": "S", "_env_file": None}
    assert AlpacaAccess(key="K", secret="S", paper=False).trading_root == LIVE
    with pytest.raises(Misconfigured, match="ALPACA_BASE_URL"):
        load_settings(**keys, **SWITCHES, alpaca_base_url="http://127.0.0.1:1")
    with pytest.raises(Misconfigured, match="together"):
        load_settings(**keys, alpaca_live=True)
