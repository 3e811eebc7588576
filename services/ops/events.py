"""What has happened to the desk, numbered and bounded, for whoever waits to hear of it.

Two things are told: events (a fill, an exit, a halt), each once and in order, and topics
that are no longer what they were when they were last read. Texts are built by the desk from
numbers and names of its own; nothing that a stranger wrote comes in here.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Final

from common.clock import Clock

KEPT: Final = 1_000  # events; who comes later than that is told that some are missing
TEXT_MAX: Final = 240
_ODD = re.compile(r"[^ -~]")


class Kind(StrEnum):
    """What sort of thing happened."""

    FILL = "fill"
    ORDER = "order"
    EXIT = "exit"
    HALT = "halt"
    STREAM = "stream"


class Topic(StrEnum):
    """What may have changed."""

    ORDERS = "orders"
    POSITIONS = "positions"
    CHAIN = "chain"
    RISK = "risk"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. number: from 1, without gaps; at: market time."""

    number: int
    at: datetime
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Events after a number, oldest first. missed: some before them are no longer kept."""

    events: tuple[Event, ...]
    missed: bool


class EventHub:
    """Keeps the newest events and wakes those who wait; lives as long as the desk.

    life: a name of this process's own, so that a number of another is recognized.
    """

    def __init__(self, clock: Clock, life: str, kept: int = KEPT) -> None:
        self._clock = clock
        self.life = life
        self.head = 0
        self._kept: deque[Event] = deque(maxlen=kept)
        self._revisions = dict.fromkeys(Topic, 0)
        self._moved = asyncio.Event()

    def publish(self, kind: Kind, text: str) -> None:
        """Tell of something that happened; never blocks."""
        self.head += 1
        said = _ODD.sub("?", text)[:TEXT_MAX]
        self._kept.append(Event(number=self.head, at=self._clock.now(), kind=kind, text=said))
        self._wake()

    def touch(self, *topics: Topic) -> None:
        """Say that topics are no longer what they were."""
        for topic in topics:
            self._revisions[topic] += 1
        if topics:
            self._wake()

    def after(self, number: int, most: int = KEPT) -> Heard:
        """Return the events after a number, the oldest of them first."""
        oldest = self.head - len(self._kept)
        found = islice(self._kept, max(number - oldest, 0), None)
        return Heard(tuple(islice(found, most)), missed=number < oldest)

    async def wait(self, number: int, within: float) -> None:
        """Return when there is an event after a number, or after some seconds."""
        try:
            async with asyncio.timeout(within):
                while self.head <= number:
                    await self._moved.wait()
        except TimeoutError:
            return

    def revisions(self) -> Mapping[Topic, int]:
        """Return how often each topic has changed."""
        return dict(self._revisions)

    async def changed(self, since: Mapping[Topic, int]) -> tuple[Topic, ...]:
        """Wait until topics have changed since, and return them."""
        while not (found := tuple(t for t, n in self._revisions.items() if n != since.get(t, 0))):
            await self._moved.wait()
        return found

    def _wake(self) -> None:
        woken, self._moved = self._moved, asyncio.Event()
        woken.set()
