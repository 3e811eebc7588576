"""The audit's chain as data: how a record is written, and how a folder of them is checked.

Each line is canonical JSON that holds the hash of the line before it and its own. A byte
that changes, a record that goes, comes twice or changes places breaks the chain where it
happened; a tail that is cut is told by a head kept elsewhere. Pure but for reading files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GENESIS = "0" * 64  # what the first record follows
UNTOLD = "?" * 64  # the hash of a record that is not as it was written
HEAD_FILE = "head"
GLOB = "????-??-??.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last record of a chain: its number and its hash."""

    seq: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        """Return it as people pass it on: number, colon, hash."""
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Return the head that a text names; raise ValueError for anything else."""
        seq, colon, digest = text.strip().partition(":")
        if not (colon and seq.isdecimal() and len(digest) == len(GENESIS)):
            raise ValueError(f"{text!r:.80} is no head: write its number, a colon, and its hash")
        return cls(seq=int(seq), hash=digest)


def linked(record: Mapping[str, Any], after: Head) -> tuple[bytes, Head]:
    """Return a record as the line that follows a head, and the head that it makes."""
    body = {**record, "seq": after.seq + 1, "prev": after.hash}
    digest = _digest(body)
    return canonical({**body, "hash": digest}) + b"\n", Head(seq=after.seq + 1, hash=digest)


def canonical(record: Mapping[str, Any]) -> bytes:
    """Return the one text that a record has: sorted keys, no spaces, ASCII."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def read(line: bytes) -> dict[str, Any] | None:
    """Return the record of a whole line that is as it was written, None for any other."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or not isinstance(record.get("hash"), str):
        return None
    body = {name: value for name, value in record.items() if name != "hash"}
    same = canonical(record) == line.rstrip(b"\n") and _digest(body) == record["hash"]
    return record if same and isinstance(record.get("seq"), int) else None


def files(folder: Path) -> list[Path]:
    """Return the files of a chain, oldest first."""
    return sorted(folder.glob(GLOB))


def kept_head(folder: Path) -> Head | None:
    """Return the head that the folder's head file holds, None when there is none.

    Raises ValueError when it cannot be read as one.
    """
    try:
        return Head.parse((folder / HEAD_FILE).read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found: what is wrong, what is only worth knowing, and how it ends."""

    records: int
    last: Head
    faults: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


@dataclass(slots=True)
class _Check:
    """A walk along the chain, and what it met. digest: of the last record, None if altered."""

    whole: bool  # from the first record on
    seq: int = 0
    digest: str | None = GENESIS
    seen: dict[int, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def take(self, where: str, line: bytes) -> None:
        record = read(line)
        if record is None:  # what it was is told by the link of the next one
            self.faults.append(f"{where}: record {self.seq + 1} is not as it was written")
            self.seq, self.digest = self.seq + 1, None
            self.seen[self.seq] = ""
            return
        seq = record["seq"]
        if not self.seen and not self.whole:
            self.seq, self.digest = seq - 1, record["prev"]
        if (wrong := self._wrong(seq, record["prev"])) is not None:
            self.faults.append(f"{where}: {wrong}")
        self.seen.setdefault(seq, record["hash"])
        if seq > self.seq:
            self.seq, self.digest = seq, record["hash"]

    def _wrong(self, seq: int, prev: str) -> str | None:
        if seq in self.seen:
            return f"record {seq} stands there again"
        if seq <= self.seq:
            return f"record {seq} is out of its place"
        if seq > self.seq + 1:
            return f"{_numbers(self.seq + 1, seq - 1)} missing before record {seq}"
        if self.digest not in {None, prev}:
            return f"record {seq} does not follow the one before it"
        return None

    def hold_against(self, head: Head, whose: str) -> None:
        """Compare with a head that somebody kept."""
        if head.seq > self.seq:
            gone = _numbers(self.seq + 1, head.seq)
            self.faults.append(f"the tail is cut: {gone} missing, which {whose} vouches for")
        elif head.seq and self.seen.get(head.seq) not in {"", head.hash}:
            self.faults.append(f"record {head.seq} is not the one which {whose} vouches for")


def verify(
    paths: Sequence[Path], heads: Mapping[str, Head] | None = None, *, whole: bool = True
) -> Verdict:
    """Check the records of files in order, and hold them against heads kept elsewhere.

    whole: they must begin with the first record. A last line without its end is what a
    crash leaves: no fault, unless a head says that it had been written whole.
    """
    check = _Check(whole=whole)
    torn = ""
    for where, line in _lines(paths):
        if torn:
            check.faults.append(f"{torn}: it ends in the middle of a record")
            torn = ""
        if line.endswith(b"\n"):
            check.take(where, line)
        else:
            torn = where
    if torn:
        check.remarks.append(
            f"{torn}: the last line is torn, as a crash in the middle of a write leaves it; "
            "nothing had been told to be written, and the next start cuts it off"
        )
    for whose, head in (heads or {}).items():
        check.hold_against(head, whose)
    return Verdict(
        records=len(check.seen),
        last=Head(seq=check.seq, hash=check.digest or UNTOLD),
        faults=tuple(check.faults),
        remarks=tuple(check.remarks),
    )


def _lines(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield f"{path.name}:{number}", line


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def _numbers(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"
