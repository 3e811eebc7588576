"""What is known of one series: samples as they came in, and a stretch known to be whole."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

ITEMS_MAX: Final = 30_000


class Dated(Protocol):
    """Whatever carries the instant it happened."""

    @property
    def at(self) -> datetime:
        """When."""
        ...


class Tape:
    """Items by time. In [start, end), if there is such a stretch, none is missing."""

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._ats: list[datetime] = []
        self.start: datetime | None = None
        self.end: datetime | None = None

    def learn(self, item: Dated) -> None:
        """Take a sample; a later one of the same instant takes its place."""
        if self.start is not None and self.end is not None and self.start <= item.at < self.end:
            return
        at = bisect_left(self._ats, item.at)
        if at < len(self._ats) and self._ats[at] == item.at:
            self._items[at] = item
            return
        if len(self._items) >= ITEMS_MAX:
            self._forget(until=self._ats[ITEMS_MAX // 2])
            at = bisect_left(self._ats, item.at)
        self._items.insert(at, item)
        self._ats.insert(at, item.at)

    def missing(self, start: datetime, end: datetime) -> tuple[datetime, datetime] | None:
        """Return the part of [start, end) that has to be had, None when it is known whole."""
        if end <= start:
            return None
        if self.start is None or self.end is None or end < self.start or self.end < start:
            return start, end
        if self.start <= start:
            return None if end <= self.end else (self.end, end)
        return (start, self.start) if end <= self.end else (start, end)

    def put(self, start: datetime, end: datetime, items: Sequence[Dated]) -> None:
        """Take all items of [start, end); a stretch that touches the one known extends it."""
        if len(self._items) + len(items) > ITEMS_MAX:
            self._forget(until=None)
        low, high = bisect_left(self._ats, start), bisect_left(self._ats, end)
        self._items[low:high] = items
        self._ats[low:high] = [item.at for item in items]
        if self.start is None or self.end is None or end < self.start or self.end < start:
            self.start, self.end = start, end
        else:
            self.start, self.end = min(start, self.start), max(end, self.end)

    def between(self, start: datetime, end: datetime) -> Sequence[Any]:
        """Return what is known of [start, end)."""
        return self._items[bisect_left(self._ats, start) : bisect_left(self._ats, end)]

    def last(self, until: datetime) -> Any | None:
        """Return the last item made by an instant."""
        at = bisect_left(self._ats, until)
        if at < len(self._ats) and self._ats[at] == until:
            return self._items[at]
        return self._items[at - 1] if at else None

    def _forget(self, until: datetime | None) -> None:
        """Drop what is older than an instant, or everything."""
        kept = len(self._ats) if until is None else bisect_left(self._ats, until)
        del self._items[:kept], self._ats[:kept]
        if until is None or self.end is None or self.end <= until:
            self.start = self.end = None
        elif self.start is not None:
            self.start = max(self.start, until)
