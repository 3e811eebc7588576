"""A person's approval through the host that can ask: both eras, straight and over the bridge."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestParams, ElicitResult

from tests.desk import ENTRYPOINT, Desk, DeskClient, Era
from tests.e2e.approving import CONDOR, answer, audited, page, wanted
from tests.exchange import ROOT, Exchange

Over = Literal["http", "bridge"]
DECLINE, FAR_CALL = "do_not_exercise_options_position", "SPY261208C00684000"


@asynccontextmanager
async def host(
    desk: Desk, era: Era, said: list[str], result: ElicitResult, *, over: Over = "http"
) -> AsyncIterator[DeskClient]:
    """A host that can ask its user, whose answer is known; said collects what was asked."""

    async def ask(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        said.append(params.message)
        return result

    async with AsyncExitStack() as stack:
        if over == "bridge":
            told = StdioServerParameters(
                command=sys.executable,
                args=[str(ENTRYPOINT)],
                env=desk.environment,
                cwd=str(ROOT),
            )
            road: Any = stdio_client(told)
        else:
            bearer = {"Authorization": f"Bearer {desk.token()}"}
            http = httpx2.AsyncClient(headers=bearer, timeout=60, trust_env=False)
            await stack.enter_async_context(http)
            road = streamable_http_client(desk.told["url"], http_client=http)
        client = Client(road, mode=era, elicitation_callback=ask)
        yield DeskClient(await stack.enter_async_context(client))


@pytest.mark.parametrize("over", ["http", "bridge"])
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_host_that_can_ask_asks_and_the_answer_counts(
    desk: Desk, exchange: Exchange, era: Era, over: Over
) -> None:
    before = len(exchange.orders())
    said: list[str] = []
    yes = ElicitResult(action="accept", content={"approve": True})
    async with host(desk, era, said, yes, over=over) as client:
        _, sent = await wanted(client, 2)
    [question] = set(said)
    assert re.match(r"PAPER ORDER, iron_condor\w*: 1 x \(buy_to_open 1 SPY261208P", question)
    assert "loses at most $" in question
    assert sent["status"] == "sent"
    assert len(exchange.orders()) == before + 1
    assert audited(desk, "approval")[-1]["facts"]["how"] == "elicitation"


@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.parametrize(
    "no",
    [
        ElicitResult(action="decline"),
        ElicitResult(action="accept", content={"approve": False}),
        ElicitResult(action="accept", content={}),
    ],
    ids=["declined", "unchecked", "empty"],
)
async def test_a_host_whose_user_says_no_sends_nothing(
    desk: Desk, exchange: Exchange, era: Era, no: ElicitResult
) -> None:
    before = len(exchange.orders())
    async with host(desk, era, [], no) as client:
        shown = await client.ask(CONDOR, width=1)
        call = {"width": 1, "preview": False, "confirm_token": shown["confirm_token"]}
        assert (await client.refusal(CONDOR, **call)).startswith("[approval_denied]")
    assert len(exchange.orders()) == before


async def test_a_question_put_aside_can_be_answered_on_the_page(
    desk: Desk, exchange: Exchange
) -> None:
    aside = ElicitResult(action="cancel")
    async with host(desk, "auto", [], aside) as client:
        call, told = await wanted(client, 1)
        assert told["status"] == "awaiting_approval"
        answer(page(desk), told["approval_id"], "approve")
        assert (await client.ask(CONDOR, **call))["status"] == "sent"


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_an_instruction_is_asked_about_and_not_carried_out_unasked(
    desk: Desk, exchange: Exchange, era: Era
) -> None:
    order = {"symbol": FAR_CALL, "qty": "1", "side": "buy", "type": "market"}
    placed = exchange.request("POST", "/v2/orders", {**order, "time_in_force": "day"})
    assert placed.status == 200, placed.body
    said: list[str] = []
    yes = ElicitResult(action="accept", content={"approve": True})
    async with host(desk, era, said, yes) as client:
        shown = await client.ask(DECLINE, symbol=FAR_CALL)
        call = {"symbol": FAR_CALL, "preview": False, "confirm_token": shown["confirm_token"]}
        assert (await client.ask(DECLINE, **call))["status"] == "sent"
    assert set(said) == {
        f"PAPER {DECLINE} 1 {FAR_CALL}: held 1 contracts, expires 2026-12-08, "
        f"market price {shown['facts']['market price']}. Do it?"
    }
    no = ElicitResult(action="decline")
    async with host(desk, era, [], no) as client:
        shown = await client.ask(DECLINE, symbol=FAR_CALL)
        call = {"symbol": FAR_CALL, "preview": False, "confirm_token": shown["confirm_token"]}
        assert (await client.refusal(DECLINE, **call)).startswith("[approval_denied] a person said")
    async with desk.client(era=era) as mute:
        shown = await mute.ask(DECLINE, symbol=FAR_CALL)
        call = {"symbol": FAR_CALL, "preview": False, "confirm_token": shown["confirm_token"]}
        told = await mute.refusal(DECLINE, **call)
        assert told.startswith("[approval_denied] a person must agree"), told
