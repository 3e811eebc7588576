"""INT.3: three clients of one desk at once.

A is a bridge of the user, B a second host of the same user, C a client with a token of its own.
A's token is no use to C, C's kill stops A and B, and every order is sent once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import PATIENT

CONDOR = "iron_condor_30_delta"
MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), **MORNING) as exchange:
        yield exchange


@pytest.fixture
def exchange(shared: Exchange) -> Exchange:
    return shared.tenant()


@pytest.fixture
def desk(exchange: Exchange, tmp_path: Path) -> Iterator[Desk]:
    with Desk.start(tmp_path / "state", exchange, **PATIENT) as desk:
        yield desk


@asynccontextmanager
async def three(desk: Desk) -> AsyncIterator[tuple[DeskClient, DeskClient, DeskClient]]:
    async with AsyncExitStack() as stack:
        a = await stack.enter_async_context(desk.client("alice", "legacy"))
        b = await stack.enter_async_context(desk.client("bob", "auto"))
        c = await stack.enter_async_context(desk.client("carol", "auto"))
        await a.ready()
        yield a, b, c


async def test_two_bridges_of_one_user_share_previews_and_one_kill_stops_them(
    desk: Desk, exchange: Exchange
) -> None:
    async with AsyncExitStack() as stack:
        chat = await stack.enter_async_context(desk.bridge("legacy"))
        panel = await stack.enter_async_context(desk.bridge("auto"))
        other = await stack.enter_async_context(desk.client("agent", "auto"))
        await chat.ready()

        shown = await chat.ask(CONDOR, width=2)
        order = await panel.confirmed(CONDOR, shown, width=2)
        assert (await panel.ended(order["client_order_id"]))["status"] == "filled"
        [placed] = exchange.orders()
        assert placed["order_class"] == "mleg"
        assert placed["client_order_id"] == order["client_order_id"]

        waiting = await chat.ask(CONDOR, width=1)
        assert (await other.ask("kill_switch"))["halt"] == "halted"
        stopped = await chat.refusal(
            CONDOR, width=1, preview=False, confirm_token=waiting["confirm_token"]
        )
        assert stopped.startswith("[kill_switch]")
        assert (await panel.ask("flatten_all"))["flat"]
    assert exchange.positions() == []


async def test_a_token_of_a_is_no_use_to_b_or_c_and_stays_good_for_a(
    desk: Desk, exchange: Exchange
) -> None:
    async with three(desk) as (a, b, c):
        shown = await a.ask(CONDOR, width=1)
        confirm = {"width": 1, "preview": False, "confirm_token": shown["confirm_token"]}
        unknown = {**confirm, "confirm_token": "x" * len(shown["confirm_token"])}
        for thief in (b, c):
            refused = await thief.refusal(CONDOR, **confirm)
            assert refused.startswith("[preview_not_found]")
            assert refused == await thief.refusal(CONDOR, **unknown)  # nor is it told apart
        assert exchange.orders() == []
        assert (await a.ask(CONDOR, **confirm))["status"] == "sent"
        again = await a.refusal(CONDOR, **confirm)
        assert "already used" in again
        assert "already used" not in await b.refusal(CONDOR, **confirm)
    assert len(exchange.orders()) == 1


async def test_each_trades_at_once_and_all_see_the_same_book(
    desk: Desk, exchange: Exchange
) -> None:
    async with three(desk) as clients:
        shown = await asyncio.gather(*(client.ask(CONDOR, width=1) for client in clients))
        tokens = {one["confirm_token"] for one in shown}
        assert len(tokens) == 3
        orders = await asyncio.gather(
            *(
                client.confirmed(CONDOR, one, width=1)
                for client, one in zip(clients, shown, strict=True)
            )
        )
        for client, order in zip(clients, orders, strict=True):
            assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        books = [(await client.ask("get_positions"))["positions"] for client in clients]
        assert books[0] == books[1] == books[2]
        assert {held["qty"] for held in books[0]} == {"3", "-3"}
    placed = [order["client_order_id"] for order in exchange.orders()]
    assert sorted(placed) == sorted(order["client_order_id"] for order in orders)


async def test_a_kill_by_c_stops_a_and_b_in_the_middle_and_c_cannot_release_it(
    desk: Desk, exchange: Exchange
) -> None:
    async with three(desk) as (a, b, c):
        before = [await client.ask(CONDOR, width=1) for client in (a, b)]
        killing = asyncio.ensure_future(c.ask("kill_switch"))
        replies = await asyncio.gather(
            *(
                client.mcp.call_tool(
                    CONDOR, {"width": 1, "preview": False, "confirm_token": one["confirm_token"]}
                )
                for client, one in zip((a, b), before, strict=True)
            )
        )
        killed = await killing
        assert killed["halt"] == "halted"
        sent = sum(not reply.is_error for reply in replies)
        assert len(exchange.orders()) == sent  # what raced the kill was sent whole or not at all
        for client in (a, b, c):
            assert (await client.refusal(CONDOR, width=1)).startswith("[kill_switch]")
            released = await client.refusal("kill_switch", enable=False)
            assert released.startswith("[release_refused]")
        assert (await b.ask("flatten_all"))["flat"]
        assert (await a.ask("get_positions"))["positions"] == []
    assert exchange.positions() == []
    opening = [o for o in exchange.orders() if _opens(o)]
    assert len(opening) == sent


def _opens(order: dict[str, object]) -> bool:
    legs = order["legs"]
    assert isinstance(legs, list)
    return any(leg["position_intent"].endswith("to_open") for leg in legs)
