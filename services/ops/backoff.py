"""How long to wait before trying again: doubling, capped, jittered."""

from __future__ import annotations

from random import SystemRandom


class Backoff:
    """Delays in seconds that double from first to ceiling, each between half of it and all.

    Equal jitter: clients which failed together do not come back together, and none
    comes back at once.
    """

    def __init__(self, first: float = 0.5, ceiling: float = 30.0) -> None:
        self._first = first
        self._ceiling = ceiling
        self._next = first
        self._random = SystemRandom()

    def delay(self) -> float:
        """Return the seconds to wait now, and wait longer the next time."""
        whole = self._next
        self._next = min(whole * 2, self._ceiling)
        return self._random.uniform(whole / 2, whole)

    def reset(self) -> None:
        """Start again from the first delay."""
        self._next = self._first

    def slow_down(self) -> None:
        """Go straight to the ceiling: what failed will not heal by being asked again soon."""
        self._next = self._ceiling
