"""The audit log of a running desk: before the order, past a full disk, and against tampering."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from services.ops.chain import Head, files, kept_head, verify
from tests.desk import ENTRYPOINT, Desk
from tests.e2e.in_process import opened
from tests.exchange import ROOT, Exchange
from tests.tools.market import PATIENT

CONDOR = "iron_condor_30_delta"
FILLER = 8_000_000  # bytes: no other file of the desk grows so large


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(
        tmp_path_factory.mktemp("exchange"), clock="stepped", day="2026-12-08", at="10:05", seed=7
    ) as exchange:
        yield exchange


@pytest.fixture
def exchange(shared: Exchange) -> Exchange:
    return shared.tenant()


@contextmanager
def full(file: Path) -> Iterator[None]:
    """Let no file grow past the size of this one, as a full disk would not."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 50, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, was)


def records(folder: Path) -> list[dict[str, Any]]:
    [head] = [kept_head(folder)]
    assert head is not None
    verdict = verify(files(folder), {"the head file": head})
    assert verdict.ok, verdict.faults
    return [json.loads(line) for file in files(folder) for line in file.read_bytes().splitlines()]


async def test_on_a_full_disk_nothing_opens_and_everything_closes(
    exchange: Exchange, tmp_path: Path
) -> None:
    folder = tmp_path / "audit"
    async with opened(exchange, tmp_path, alpaca_base_url=exchange.url) as (services, client):
        await client.ready()
        shown = await client.ask(CONDOR, width=1)
        held = await client.confirmed(CONDOR, shown, width=1)
        await client.ended(held["client_order_id"])
        waiting = await client.ask(CONDOR, width=1)
        await services.records.audit.note("setting", "test", filler="x" * FILLER)

        before = exchange.orders()
        with full(files(folder)[-1]):
            token = waiting["confirm_token"]
            refused = await client.refusal(CONDOR, width=1, preview=False, confirm_token=token)
            assert refused.startswith("[audit_unwritable]")
            assert (await client.refusal(CONDOR, width=1)).startswith("[audit_unwritable]")
            assert exchange.orders() == before
            assert (await client.ask("flatten_all"))["flat"]
            assert exchange.positions() == []
        shown = await client.ask(CONDOR, width=1)  # there is room again: it goes on by itself
        assert shown["status"] == "preview"
    kept = records(folder)
    codes = [r["facts"]["code"] for r in kept if r["kind"] == "refusal"]
    assert codes == ["audit_unwritable", "audit_unwritable"]
    [closing] = [r for r in kept if r["kind"] == "intent" and r["facts"]["preview"] is None]
    assert closing["facts"]["strategy"]
    fills = {r["facts"]["client_order_id"] for r in kept if r["kind"] == "fill"}
    assert closing["facts"]["client_order_id"] in fills  # owed, and written once there was room


async def test_an_order_is_written_down_before_it_leaves_with_all_that_led_to_it(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with opened(exchange, tmp_path, alpaca_base_url=exchange.url) as (_, client):
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        order = await client.confirmed(CONDOR, shown, width=2)
        await client.ended(order["client_order_id"])
        await client.refusal(CONDOR, width=2, preview=False, confirm_token=shown["confirm_token"])
        await client.ask("kill_switch")
        await client.ask("flatten_all")
    kept = records(tmp_path / "audit")
    kinds = [r["kind"] for r in kept]
    for kind in ("setting", "preview", "approval", "intent", "order_event", "fill", "refusal"):
        assert kind in kinds
    assert kinds.index("preview") < kinds.index("approval") < kinds.index("intent")
    [intent] = [
        r["facts"]
        for r in kept
        if r["kind"] == "intent" and r["facts"]["client_order_id"] == order["client_order_id"]
    ]
    assert intent["limit"] == shown["preview"]["limit"]
    assert [leg[0] for leg in intent["legs"]] == [leg["symbol"] for leg in order["legs"]]
    text = json.dumps(kept)
    assert shown["confirm_token"] not in text
    assert exchange.secret not in text
    halt = [r for r in kept if r["kind"] == "halt"][-1]  # the file and the row may be two
    assert (halt["facts"]["halt"], halt["who"]) == ("halted", "local")


def folder_of(desk: Desk) -> Path:
    [folder] = desk.folder.glob("*/audit")
    return folder


def verified(desk: Desk) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(ENTRYPOINT), "audit", "verify"],
        cwd=ROOT,
        env=desk.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


async def killed_at_work(desk: Desk, width: int) -> None:
    """Trade, ask for a lot at once, and kill the daemon while it writes that down."""
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=width)
        order = await client.confirmed(CONDOR, shown, width=width)
        await client.ended(order["client_order_id"])
        async with asyncio.TaskGroup() as asking:
            calls = [
                asking.create_task(client.mcp.call_tool(CONDOR, {"width": width}))
                for _ in range(20)
            ]
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            desk.kill9()


async def test_kill_9_in_the_middle_of_many_records_leaves_a_log_that_goes_on(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path, exchange, **PATIENT) as desk:
        for width in (1, 2):
            try:
                await killed_at_work(desk, width)
            except* (httpx2.HTTPError, MCPError, anyio.ClosedResourceError):
                pass  # as every client meets it whose server is gone
            code, said = await asyncio.to_thread(verified, desk)
            assert code == 0, said
            desk.launch()
        code, said = await asyncio.to_thread(verified, desk)
    assert code == 0, said
    settings = [r for r in records(folder_of(desk)) if r["kind"] == "setting"]
    assert len(settings) == 3


async def test_an_order_whose_intent_is_gone_is_named_though_the_chain_was_forged(
    exchange: Exchange, tmp_path: Path
) -> None:
    """Whoever rewrites files and heads alike still has the desk's own orders against him."""
    with Desk.start(tmp_path, exchange, **PATIENT) as desk:
        async with desk.client() as client:
            await client.ready()
            for _ in range(2):
                shown = await client.ask(CONDOR, width=1)
                order = await client.confirmed(CONDOR, shown, width=1)
        desk.stop()
    folder = folder_of(desk)
    database = folder.with_name("desk.sqlite")
    kept = records(folder)
    [gone] = [
        r["seq"]
        for r in kept
        if r["kind"] == "intent" and r["facts"]["client_order_id"] == order["client_order_id"]
    ]
    [file] = files(folder)
    lines = file.read_bytes().splitlines(keepends=True)[: gone - 1]
    file.write_bytes(b"".join(lines))
    head = Head(seq=gone - 1, hash=kept[gone - 2]["hash"])
    (folder / "head").write_text(f"{head}\n")
    with closing(sqlite3.connect(database)) as db:
        db.execute("UPDATE audit_head SET seq=?, hash=?", (head.seq, head.hash))
        db.commit()
    code, said = await asyncio.to_thread(verified, desk)
    assert code == 1
    assert f"FAULT   order {order['client_order_id']} reached the broker" in said


def test_a_desk_whose_log_lost_its_tail_takes_no_new_risk_until_a_person_looks(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path, exchange, **PATIENT) as desk:
        desk.stop()
        [file] = tmp_path.glob("*/audit/*.jsonl")
        lines = file.read_bytes().splitlines(keepends=True)
        assert verified(desk)[0] == 0
        file.write_bytes(b"".join(lines[:-1]))
        code, said = verified(desk)
        assert (code, "the tail is cut" in said) == (1, True)
        file.with_name("head").unlink()  # the database knows it too
        assert "which the database vouches for" in verified(desk)[1]
        desk.launch()
        health = subprocess.run(
            [sys.executable, str(ENTRYPOINT), "tools", "call", CONDOR, "width=1"],
            cwd=ROOT,
            env=desk.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "the audit log is damaged" in health.stdout + health.stderr
        assert verified(desk)[0] == 1
