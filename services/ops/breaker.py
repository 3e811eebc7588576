"""Stop asking what keeps failing; ask once in a while whether it heals."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum

from common.clock import WallClock
from common.errors import BrokerRefused, BrokerUnavailable, OrderUncertain

FAILURES = (BrokerUnavailable, OrderUncertain)


class BreakerState(StrEnum):
    """Whether calls pass."""

    CLOSED = "closed"  # all of them
    OPEN = "open"  # none
    HALF_OPEN = "half_open"  # one probe


class Breaker:
    """Opens after so many failures in a window; each failed probe doubles the rest.

    Only what opens risk or asks for market data goes through one: a close, a cancel
    and a lookup are always tried. A refusal is an answer, not a failure.
    """

    def __init__(
        self,
        name: str,
        wall: WallClock,
        *,
        failures: int = 5,
        within: timedelta = timedelta(seconds=30),
        rest: timedelta = timedelta(seconds=5),
        rest_max: timedelta = timedelta(seconds=60),
    ) -> None:
        self.name = name
        self._wall = wall
        self._within = _ns(within)
        self._first_rest = self._rest = _ns(rest)
        self._rest_max = _ns(rest_max)
        self._failed: deque[int] = deque(maxlen=failures)
        self._open_until: int | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """Whether the next call would pass."""
        if self._open_until is None:
            return BreakerState.CLOSED
        if self._probing or self._wall.ns() < self._open_until:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    def end_rest(self) -> bool:
        """Let the next call through as a probe, now; return whether it was being held back.

        Nothing is forgiven: a probe that fails opens it again, for longer.
        """
        held = self._open_until is not None and not self._probing
        if held:
            self._open_until = self._wall.ns()
        return held

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let one call through and learn from it.

        Raises BrokerUnavailable, nothing having been sent, while open.
        """
        probe = self._admit()
        try:
            yield
        except FAILURES:
            self._failure(probe)
            raise
        except BrokerRefused:
            self._success(probe)
            raise
        except BaseException:  # canceled, or stopped by us: tells nothing of the broker
            self._probing &= not probe
            raise
        self._success(probe)

    def _admit(self) -> bool:
        state = self.state
        if state is BreakerState.OPEN:
            raise BrokerUnavailable(
                f"the broker failed repeatedly at {self.name} and is left alone for a while"
            )
        if state is BreakerState.HALF_OPEN:
            self._probing = True
        return state is BreakerState.HALF_OPEN

    def _failure(self, probe: bool) -> None:
        now = self._wall.ns()
        self._failed.append(now)
        if probe:
            self._probing = False
            self._rest = min(self._rest * 2, self._rest_max)
            self._open_until = now + self._rest
        elif self._too_many(now) and self._open_until is None:
            self._open_until = now + self._rest

    def _too_many(self, now: int) -> bool:
        return len(self._failed) == self._failed.maxlen and now - self._failed[0] <= self._within

    def _success(self, probe: bool) -> None:
        if probe:
            self._probing = False
            self._open_until = None
            self._rest = self._first_rest
            self._failed.clear()


def _ns(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000
