"""The demo clock as a player: pause, play, speed. A stepped one has its rate, 0, and steps."""

from __future__ import annotations

from typing import Final

import msgspec

from paper_exchange.api.endpoint import Access, Call, Reply, reply
from paper_exchange.api.routes import Path, system
from paper_exchange.feed.clock import DemoClock, ExchangeClock
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.scalars import instant

RATE_MAX: Final = 10_000.0  # exchange seconds per second of wall time


class Speed(msgspec.Struct, frozen=True):
    """How fast to run from now on."""

    rate: float


class Playing:
    """Runs a demo clock for the holder of the admin key."""

    def __init__(self, clock: ExchangeClock) -> None:
        self._clock = clock
        self._rate = clock.rate or 1.0  # what play goes on with

    def paths(self) -> tuple[Path, ...]:
        """Return the routes; none for a clock that nobody runs."""
        if not isinstance(self._clock, DemoClock):
            return ()
        return (
            system("/admin/clock/pause", Access.ADMIN, POST=self.pause),
            system("/admin/clock/play", Access.ADMIN, POST=self.play),
            system("/admin/clock/speed", Access.ADMIN, POST=self.speed),
        )

    async def pause(self, call: Call) -> Reply:
        """Answer POST /admin/clock/pause: the clock stands, after a restart too."""
        return self._run(0.0)

    async def play(self, call: Call) -> Reply:
        """Answer POST /admin/clock/play: it runs on as fast as it did."""
        return self._run(self._rate)

    async def speed(self, call: Call) -> Reply:
        """Answer POST /admin/clock/speed {"rate": seconds per second}, and play."""
        try:
            wanted = msgspec.json.decode(call.body, type=Speed)
        except (ValueError, RecursionError) as e:
            raise BadParameter(f"invalid speed: {e}") from None
        if not 0 < wanted.rate <= RATE_MAX:
            raise BadParameter(f"rate must be above 0 and at most {RATE_MAX:.0f}")
        self._rate = wanted.rate
        return self._run(wanted.rate)

    def _run(self, rate: float) -> Reply:
        if isinstance(self._clock, DemoClock):
            self._clock.run_at(rate)
        return reply({"rate": self._clock.rate, "timestamp": instant(self._clock.now())})
