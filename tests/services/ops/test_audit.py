"""The audit log: durable before it answers, and no change of it goes unseen."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import FrozenClock
from common.errors import AuditUnwritable
from services.ops.audit import AuditLog
from services.ops.chain import GENESIS, Head, Verdict, files, kept_head, linked, verify

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


def clock() -> FrozenClock:
    return FrozenClock(AT)


def checked(folder: Path, head: Head | None = None) -> Verdict:
    heads = {"the head file": kept_head(folder) or Head()}
    return verify(files(folder), heads | ({"somebody": head} if head else {}))


async def written(folder: Path, count: int = 12) -> Head:
    """Write a chain over two days and return its head."""
    now = clock()
    log = AuditLog(folder, now)
    for number in range(count):
        if number == count // 2:
            now.advance(timedelta(days=1))
        await log.append("intent", "local", number=number, price=Decimal("-0.80"))
    await log.close()
    return log.head


def lines(folder: Path) -> list[bytes]:
    return [line for path in files(folder) for line in path.read_bytes().splitlines(keepends=True)]


async def test_records_are_on_disk_when_append_returns_and_the_chain_goes_over_days(
    tmp_path: Path,
) -> None:
    now = clock()
    log = AuditLog(tmp_path, now, secrets=["PKSECRET"])
    first = await log.append("preview", "local", limit=Decimal("1.50"), at=AT, told="PKSECRET!")
    assert json.loads(lines(tmp_path)[0]) == {
        "seq": 1,
        "prev": GENESIS,
        "hash": first.hash,
        "at": AT.isoformat(),
        "kind": "preview",
        "who": "local",
        "facts": {"limit": "1.50", "at": AT.isoformat(), "told": "[secret]!"},
    }
    now.advance(timedelta(days=1))
    await log.append("intent", "local")
    await log.close()
    assert [path.name for path in files(tmp_path)] == ["2026-11-20.jsonl", "2026-11-21.jsonl"]
    assert checked(tmp_path, log.head) == Verdict(records=2, last=log.head, faults=())


async def test_what_comes_together_is_written_in_the_order_it_came(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, clock())
    heads = await asyncio.gather(*(log.append("fill", "local", n=n) for n in range(500)))
    await log.close()
    assert [json.loads(line)["facts"]["n"] for line in lines(tmp_path)] == list(range(500))
    assert heads[-1] == log.head == checked(tmp_path).last
    assert checked(tmp_path).ok


async def test_a_restart_goes_on_with_the_chain(tmp_path: Path) -> None:
    head = await written(tmp_path)
    log = AuditLog(tmp_path, FrozenClock(AT), anchor=head)  # a clock behind the last file's day
    await log.append("setting", "desk")
    await log.close()
    assert log.damage is None
    assert log.head.seq == head.seq + 1
    assert checked(tmp_path).ok


def drop(n: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda found: found[:n] + found[n + 1 :]


TAMPERED: list[tuple[str, Callable[[list[bytes]], list[bytes]], str]] = [
    ("first removed", drop(0), "record 1 is missing"),
    ("one removed", drop(4), "record 5 is missing"),
    ("three removed", lambda f: f[:3] + f[6:], "records 4 to 6 are missing"),
    ("doubled", lambda f: [*f[:5], f[4], *f[5:]], "record 5 stands there again"),
    ("swapped", lambda f: [*f[:3], f[4], f[3], *f[5:]], "record 4 is out of its place"),
    ("tail cut", lambda f: f[:-2], "the tail is cut: records 11 to 12 are missing"),
    ("last line cut", lambda f: [*f[:-1], f[-1][:40]], "the tail is cut: record 12 is missing"),
    ("torn within", lambda f: [*f[:2], f[2][:-1], *f[3:]], "not as it was written"),
    ("space added", lambda f: [*f[:2], f[2].replace(b":", b": ", 1), *f[3:]], "not as it was"),
]


@pytest.mark.parametrize(
    ("change", "told"), [c[1:] for c in TAMPERED], ids=[c[0] for c in TAMPERED]
)
async def test_tampering_is_found_and_named(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], told: str
) -> None:
    await written(tmp_path)
    changed = change(lines(tmp_path))
    for path in files(tmp_path)[1:]:
        path.unlink()
    files(tmp_path)[0].write_bytes(b"".join(changed))
    assert any(told in fault for fault in checked(tmp_path).faults), checked(tmp_path).faults


async def test_a_record_that_was_altered_and_hashed_anew_breaks_the_next_link(
    tmp_path: Path,
) -> None:
    await written(tmp_path)
    found = lines(tmp_path)
    record = json.loads(found[3])
    forged = {k: v for k, v in record.items() if k not in {"seq", "prev", "hash"}}
    forged["facts"] = {"number": 99}
    line, _ = linked(forged, Head(seq=3, hash=record["prev"]))
    for path in files(tmp_path)[1:]:
        path.unlink()
    files(tmp_path)[0].write_bytes(b"".join([*found[:3], line, *found[4:]]))
    [fault] = checked(tmp_path).faults
    assert "record 5 does not follow" in fault


async def test_a_missing_day_and_a_missing_folder_are_found(tmp_path: Path) -> None:
    head = await written(tmp_path)
    files(tmp_path)[0].unlink()
    assert "records 1 to 6 are missing" in checked(tmp_path).faults[0]
    for path in (*files(tmp_path), tmp_path / "head"):
        path.unlink()
    assert "the tail is cut: records 1 to 12" in checked(tmp_path, head).faults[0]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("chain")
    asyncio.run(written(folder, 6))
    return folder, b"".join(lines(folder))


@given(data=st.data())
def test_any_flipped_bit_is_found(chain: tuple[Path, bytes], data: st.DataObject) -> None:
    folder, whole = chain
    place = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(whole)
    changed[place] ^= 1 << bit
    path = folder / "changed"
    path.write_bytes(changed)
    assert not verify([path], {"the head file": kept_head(folder) or Head()}).ok


async def test_a_torn_line_is_no_tampering_and_is_cut_off_at_the_next_start(
    tmp_path: Path,
) -> None:
    head = await written(tmp_path)
    with files(tmp_path)[-1].open("ab") as file:
        file.write(b'{"at":"2026-11-21T15:00:00+00:00","facts":{"num')
    seen = checked(tmp_path)
    assert seen.ok
    assert "torn" in seen.remarks[0]
    log = AuditLog(tmp_path, clock(), anchor=head)
    assert (log.damage, log.torn > 0) == (None, True)
    await log.append("setting", "desk")
    await log.close()
    assert checked(tmp_path) == Verdict(records=13, last=log.head, faults=())


async def test_a_chain_whose_tail_was_cut_never_heals(tmp_path: Path) -> None:
    await written(tmp_path)
    last = files(tmp_path)[-1]
    last.write_bytes(b"".join(last.read_bytes().splitlines(keepends=True)[:-2]))
    log = AuditLog(tmp_path, clock())
    assert log.damage is not None
    assert "records 11 to 12 are missing" in log.damage
    await log.append("setting", "desk")
    await log.close()
    assert "records 11 to 12 are missing before record 13" in checked(tmp_path).faults[0]


async def test_what_the_disk_refuses_is_refused_or_owed(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the kernel refuses the write."""
    log = AuditLog(tmp_path, clock())
    await log.append("intent", "local", n=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (files(tmp_path)[0].stat().st_size + 20, hard))
    try:
        with pytest.raises(AuditUnwritable):
            await log.append("intent", "local", n=2)
        await log.note("fill", "desk", n=3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, was)
    await log.append("intent", "local", n=4)
    await log.close()
    assert [json.loads(line)["facts"]["n"] for line in lines(tmp_path)] == [1, 3, 4]
    assert checked(tmp_path).ok


WRITER = """
import asyncio, sys
from pathlib import Path
from common.clock import SystemClock
from services.ops.audit import AuditLog

async def main():
    log = AuditLog(Path(sys.argv[1]), SystemClock())
    async def one():
        while True:
            head = await log.append("intent", "local", text="x" * 3000)
            print(head, flush=True)
    await asyncio.gather(*(one() for _ in range(8)))

asyncio.run(main())
"""


def test_kill_9_while_writing_loses_nothing_that_was_told_and_the_chain_recovers(
    tmp_path: Path,
) -> None:
    told = Head()
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        for _ in range(60):
            told = Head.parse(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        told = max([told, *map(Head.parse, writer.stdout)], key=lambda head: head.seq)
        writer.stdout.close()
        writer.wait()
        seen = checked(tmp_path, told)
        assert seen.ok, seen.faults
        assert seen.last.seq >= told.seq
    log = AuditLog(tmp_path, clock(), anchor=told)
    asyncio.run(log.close())
    assert log.damage is None
    assert checked(tmp_path, told).ok
