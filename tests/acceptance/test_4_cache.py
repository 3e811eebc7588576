"""TEST.4: the option chain cache, through a real client on the real exchange.

requirements 28 to 36: the whole chain of the day and of no other, pushed or polled and saying
which, gone at its time and found again, the same for all clients, within the broker's rate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import until

CALLS = 1_000
CLIENTS = 3
Snapshot = dict[str, Any]


@contextmanager
def standing(
    folder: Path, day: str, at: str, **settings: object
) -> Iterator[tuple[Desk, Exchange]]:
    """Run a desk on an exchange whose clock stands, so that quotes do not move by themselves."""
    place = folder / "exchange"
    place.mkdir()
    with (
        Exchange.start(place, clock="stepped", day=day, at=at) as exchange,
        Desk.start(folder / "desk", exchange, history_days=0, **settings) as desk,
    ):
        yield desk, exchange


async def shown(client: DeskClient, *symbols: str) -> Snapshot:
    """Return the chain as shown, once it is there."""

    async def there() -> bool:
        answer = await client.mcp.call_tool("get_option_snapshot", {})
        found = answer.structured_content or {}
        return not answer.is_error and all(row["bid"] is not None for row in found["options"])

    await until(there, "no chain came")
    return await client.ask("get_option_snapshot", symbol_or_symbols=list(symbols))


def listed(exchange: Exchange, day: str) -> list[str]:
    """Return what the exchange lists for a day, page by page."""
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = exchange.get(
            "/v2/options/contracts",
            underlying_symbols="SPY",
            expiration_date=day,
            limit=50,
            **token,
        )
        found += [contract["symbol"] for contract in page["option_contracts"]]
        if page.get("next_page_token") is None:
            return found
        token = {"page_token": page["next_page_token"]}


async def test_the_whole_chain_of_the_day_is_held_with_both_rights(tmp_path: Path) -> None:
    with standing(tmp_path, "2026-12-08", "10:05") as (desk, exchange):
        async with desk.client() as client:
            await client.ready()
            every = listed(exchange, "2026-12-08")
            assert len(every) > 100  # more than the broker's default page
            assert (await client.ask("streaming_status"))["contracts_listed"] == len(every)
            first, last = every[0], every[-1]
            rows = (await shown(client, first, last))["options"]
            assert [row["symbol"] for row in rows] == [first, last]
            near = await shown(client)
            assert {row["symbol"][9] for row in near["options"]} == {"C", "P"}
            assert all(row["age_seconds"] is not None for row in near["options"])
            other = exchange.get(
                "/v2/options/contracts", underlying_symbols="SPY", expiration_date="2026-12-09"
            )["option_contracts"][0]["symbol"]
            refused = await client.refusal("get_option_snapshot", symbol_or_symbols=[other])
            assert "[no_such_contract]" in refused


async def test_a_move_of_the_market_is_seen_pushed_or_polled_and_the_source_is_told(
    tmp_path: Path,
) -> None:
    with standing(tmp_path, "2026-12-08", "10:05") as (desk, exchange):
        async with desk.client() as client:
            await client.ready()
            seen = [await shown(client)]
            for tool, source in (
                ("start_option_streaming", "stream"),
                ("stop_option_streaming", "poll"),
            ):
                await client.ask(tool)
                exchange.step(timedelta(minutes=7))

                async def moved(before: str = seen[-1]["spot"]) -> bool:
                    return bool((await shown(client))["spot"] != before)

                await until(moved, "the chain stood still")
                assert (await client.ask("streaming_status"))["source"] == source
                seen.append(await shown(client))
            assert len({snapshot["spot"] for snapshot in seen}) == 3


@pytest.mark.parametrize(
    ("day", "at", "following"),
    [
        ("2026-12-08", "15:54", "2026-12-09"),
        ("2026-11-27", "12:54", "2026-11-30"),  # an early close
        ("2026-10-30", "15:54", "2026-11-02"),  # New York's clock goes back in between
    ],
)
async def test_the_chain_ends_a_quarter_past_the_close_and_the_next_day_is_found(
    tmp_path: Path, day: str, at: str, following: str
) -> None:
    with standing(tmp_path, day, at, cache_cleanup_interval="0.5") as (desk, exchange):
        async with desk.client() as client:
            exchange.step(timedelta(minutes=19))  # the shares have closed, these options have not
            assert (await shown(client))["expiry"] == day
            exchange.step(timedelta(minutes=3))

            async def ended() -> bool:
                answer = await client.mcp.call_tool("get_option_snapshot", {})
                status = await client.ask("streaming_status")
                return answer.is_error and status["symbols_streamed"] == 0

            await until(ended, "yesterday's chain is still served")
            assert "[no_market_data]" in await client.refusal("get_option_snapshot")
            while exchange.now().date().isoformat() != following:
                exchange.step(timedelta(minutes=30))
            exchange.step(timedelta(minutes=5))
            assert (await shown(client))["expiry"] == following


async def test_a_thousand_mixed_calls_of_three_clients_see_one_market(tmp_path: Path) -> None:
    choice = Random(20261120)
    tools = ("get_option_snapshot", "streaming_status", "get_positions", "portfolio_delta")
    with standing(tmp_path, "2026-12-08", "10:05") as (desk, _):
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(desk.client(f"c{n}")) for n in range(CLIENTS)
            ]
            await clients[0].ready()
            await shown(clients[0])
            quoted: set[tuple[tuple[str, str, str], ...]] = set()

            async def call(number: int) -> None:
                tool = choice.choice(tools)
                answer = await clients[number % CLIENTS].ask(tool)
                if tool == "get_option_snapshot":
                    rows = answer["options"]
                    quoted.add(tuple((row["symbol"], row["bid"], row["ask"]) for row in rows))

            for first in range(0, CALLS, 50):
                await asyncio.gather(*(call(first + n) for n in range(50)))
            assert len(quoted) == 1  # nobody saw a quote torn, or another one


async def test_too_many_requests_slow_reads_down_and_lose_no_order(tmp_path: Path) -> None:
    with standing(tmp_path, "2026-12-08", "10:05") as (desk, exchange):
        async with desk.client() as client:
            await client.ready()
            shown_trade = await client.ask("iron_condor_30_delta", width=2)
            exchange.fault(kind="429", path="/v2/positions", method="GET", times=3)
            order = await client.confirmed("iron_condor_30_delta", shown_trade, width=2)
            ended = await client.ended(order["client_order_id"])
            assert ended["status"] == "filled"
            mine = [o for o in exchange.orders() if o["order_class"] == "mleg"]
            assert len(mine) == 1
