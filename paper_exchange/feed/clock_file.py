"""The clock's state in a small file beside the database, so that a restart goes on with the day."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import msgspec

from common.errors import StateUnwritable
from paper_exchange.feed.clock import ClockState


class _Stored(msgspec.Struct, frozen=True):
    day: date
    anchor: datetime
    anchored: datetime
    rate: float


class ClockFile:
    """A ClockStore in one file, replaced whole; path None keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def load(self) -> ClockState | None:
        """Return what was last saved, None when nothing was.

        Raises StateUnwritable for a file that cannot be read or is not one of ours.
        """
        if self._path is None or not self._path.exists():
            return None
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=_Stored)
        except (OSError, msgspec.MsgspecError) as e:
            raise _unusable(self._path, e) from None
        return ClockState(
            day=found.day, anchor=found.anchor, anchored=found.anchored, rate=found.rate
        )

    def save(self, state: ClockState) -> None:
        """Keep the state durably; raise StateUnwritable."""
        if self._path is None:
            return
        stored = _Stored(state.day, state.anchor, state.anchored, state.rate)
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(stored))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as e:
            raise _unusable(self._path, e) from None


def _unusable(path: Path, why: Exception) -> StateUnwritable:
    return StateUnwritable(
        f"the clock file {path} cannot be used: {why}",
        remedy="give --database a folder you can write, or remove the file",
    )
