"""The command that checks the audit log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import dropwhile
from pathlib import Path

from common.config import Settings
from common.errors import BadArgument
from services.execution.journal_store import anchor_of
from services.ops.chain import HEAD_FILE, Head, Verdict, files, kept_head, read, verify
from services.runtime.recording import audit_folder
from serving.state import StateFolder

FAULTY = 1
SHOWN_MAX = 20  # faults printed; the first is where to look


async def audit_verify(settings: Settings, file: str | None, head: str | None) -> int:
    """Check the chain of this configuration's desk, or of a file; say what is wrong.

    head: one that was noted elsewhere, as printed here. Exit code 1 when anything is wrong.
    """
    heads = {"the head given": _parsed(head)} if head is not None else {}
    if file is not None:
        verdict = _of_path(Path(file), heads)
    else:
        folder = StateFolder(settings)
        verdict = _of_desk(audit_folder(folder.database), folder.database, heads)
    for fault in verdict.faults[:SHOWN_MAX]:
        print(f"FAULT   {fault}")
    if len(verdict.faults) > SHOWN_MAX:
        print(f"FAULT   and {len(verdict.faults) - SHOWN_MAX} more")
    for remark in verdict.remarks:
        print(f"note    {remark}")
    print(f"{'intact' if verdict.ok else 'BROKEN'}  {verdict.records} records, head {verdict.last}")
    return 0 if verdict.ok else FAULTY


def _of_desk(folder: Path, database: Path, heads: dict[str, Head]) -> Verdict:
    """Check a whole chain against every head that is kept of it.

    Heads and orders are read before the files: a daemon that writes meanwhile is only ahead.
    """
    orders = _orders(database)
    kept = _kept(folder)
    if kept is not None:
        heads["the head file"] = kept
    anchored = _anchored(database)
    if anchored is not None:
        heads["the database"] = anchored
    verdict = verify(files(folder), heads)
    told = intents(folder)
    return replace(verdict, faults=(*verdict.faults, *_untold(orders, told)))


def intents(folder: Path) -> frozenset[str]:
    """Return the client order ids whose intents a log holds, as far as it can be read."""
    found = set()
    for path in files(folder):
        with path.open("rb") as file:
            records = (read(line) for line in file if b'"kind":"intent"' in line)
            found |= {record["facts"]["client_order_id"] for record in records if record}
    return frozenset(found)


def _untold(orders: Sequence[str], told: frozenset[str]) -> Iterator[str]:
    """Yield the orders that left without an intent, from the first on that has one."""
    for name in dropwhile(lambda name: name not in told, orders):
        if name not in told:
            yield f"order {name} reached the broker, and the log has no intent of it"


def _orders(database: Path) -> list[str]:
    """Return the client order ids that the broker has taken, oldest first."""
    if not database.exists():
        return []
    with closing(_opened(database)) as db:
        rows = db.execute(
            "SELECT client_order_id FROM orders WHERE broker_id IS NOT NULL ORDER BY rowid"
        )
        return [name for (name,) in rows]


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)


def _of_path(path: Path, heads: dict[str, Head]) -> Verdict:
    if path.is_dir():
        kept = _kept(path)
        return verify(files(path), heads | ({"the head file": kept} if kept is not None else {}))
    if not path.is_file():
        raise BadArgument(f"there is no {path}", remedy="name a file or a folder of the audit log")
    return verify([path], heads, whole=False)


def _kept(folder: Path) -> Head | None:
    try:
        return kept_head(folder)
    except ValueError:
        raise BadArgument(
            f"{folder / HEAD_FILE} is not as it was written",
            remedy="look at the log by file, and treat it as tampered with",
        ) from None


def _anchored(database: Path) -> Head | None:
    if not database.exists():
        return None
    with closing(_opened(database)) as db:
        return anchor_of(db)


def _parsed(head: str) -> Head:
    try:
        return Head.parse(head)
    except ValueError as e:
        raise BadArgument(str(e), remedy="copy it as 'audit verify' printed it") from None
