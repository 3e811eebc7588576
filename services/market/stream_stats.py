"""What is known of a stream's health, as one value."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from common.clock import NS, WallClock


class StreamState(StrEnum):
    """Where the stream stands."""

    OFF = "off"
    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"  # connected, but mute while quotes are due
    REFUSED = "refused"  # the feed will not have us; tried again slowly


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStats:
    """One moment of a stream.

    symbols: subscribed, as the feed confirmed it. messages: quotes received since the process
    started; per_second over the last seconds. p50_age and p95_age: how old the newest quotes of
    the subscribed contracts are, by wall time since receipt; None without any. gaps: times it
    fell silent. errors: refusals and failed connections; undecodable: messages we could not
    read. reason: why it is not live, or what the feed complained of.
    """

    state: StreamState
    feed: str
    symbols: int
    messages: int
    per_second: float
    p50_age: timedelta | None
    p95_age: timedelta | None
    last_message_age: timedelta | None
    gaps: int
    reconnects: int
    errors: int
    undecodable: int
    reason: str


class Meter:
    """A count, and how fast it grows over the samples taken of it."""

    def __init__(self, wall: WallClock, samples: int = 20) -> None:
        self._wall = wall
        self._samples: deque[tuple[int, int]] = deque(maxlen=samples)

    def sample(self, count: int) -> None:
        """Note the count as of now."""
        self._samples.append((self._wall.ns(), count))

    def per_second(self, count: int) -> float:
        """Return the growth per second since the oldest sample kept, 0 without samples."""
        if not self._samples:
            return 0.0
        at, before = self._samples[0]
        elapsed = self._wall.ns() - at
        return (count - before) * NS / elapsed if elapsed > 0 else 0.0


def percentile(ages: Sequence[timedelta], fraction: float) -> timedelta | None:
    """Return the age that a fraction of them do not exceed, None of none."""
    if not ages:
        return None
    return sorted(ages)[min(int(fraction * len(ages)), len(ages) - 1)]
