"""The audit log: what the desk did and refused, on disk before it matters, in a chain.

Appends from the event loop go to a thread of their own, which writes whatever has come
together with one fsync and then answers everybody who waits. One file a day, the chain
going over files; the head after each write stands in a file beside them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import Any

from common.clock import Clock
from common.errors import AuditUnwritable, StateUnwritable
from services.ops.chain import HEAD_FILE, Head, files, kept_head, linked, read

log = logging.getLogger(__name__)

OWED_MAX = 10_000  # records kept in memory while the disk does not take them
TAIL = 1 << 20  # bytes from the end in which the last line of a file is looked for
SECRET = "[secret]"  # noqa: S105 what stands where one would have stood

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


@dataclass(slots=True)
class _Entry:
    record: dict[str, Any]
    owed: bool  # may be written later when the disk refuses it now
    done: Future[Head] = field(default_factory=Future)


class AuditLog:
    """One writer of one chain. damage: what was wrong with it at the start, or None."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        anchor: Head | None = None,
        secrets: Collection[str] = (),
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._secrets = tuple(secret for secret in secrets if secret)
        self._descriptor: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._owed: deque[_Entry] = deque(maxlen=OWED_MAX)
        self._waiting: list[_Entry] = []
        self._work = threading.Condition()
        self._closing = False
        self.damage: str | None = None
        self.torn = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._head = self._recovered(anchor)
            self._kept = os.open(folder / HEAD_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._keep_head()
        except OSError as e:
            raise StateUnwritable(f"the audit log {folder} cannot be written: {e}") from e
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    @property
    def head(self) -> Head:
        """The last record that is on disk."""
        return self._head

    async def append(self, kind: str, who: str, **facts: object) -> Head:
        """Write a record and return once it is on disk; raise AuditUnwritable if it is not."""
        return await asyncio.wrap_future(self._take(kind, who, facts, owed=False))

    async def note(self, kind: str, who: str, **facts: object) -> None:
        """Write a record of what has happened anyway: what the disk refuses is owed.

        Returns once it is on disk, or once it is known that it cannot be yet; then it is
        written before the next record that can be.
        """
        try:
            await asyncio.wrap_future(self._take(kind, who, facts, owed=True))
        except AuditUnwritable as e:  # closed: the desk is going down
            log.critical("not in the audit log: %s by %s: %s", kind, who, e)

    async def close(self) -> None:
        """Write what waits and let the files go."""
        with self._work:
            self._closing = True
            self._work.notify()
        await asyncio.to_thread(self._thread.join)
        for descriptor in (self._descriptor, self._kept):
            if descriptor is not None:
                os.close(descriptor)
        self._descriptor = None

    # In the caller's thread

    def _take(
        self, kind: str, who: str, facts: Mapping[str, object], *, owed: bool
    ) -> Future[Head]:
        record = {
            "at": self._clock.now().isoformat(),
            "kind": kind,
            "who": who,
            "facts": {name: self._plain(value) for name, value in facts.items()},
        }
        entry = _Entry(record, owed)
        with self._work:
            if self._closing:
                raise AuditUnwritable("the audit log is closed")
            self._waiting.append(entry)
            self._work.notify()
        return entry.done

    def _plain(self, value: object) -> Any:
        """Return a fact as JSON holds it: exact, and without any secret of ours."""
        if isinstance(value, Enum):
            return self._plain(value.value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if isfinite(value) else None
        if isinstance(value, Mapping):
            return {str(name): self._plain(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._plain(inner) for inner in value]
        if isinstance(value, datetime | date):
            return value.isoformat()
        if not isinstance(value, str | Decimal):
            raise TypeError(f"{type(value).__name__} is no fact for the audit log")
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, SECRET)
        return text

    # In the writer's thread

    def _run(self) -> None:
        while True:
            with self._work:
                while not self._waiting and not self._closing:
                    self._work.wait()
                batch, self._waiting = self._waiting, []
                if not batch:
                    return
            self._settle(batch)

    def _settle(self, batch: list[_Entry]) -> None:
        """Write a batch, what is owed first, and answer everybody."""
        try:
            self._write([entry.record for entry in (*self._owed, *batch)])
        except (OSError, ValueError) as e:
            log.critical("the audit log cannot be written: %s", e)
            failure = AuditUnwritable(f"the audit log cannot be written: {e}")
            self._owed.extend(entry for entry in batch if entry.owed)
            for entry in batch:
                _answer(entry.done, self._head if entry.owed else failure)
            return
        self._owed.clear()
        for entry in batch:
            _answer(entry.done, self._head)

    def _write(self, records: list[dict[str, Any]]) -> None:
        """Put records on disk, then the head; nothing of them counts unless all are."""
        head, lines = self._head, []
        for record in records:
            line, head = linked(record, head)
            lines.append(line)
        data = b"".join(lines)
        descriptor = self._opened(records[-1]["at"][:10])
        try:
            _write_all(descriptor, data)
            _sync(descriptor)
        except OSError:
            os.close(descriptor)  # the next write opens it again and cuts what is half there
            self._descriptor = None
            raise
        self._size += len(data)
        self._head = head
        self._keep_head()

    def _opened(self, day: str) -> int:
        """Return the file of a day; the last one while the clock stands before it."""
        path = self.folder / f"{day}.jsonl"
        if self._path is not None and path.name < self._path.name:
            path = self._path
        if path != self._path:
            self._close_file()
            self._path, self._size = path, path.stat().st_size if path.exists() else 0
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            try:
                if os.fstat(descriptor).st_size < self._size:
                    raise OSError(f"{path.name} is shorter than it was")
                os.ftruncate(descriptor, self._size)
                _sync_folder(self.folder)
            except OSError:
                os.close(descriptor)
                raise
            self._descriptor = descriptor
        return self._descriptor

    def _close_file(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _keep_head(self) -> None:
        """Note the head beside the chain: it may lag behind the disk, never run ahead."""
        text = f"{self._head}\n".encode()
        with contextlib.suppress(OSError):  # a head that lags vouches for less, wrongly for nothing
            os.pwrite(self._kept, text, 0)

    # At the start

    def _recovered(self, anchor: Head | None) -> Head:
        """Cut a torn last line off, and return the head to go on from.

        Where a kept head is ahead of the files, or knows a last record that is no longer
        what it was, the chain goes on behind that head: every check will find the place.
        """
        last = self._last()
        heads = [head for head in (self._kept_or_none(), anchor) if head is not None]
        ahead = max(heads, key=lambda head: head.seq, default=Head())
        if last is None:
            self._damaged("its last record is not as it was written")
            return ahead
        if ahead.seq > last.seq:
            self._damaged(f"records {last.seq + 1} to {ahead.seq} are missing from its end")
            return ahead
        if ahead.seq == last.seq and ahead != last:
            self._damaged(f"record {last.seq} is not the one that was written")
        return last

    def _damaged(self, what: str) -> None:
        self.damage = f"the audit log is damaged: {what}"
        log.error("%s", self.damage)

    def _kept_or_none(self) -> Head | None:
        try:
            return kept_head(self.folder)
        except ValueError as e:
            self._damaged(f"its head file cannot be read: {e}")
            return None

    def _last(self) -> Head | None:
        """Return the head of the last whole record of all files, None if it was altered."""
        for path in reversed(files(self.folder)):
            line = self._last_line(path)
            if line:  # else the first record of that day was torn
                record = read(line)
                return None if record is None else Head(seq=record["seq"], hash=record["hash"])
        return Head()

    def _last_line(self, path: Path) -> bytes:
        """Return the last whole line of a file, after cutting off what is torn."""
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL, 0))
            tail = file.read()
            whole = tail[: tail.rfind(b"\n") + 1]
            if len(whole) < len(tail):
                self.torn = len(tail) - len(whole)
                size -= self.torn
                log.warning("%s ends in a torn record: %d bytes cut off", path.name, self.torn)
                file.truncate(size)
                os.fsync(file.fileno())
            if self._path is None:
                self._path, self._size = path, size
            return whole.splitlines(keepends=True)[-1] if whole else b""


def _answer(done: Future[Head], result: Head | AuditUnwritable) -> None:
    if not done.set_running_or_notify_cancel():
        return  # whoever waited has gone; the record is written all the same
    if isinstance(result, Head):
        done.set_result(result)
    else:
        done.set_exception(result)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
