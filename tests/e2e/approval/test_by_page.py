"""A person's approval on the page and at a terminal; what closes never waits."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
import threading
from html import unescape
from pathlib import Path

import httpx2

from tests.desk import ENTRYPOINT, Desk
from tests.e2e.approving import CONDOR, answer, asking, audited, page, wanted
from tests.e2e.changing import changes
from tests.exchange import ROOT, Exchange
from tests.tools.market import until


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
    with asking(exchange.tenant(), tmp_path / "state") as desk:
        async with desk.client() as client:
            await client.ready()
            call, told = await wanted(client, 1)
            await client.ask("kill_switch")
            answer(page(desk), told["approval_id"], "approve")
            assert (await client.refusal(CONDOR, **call)).startswith("[kill_switch]")
    assert audited(desk, "intent") == []


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


async def test_what_nobody_answers_is_written_down_though_nobody_asks_again(
    exchange: Exchange, tmp_path: Path
) -> None:
    before = exchange.orders()
    with asking(exchange, tmp_path, seconds=1) as desk:
        async with desk.client() as client:
            await client.ready()
            _, told = await wanted(client, 1)
        assert told["status"] == "awaiting_approval"

        async def expired() -> bool:
            return bool(audited(desk, "approval"))

        await until(expired, "the audit log does not say that nobody answered")
        [record] = audited(desk, "approval")
    assert record["facts"]["preview"] == told["approval_id"]
    assert (record["facts"]["how"], record["facts"]["approved"]) == ("nobody", False)
    assert exchange.orders() == before
