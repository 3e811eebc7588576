"""A journal in memory that obeys the seed: it lags, fails, loses its answer, or dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from paper_exchange.engine.events import Record, decode, encode
from paper_exchange.store.journal import Commit, JournalFailed

Observe = Callable[[Sequence[Record]], None]


class FaultyJournal:
    """What is durable outlives the process; what waits may or may not.

    observe sees every batch as it is appended, before anything else can happen; reread sees
    what is durable whenever it is loaded.
    """

    def __init__(self, rng: Random, observe: Observe, reread: Observe) -> None:
        self._rng, self._observe, self._reread = rng, observe, reread
        self.durable: list[Record] = []
        self.appends = 0
        self.unreadable = 0  # loads still to fail
        self._failed = False
        self._waiting: list[tuple[Sequence[Record], Commit]] = []

    @property
    def waiting(self) -> int:
        """Batches that nobody knows the fate of yet."""
        return len(self._waiting)

    @property
    def last(self) -> int:
        """The number of the last durable event."""
        return self.durable[-1].seq if self.durable else 0

    def append(self, batch: Sequence[Record]) -> Commit:
        """Keep a batch waiting; after a failure, refuse it."""
        self.appends += 1
        self._observe(batch)
        commit: Commit = asyncio.get_running_loop().create_future()
        if self._failed:
            commit.set_exception(JournalFailed("nothing is written since a batch failed"))
        else:
            self._waiting.append((batch, commit))
        return commit

    def commit(self, batches: int | None = None) -> None:
        """Make the first so many waiting batches durable, all by default."""
        for batch, commit in self._taken(batches):
            self.durable += batch
            commit.set_result(None)

    def fail(self) -> None:
        """Fail what waits: written up to somewhere, though nobody is told of it."""
        written = self._rng.randint(0, self.waiting)
        self._failed = True
        for number, (batch, commit) in enumerate(self._taken(None)):
            if number < written:
                self.durable += batch
            commit.set_exception(JournalFailed("disk full"))

    def die(self) -> None:
        """Crash: some of what waited was written, and no answer ever comes."""
        for batch, _ in self._taken(self._rng.randint(0, self.waiting)):
            self.durable += batch
        self._waiting.clear()
        self._failed = False

    async def load(self, shard: int) -> list[Record]:
        """Return what is durable as it reads back, unless it cannot be read just now."""
        if self.unreadable:
            self.unreadable -= 1
            raise JournalFailed("input/output error")
        await asyncio.sleep(0)
        self._failed = False
        self._reread(self.durable)
        return [read_back(record) for record in self.durable]

    def _taken(self, batches: int | None) -> list[tuple[Sequence[Record], Commit]]:
        count = self.waiting if batches is None else batches
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken


def read_back(record: Record) -> Record:
    """Return a record as it is once it was written and read."""
    return Record(
        shard=record.shard,
        seq=record.seq,
        account_id=record.account_id,
        event=decode(encode(record.event)),
    )
