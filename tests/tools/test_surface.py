"""Beyond request and reply: resources and their news, events, alerts, progress."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from mcp import MCPError
from mcp.server.subscriptions import ResourceUpdated
from mcp.types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    ResourceUpdatedNotification,
    TextResourceContents,
)

from services.runtime.changes import LOOK_EVERY
from tests.desk import Desk, DeskClient, Era, text_of
from tests.exchange import Exchange
from tests.tools.market import PATIENT, until
from tools.events import ALERTS
from tools.resources import ADDRESSES

ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])
CONDOR = "iron_condor_30_delta"
OPEN, HELD = "orders://open", "positions://"
SECONDS = 30.0


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.start(tmp_path_factory.mktemp("state"), exchange, **PATIENT) as desk:
        yield desk


async def sent(client: DeskClient, width: int = 1) -> dict[str, Any]:
    """Have a condor filled."""
    order = await client.confirmed(CONDOR, await client.ask(CONDOR, width=width), width=width)
    return await client.ended(order["client_order_id"])


def texts(blocks: Any) -> list[str]:
    return [block.text for block in blocks]


async def read(client: DeskClient, uri: str) -> dict[str, Any]:
    [content] = (await client.mcp.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return dict(json.loads(content.text))


@asynccontextmanager
async def news_of(
    desk: Desk, era: Era, *uris: str, principal: str = "watcher"
) -> AsyncIterator[asyncio.Queue[str]]:
    """Watch resources as a client of either protocol does."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    if era == "auto":
        async with (
            desk.client(principal) as client,
            client.mcp.listen(resource_subscriptions=list(uris)) as told,
        ):

            async def listen() -> None:
                async for event in told:
                    assert isinstance(event, ResourceUpdated)
                    heard.put_nowait(event.uri)

            listening = asyncio.create_task(listen())
            try:
                yield heard
            finally:
                listening.cancel()
        return

    async def take(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            heard.put_nowait(message.params.uri)

    async with desk.client(principal, era, message_handler=take) as client:
        for uri in uris:
            await client.mcp.subscribe_resource(uri)
        yield heard
        for uri in uris:
            await client.mcp.unsubscribe_resource(uri)


async def heard_all(news: asyncio.Queue[str], *uris: str) -> None:
    missing = set(uris)
    async with asyncio.timeout(SECONDS):
        while missing:
            missing.discard(await news.get())


# ---- Resources


@ERAS
@pytest.mark.usefixtures("flat_after")
async def test_a_resource_is_what_the_tool_shows(desk: Desk, era: Era) -> None:
    async with desk.client(era=era) as client:
        await client.ready()
        order = await sent(client)
        found = {str(one.uri) for one in (await client.mcp.list_resources()).resources}
        assert found == {*ADDRESSES.values(), "ui://ticket"}
        assert await read(client, HELD) == await client.ask("get_positions")
        assert await read(client, OPEN) == await client.ask("get_orders", status="open")
        one = await read(client, f"order://{order['client_order_id']}")
        assert one == await client.ask("get_order_status", order_id=order["client_order_id"])
        risk, check = await read(client, "risk://"), await client.ask("risk_check")
        assert [limit["name"] for limit in risk["limits"]] == [x["name"] for x in check["limits"]]
        chain = await read(client, "chain://spy/0dte")
        assert (chain["underlying"], chain["expiry"]) == ("SPY", "2026-12-08")
        journal = await read(client, "journal://")
        assert journal["trades"][-1]["client_order_id"] == order["client_order_id"]


@ERAS
async def test_what_is_not_there_is_invalid_params(desk: Desk, era: Era) -> None:
    async with desk.client(era=era) as client:
        for uri in ("orders://closed", "order://nobody-knows", "file:///etc/passwd"):
            with pytest.raises(MCPError) as refused:
                await client.mcp.read_resource(uri)
            assert refused.value.error.code == INVALID_PARAMS, uri


@ERAS
@pytest.mark.usefixtures("flat_after")
async def test_who_watches_hears_of_a_fill(desk: Desk, era: Era) -> None:
    assert LOOK_EVERY.total_seconds() <= 0.5  # of the two seconds that a fill may take
    async with desk.client() as client, news_of(desk, era, OPEN, HELD) as news:
        await client.ready()
        order = await sent(client)
        await heard_all(news, OPEN, HELD)
        assert order["status"] == "filled"


@pytest.mark.usefixtures("flat_after")
async def test_each_hears_of_what_it_asked_for_until_it_leaves(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        async with news_of(desk, "legacy", HELD, principal="one") as one:
            async with news_of(desk, "legacy", OPEN, principal="other") as other:
                await sent(client)
                await heard_all(other, OPEN)
                await heard_all(one, HELD)
                assert other.empty() or HELD not in _drained(other)
            await client.ask("flatten_all")
            await heard_all(one, HELD)


def _drained(queue: asyncio.Queue[str]) -> set[str]:
    return {queue.get_nowait() for _ in range(queue.qsize())}


async def test_a_subscription_is_of_the_older_protocol_and_of_what_there_is(desk: Desk) -> None:
    async with desk.client(era="legacy") as client:
        capabilities = client.mcp.server_capabilities
        assert capabilities.resources is not None
        assert capabilities.resources.subscribe
        with pytest.raises(MCPError) as refused:
            await client.mcp.subscribe_resource("orders://nothing")
        assert refused.value.error.code == INVALID_PARAMS
    async with desk.client(era="auto") as client:
        with pytest.raises(MCPError) as refused:
            await client.mcp.subscribe_resource(OPEN)
        assert refused.value.error.code == METHOD_NOT_FOUND


# ---- Events and alerts


@ERAS
@pytest.mark.usefixtures("flat_after")
async def test_who_waits_hears_of_a_fill_in_order_and_once(desk: Desk, era: Era) -> None:
    async with desk.client("waiting", era) as waits, desk.client("trading") as trades:
        await trades.ready()
        cursor = (await waits.ask("events_wait", timeout_s=0))["cursor"]
        waiting = asyncio.create_task(waits.ask("events_wait", after=cursor, timeout_s=25))
        order = await sent(trades)
        told = await waiting
        while not told["events"]:  # a slow machine may outlast one wait
            told = await waits.ask("events_wait", after=told["cursor"], timeout_s=25)
        event = told["events"][0]
        assert event["kind"] == "fill"
        assert f"order {order['client_order_id']}" in event["text"]
        assert not told["missed"]
        rest = await waits.ask("events_wait", after=told["cursor"], timeout_s=0)
        assert order["client_order_id"] not in json.dumps(rest["events"])
        again = await waits.ask("events_wait", after=cursor, timeout_s=0)
        assert again["events"][0] == event


async def test_a_cursor_of_another_life_is_told_to_have_missed(desk: Desk) -> None:
    async with desk.client() as client:
        for cursor in ("otherlife-3", "nonsense", "-", "x-99999999999999999999"):
            told = await client.ask("events_wait", after=cursor, timeout_s=0)
            assert told["missed"], cursor
        now = await client.ask("events_wait", after=told["cursor"], timeout_s=0)
        assert not now["missed"]


@ERAS
@pytest.mark.usefixtures("flat_after")
async def test_news_comes_once_with_the_next_result_of_each_principal(desk: Desk, era: Era) -> None:
    async with desk.client(f"first-{era}", era) as first, desk.client(f"next-{era}", era) as other:
        for client in (first, other):
            await client.ready()
            await client.mcp.call_tool("streaming_status", {})
        order = await sent(first)

        async def told() -> bool:
            hub = await other.ask("events_wait", after="-", timeout_s=0)
            return order["client_order_id"] in json.dumps(hub["events"])

        await until(told, "the fill was no event")
        async with desk.client("trading") as trading:
            await trading.ask("flatten_all")  # a second fill, which nobody has polled for
        answers = [await other.mcp.call_tool("get_market_clock", {}) for _ in range(2)]
        blocks = [[t for t in texts(a.content) if t.startswith(ALERTS)] for a in answers]
        assert len(blocks[0]) == 1
        assert "filled" in blocks[0][0]
        assert blocks[1] == []
        assert json.loads(text_of(answers[0])) == answers[0].structured_content


async def test_a_stream_that_is_lost_is_told_and_so_is_its_return(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        cursor = (await client.ask("events_wait", timeout_s=0))["cursor"]
        exchange.options["port"] = str(urlsplit(exchange.url).port)

        async def told(words: str) -> bool:
            heard = await client.ask("events_wait", after=cursor, timeout_s=1)
            return any(words in one["text"] for one in heard["events"])

        exchange.kill9()
        try:
            await until(lambda: told("order stream is lost: opening is refused"), "no loss told")
        finally:
            exchange.launch()
        await until(lambda: told("order stream is up"), "no return told")


# ---- Progress


@ERAS
async def test_who_asks_hears_that_long_work_goes_on(desk: Desk, era: Era) -> None:
    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))
        assert total is None or total >= progress

    async with desk.client(era=era) as client:
        await client.ready()
        answer = await client.mcp.call_tool("flatten_all", {}, progress_callback=hear)
    assert answer.structured_content is not None
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[0][1] is not None
    assert "orders working" in told[0][1]
