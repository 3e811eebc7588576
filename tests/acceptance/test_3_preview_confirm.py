"""TEST.3: what is previewed sends nothing; what is confirmed was previewed, once, by its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Desk, DeskClient, text_of
from tests.exchange import Exchange
from tests.tools.market import PATIENT, followed, natural, until

MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}
SETTINGS: dict[str, object] = {
    **PATIENT,
    "max_daily_loss": 5000,
    "portfolio_delta_cap": 500,
    "open_interest_min": 0,
    "broker_timeout": 2,
}
CONDOR = "iron_condor_30_delta"
PREVIEWS: list[tuple[str, dict[str, Any]]] = [
    ("orb_long_call", {}),
    ("orb_long_put", {}),
    (CONDOR, {}),
    (CONDOR, {"width": 2, "stop": "2x", "target": "50%"}),
    ("lotto_play_5_delta", {"right": "call"}),
]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), **MORNING) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.start(tmp_path_factory.mktemp("desk"), exchange, **SETTINGS) as desk:
        yield desk


@pytest.fixture(autouse=True)
async def flat_after(desk: Desk, exchange: Exchange) -> Any:
    """Leave nothing held to the next case."""
    yield
    if exchange.positions() or exchange.orders("open"):
        async with desk.client() as client:
            assert (await client.ask("flatten_all"))["flat"]


async def confirmed(client: DeskClient, shown: dict[str, Any], **arguments: Any) -> str:
    """Confirm, whatever comes of it; return what is said."""
    token = shown["confirm_token"]
    answer = await client.mcp.call_tool(
        CONDOR, {**arguments, "preview": False, "confirm_token": token}
    )
    return text_of(answer)


@pytest.mark.parametrize(("tool", "arguments"), PREVIEWS)
async def test_a_preview_sends_nothing_whatever_it_says(
    desk: Desk, exchange: Exchange, tool: str, arguments: dict[str, Any]
) -> None:
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        answer = await client.mcp.call_tool(tool, arguments)
    told = text_of(answer)
    assert answer.is_error is told.startswith("["), told
    if answer.is_error:
        assert ". Next: " in told
        assert "Traceback" not in told
    assert exchange.orders() == before


async def test_a_token_is_its_owners_and_good_once_for_what_it_showed(
    desk: Desk, exchange: Exchange
) -> None:
    before = len(exchange.orders())
    async with desk.client() as client, desk.client("mallory") as other:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        for who, arguments, code in (
            (other, {"width": 2}, "preview_not_found"),
            (client, {"width": 3}, "preview_mismatch"),
            (client, {"width": 2, "stop": "$100"}, "preview_mismatch"),
            (client, {"width": 2, "contracts": 2}, "preview_mismatch"),
        ):
            assert (await confirmed(who, shown, **arguments)).startswith(f"[{code}]")
        assert len(exchange.orders()) == before
        order = await client.confirmed(CONDOR, shown, width=2)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        assert (await confirmed(client, shown, width=2)).startswith("[preview_not_found]")
    [sent] = exchange.orders()[: len(exchange.orders()) - before]
    assert sent["client_order_id"] == order["client_order_id"]
    assert sent["limit_price"] == shown["preview"]["limit"]
    assert [leg["symbol"] for leg in sent["legs"]] == [
        leg["symbol"] for leg in shown["preview"]["legs"]
    ]


async def test_a_token_used_twice_at_once_sends_once(desk: Desk, exchange: Exchange) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        told = await asyncio.gather(*(confirmed(client, shown, width=2) for _ in range(4)))
    refused = [words for words in told if words.startswith("[preview_not_found]")]
    assert (len(refused), len(exchange.orders()) - before) == (3, 1)


async def test_what_refuses_and_may_pass_leaves_the_token_good(
    desk: Desk, exchange: Exchange
) -> None:
    before = len(exchange.orders())
    admin = {"Authorization": f"Bearer {exchange.admin_key}"}
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        fault = {"kind": "500", "times": 0, "method": "GET", "path": "/v2/positions"}
        exchange.request("POST", "/admin/faults", fault, headers=admin)
        told = await confirmed(client, shown, width=2)
        assert told.startswith("[broker_unavailable]"), told
        assert len(exchange.orders()) == before
        exchange.request("DELETE", "/admin/faults", headers=admin)
        order = await client.confirmed(CONDOR, shown, width=2)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        assert (await confirmed(client, shown, width=2)).startswith("[preview_not_found]")
    assert len(exchange.orders()) == before + 1


async def test_a_price_that_ran_is_shown_anew_and_its_old_token_is_dead(
    desk: Desk, exchange: Exchange
) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        was = Decimal(shown["preview"]["natural"])

        async def ran() -> bool:
            exchange.step(timedelta(minutes=3))
            await followed(client, exchange, shown["preview"]["legs"])
            now = natural(exchange, shown["preview"]["legs"])
            return abs(now - was) > abs(was) * Decimal("0.06") + Decimal("0.02")

        fresh = await client.ask(CONDOR, width=2)
        assert fresh["confirm_token"] != shown["confirm_token"]
        await until(ran, "the price did not run")
        moved = await client.mcp.call_tool(
            CONDOR, {"width": 2, "preview": False, "confirm_token": fresh["confirm_token"]}
        )
        told = dict(moved.structured_content or {})
        assert told["status"] == "price_moved", text_of(moved)
        assert told["message"].startswith("[price_moved]")
        assert len(exchange.orders()) == before
        gone = await confirmed(client, fresh, width=2)
        assert gone.startswith("[preview_not_found]")


async def test_a_restart_forgets_every_preview(exchange: Exchange, tmp_path: Path) -> None:
    account = exchange.tenant()
    with Desk.start(tmp_path, account, **SETTINGS) as desk:
        async with desk.client() as client:
            await client.ready()
            shown = await client.ask(CONDOR, width=2)
        desk.kill9()
        desk.launch()
        async with desk.client() as client:
            await client.ready()
            assert (await confirmed(client, shown, width=2)).startswith("[preview_not_found]")
    assert account.orders() == []


async def test_an_old_token_expires(exchange: Exchange, tmp_path: Path) -> None:
    account = exchange.tenant()
    quick = SETTINGS | {"confirmation_timeout": 1}
    with Desk.start(tmp_path, account, **quick) as desk:
        async with desk.client() as client:
            await client.ready()
            shown = await client.ask(CONDOR, width=2)
            assert shown["seconds_left"] == 1
            await asyncio.sleep(1.05)  # what is waited for is that nothing happens
            told = await confirmed(client, shown, width=2)
    assert told.startswith("[preview_not_found] the preview expired after 1 s")
    assert account.orders() == []
