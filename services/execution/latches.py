"""Halts the desk sets by itself, one row for each cause, beside the one that people set.

A latch of a day stands until the next session begins; one without a day until its cause has
gone. Neither is touched by the release of the kill switch: a cause that still stands would
only set it again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from common.limits import Halt


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """Why trading is halted, since when and by whom. day: of the session it is for, if of one."""

    cause: str
    halt: Halt
    who: str
    reason: str
    at: datetime
    day: date | None = None

    def __str__(self) -> str:
        """Return the sentence a person reads."""
        return f"{self.reason} ({self.who})"


def deepest(db: sqlite3.Connection) -> Halt:
    """Return the furthest halt of the people's row and of every latch."""
    rows = db.execute("SELECT halt FROM halt UNION SELECT halt FROM latches").fetchall()
    depth = tuple(Halt)
    return max((Halt(halt) for (halt,) in rows), key=depth.index, default=Halt.ACTIVE)


def latches(db: sqlite3.Connection) -> tuple[Latch, ...]:
    """Return every latch that is set, oldest first."""
    rows = db.execute("SELECT cause, halt, who, reason, at, day FROM latches ORDER BY at")
    return tuple(
        Latch(
            cause=cause,
            halt=Halt(halt),
            who=who,
            reason=reason,
            at=datetime.fromisoformat(at),
            day=None if day is None else date.fromisoformat(day),
        )
        for cause, halt, who, reason, at, day in rows
    )


def people(db: sqlite3.Connection) -> Latch | None:
    """Return the halt that a person, a client or the supervisor set, None when it is open."""
    row = db.execute("SELECT halt, who, reason, at FROM halt WHERE id=1").fetchone()
    if row is None or Halt(row[0]) is Halt.ACTIVE:
        return None
    halt, who, reason, at = row
    return Latch(
        cause="kill_switch",
        halt=Halt(halt),
        who=who,
        reason=reason,
        at=datetime.fromisoformat(at),
    )


def put(db: sqlite3.Connection, latch: Latch) -> None:
    """Set a latch; one of the same cause keeps since when it stands."""
    db.execute(
        "INSERT INTO latches VALUES (?,?,?,?,?,?) ON CONFLICT (cause) DO UPDATE SET "
        "halt=excluded.halt, who=excluded.who, reason=excluded.reason, day=excluded.day",
        (
            latch.cause,
            latch.halt.value,
            latch.who,
            latch.reason,
            latch.at.isoformat(),
            None if latch.day is None else latch.day.isoformat(),
        ),
    )


def drop(db: sqlite3.Connection, cause: str) -> None:
    """Take a latch away."""
    db.execute("DELETE FROM latches WHERE cause=?", (cause,))
