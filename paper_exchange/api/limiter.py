"""A rate limit per key, real or switched off: its headers are sent only when it is real."""

from __future__ import annotations

from typing import Final

from common.clock import NS, Clock, WallClock

_WINDOW_SECONDS: Final = 60

Headers = list[tuple[bytes, bytes]]


class RateLimit:
    """Requests per minute of each key, in whole minutes of the wall clock; 0 is no limit."""

    def __init__(self, per_minute: int, wall: WallClock, clock: Clock) -> None:
        self._per_minute = per_minute
        self._wall = wall
        self._clock = clock
        self._window = 0
        self._used: dict[str, int] = {}

    def take(self, key: str) -> tuple[bool, Headers]:
        """Count one request; return whether it is within the limit, and the headers."""
        if self._per_minute == 0:
            return True, []
        seconds = self._wall.ns() // NS
        if seconds // _WINDOW_SECONDS != self._window:
            self._window = seconds // _WINDOW_SECONDS
            self._used.clear()
        used = self._used[key] = self._used.get(key, 0) + 1
        left = max(self._per_minute - used, 0)
        until = _WINDOW_SECONDS - seconds % _WINDOW_SECONDS
        headers = [
            (b"x-ratelimit-limit", str(self._per_minute).encode()),
            (b"x-ratelimit-remaining", str(left).encode()),
            (b"x-ratelimit-reset", str(int(self._clock.now().timestamp()) + until).encode()),
        ]
        if used > self._per_minute:
            headers.append((b"retry-after", str(until).encode()))
        return used <= self._per_minute, headers
