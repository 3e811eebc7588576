"""A person's approval, through the daemon: page, terminal and host; what closes never waits."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestParams, ElicitResult

from tests.desk import ENTRYPOINT, Desk, DeskClient, Era
from tests.e2e.changing import changes
from tests.exchange import ROOT, Exchange
from tests.tools.market import PATIENT

CONDOR = "iron_condor_30_delta"
Over = Literal["http", "bridge"]
UNLIMITED = {"duplicate_window": 0, "cooldown_after_loss": 0, "orders_per_minute_max": 100}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(
        tmp_path_factory.mktemp("exchange"), clock="stepped", day="2026-12-08", at="10:05", seed=7
    ) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    settings = PATIENT | UNLIMITED | {"approval": "always", "approval_timeout": 60}
    with Desk.start(tmp_path_factory.mktemp("state"), exchange, **settings) as desk:
        yield desk


@pytest.fixture(autouse=True)
async def flat_after(desk: Desk, exchange: Exchange) -> AsyncIterator[None]:
    async with desk.client() as client:
        await client.ready()
    yield
    for left in httpx2.get(f"{page(desk)}waiting", trust_env=False).json():
        answer(page(desk), left["id"], "deny")
    async with desk.client() as client:
        assert (await client.ask("flatten_all"))["flat"]  # with nobody's approval
    assert exchange.positions() == []


def page(desk: Desk) -> str:
    [file] = desk.folder.glob("*/approvals.url")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file.read_text().strip()


def answer(url: str, name: str, said: str, *, origin: str | None = None) -> httpx2.Response:
    root = url.rsplit("/", 2)[0]
    headers = {"Origin": origin or root}
    return httpx2.post(
        f"{url}page", data={"id": name, "answer": said}, headers=headers, trust_env=False
    )


async def wanted(client: DeskClient, width: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Preview, confirm by token, and return the arguments of that call with what it told."""
    shown = await client.ask(CONDOR, width=width)
    call = {"width": width, "preview": False, "confirm_token": shown["confirm_token"]}
    return call, await client.ask(CONDOR, **call)


def audited(desk: Desk, kind: str) -> list[dict[str, Any]]:
    records = [
        json.loads(line)
        for file in sorted(desk.folder.glob("*/audit/*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    return [record for record in records if record["kind"] == kind]


@changes("approval", "approval_timeout")
async def test_a_token_alone_sends_nothing_and_the_page_shows_all_and_sends(
    desk: Desk, exchange: Exchange
) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        await client.ready()
        call, told = await wanted(client, 2)
        assert told["status"] == "awaiting_approval"
        assert 0 < told["seconds_left"] <= 60
        again = await client.ask(CONDOR, **call)
        assert (again["status"], again["approval_id"]) == ("awaiting_approval", told["approval_id"])
        assert len(exchange.orders()) == before

        url = page(desk)
        html = unescape(httpx2.get(url, trust_env=False).text)
        shown = await client.ask(CONDOR, width=2)
        for leg in shown["preview"]["legs"]:
            assert leg["symbol"] in html
        for name in ("max_loss", "max_profit", "limit", "exit", "buying_power_needed"):
            assert shown["preview"][name] in html
        assert call["confirm_token"] not in html
        assert re.search(f'name="id" value="{told["approval_id"]}"', html)

        assert answer(url, told["approval_id"], "approve").status_code == 303
        sent = await client.ask(CONDOR, **call)
        assert sent["status"] == "sent"
        [order] = exchange.orders()[: len(exchange.orders()) - before]
        assert order["client_order_id"] == sent["order"]["client_order_id"]
        assert (await client.ask(CONDOR, **call))["order"]["client_order_id"] == order[
            "client_order_id"
        ]
        twice = httpx2.get(url, trust_env=False).text
        assert told["approval_id"] not in twice
        assert answer(url, told["approval_id"], "approve").status_code == 303
        assert len(exchange.orders()) == before + 1
    approval = audited(desk, "approval")[-1]
    assert approval["facts"] | {"market_at": ""} == {
        "preview": told["approval_id"],
        "how": "page",
        "approved": True,
        "market_at": "",
    }
    [intent] = [
        record["facts"]
        for record in audited(desk, "intent")
        if record["facts"]["client_order_id"] == order["client_order_id"]
    ]
    assert intent["preview"] == told["approval_id"]


async def test_a_no_is_final_and_is_told(desk: Desk, exchange: Exchange) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        call, told = await wanted(client, 1)
        answer(page(desk), told["approval_id"], "deny")
        answer(page(desk), told["approval_id"], "approve")
        assert (await client.refusal(CONDOR, **call)).startswith("[approval_denied]")
    assert len(exchange.orders()) == before


async def test_only_who_has_the_address_gets_in_and_only_by_its_own_form(
    desk: Desk, exchange: Exchange
) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        _, told = await wanted(client, 1)
    url = page(desk)
    root, name = url.rsplit("/", 2)[0], told["approval_id"]
    for path in ("/", "/waiting", f"/{'x' * 44}/", f"/{desk.token()}/", f"/{'x' * 44}/waiting"):
        assert httpx2.get(root + path, trust_env=False).status_code == 404
    assert answer(f"{root}/{'x' * 44}/", name, "approve").status_code == 404
    assert answer(url, name, "approve", origin="http://evil.example").status_code == 403
    assert answer(url, name, "perhaps").status_code == 400
    bare = {"id": name, "answer": "approve"}
    assert httpx2.post(f"{url}page", data=bare, trust_env=False).status_code == 403
    foreign = httpx2.get(url, headers={"Host": "evil.example"}, trust_env=False)
    assert foreign.status_code == 404
    huge = httpx2.post(f"{url}terminal", content=b"x" * 100_000, trust_env=False)
    assert huge.status_code == 413
    assert "script" not in httpx2.get(url, trust_env=False).text
    assert len(exchange.orders()) == before
    secret = url.rsplit("/", 2)[1]
    assert secret not in desk.log.read_text()
    assert secret not in json.dumps(told)


async def test_other_arguments_or_another_client_do_not_get_it_through(desk: Desk) -> None:
    async with desk.client() as client, desk.client("agent") as other:
        call, told = await wanted(client, 1)
        stranger = await other.refusal(CONDOR, **call)
        assert stranger.startswith("[preview_not_found]")
        changed = await client.refusal(CONDOR, **(call | {"width": 2}))
        assert changed.startswith("[preview_mismatch]")
        answer(page(desk), told["approval_id"], "deny")


async def test_the_kill_switch_and_the_limits_hold_after_the_yes(
    exchange: Exchange, tmp_path: Path
) -> None:
    settings = PATIENT | UNLIMITED | {"approval": "always"}
    with Desk.start(tmp_path / "state", exchange.tenant(), **settings) as desk:
        async with desk.client() as client:
            await client.ready()
            call, told = await wanted(client, 1)
            await client.ask("kill_switch")
            answer(page(desk), told["approval_id"], "approve")
            assert (await client.refusal(CONDOR, **call)).startswith("[kill_switch]")
    assert audited(desk, "intent") == []


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


def approve(desk: Desk, typed: str) -> tuple[int, str]:
    """Run the approve command at a terminal of its own and type something."""
    person, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ENTRYPOINT), "approve"],
        cwd=ROOT,
        env=desk.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(person, f"{typed}\n".encode())
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    out, _ = process.communicate()
    watchdog.cancel()
    os.close(person)
    return process.returncode, out


async def test_a_person_at_a_terminal_types_yes(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        call, told = await wanted(client, 1)
        code, out = await asyncio.to_thread(approve, desk, "yes")
        assert code == 0, out
        assert re.search(r"PAPER ORDER, iron_condor\w*: 1 x \(buy_to_open 1 SPY261208P", out)
        assert "max loss: " in out
        assert "sent: " in out
        assert (await client.ask(CONDOR, **call))["status"] == "sent"
    assert audited(desk, "approval")[-1]["facts"]["how"] == "terminal"
    assert "No order waits" in approve(desk, "")[1]
    assert told["approval_id"]


async def test_without_a_terminal_nothing_is_approved(desk: Desk, exchange: Exchange) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        _, told = await wanted(client, 1)
        refused = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, str(ENTRYPOINT), "approve"],
            cwd=ROOT,
            env=desk.environment,
            input="yes\n",
            capture_output=True,
            text=True,
            check=False,
        )
        answer(page(desk), told["approval_id"], "deny")
    assert (refused.returncode, "only a person" in refused.stderr) == (1, True)
    assert len(exchange.orders()) == before


async def test_the_audit_of_all_this_verifies_and_one_flipped_byte_is_found(desk: Desk) -> None:
    def verify() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ENTRYPOINT), "audit", "verify"],
            cwd=ROOT,
            env=desk.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    done = verify()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("intact")
    [file] = desk.folder.glob("*/audit/*.jsonl")
    whole = file.read_bytes()
    assert desk.settings["alpaca_secret_key"].encode() not in whole
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    broken = verify()
    file.write_bytes(whole)
    assert broken.returncode == 1
    assert "is not as it was written" in broken.stdout
