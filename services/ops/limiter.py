"""One request budget for the whole process, in which orders always have room."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from common.clock import NS, WallClock

BURST_SHARE = 0.2  # of a minute's requests may go at once
RESERVED_SHARE = 0.5  # of that burst only orders may use
STOPS_RESERVED = 1.0  # of it only a stop may use, where the burst is four or more


class Lane(StrEnum):
    """Who is asking."""

    STOPS = "stops"  # the cancel of everything: it waits for nobody
    ORDERS = "orders"  # orders, cancels, and the lookups that settle an unknown one
    READS = "reads"


class TokenBucket:
    """Requests per minute, never more in any minute than the broker allows.

    The burst counts against the minute: what refills is the rate less the burst, so
    an idle spell followed by a flood still keeps the limit. Reads stop while less than
    reserved tokens are left; orders and cancels may spend all but the last one, which is kept
    for a stop.
    """

    def __init__(
        self, rate_per_minute: int, wall: WallClock, *, reserved: float | None = None
    ) -> None:
        self._wall = wall
        self._burst = max(2.0, rate_per_minute * BURST_SHARE)
        self._per_ns = max(rate_per_minute - self._burst, 1.0) / 60 / NS
        self._reserved = self._burst * RESERVED_SHARE if reserved is None else reserved
        self._floor = {
            Lane.STOPS: 0.0,
            Lane.ORDERS: STOPS_RESERVED if self._burst >= 4 * STOPS_RESERVED else 0.0,
            Lane.READS: self._reserved,
        }
        self._tokens = self._burst
        self._filled_ns = wall.ns()
        self._turn = {lane: asyncio.Lock() for lane in Lane}

    @property
    def tokens(self) -> float:
        """Requests that orders could send at this instant."""
        self._refill()
        return self._tokens

    async def take(self, lane: Lane) -> None:
        """Wait for a token; first come, first served within a lane."""
        async with self._turn[lane]:
            while True:
                wait = self.try_take(lane)
                if wait == 0:
                    return
                await asyncio.sleep(wait)

    def try_take(self, lane: Lane) -> float:
        """Take a token and return 0, or take none and return the seconds until there is one."""
        self._refill()
        short = self._floor[lane] + 1 - self._tokens
        if short > 0:
            return short / self._per_ns / NS + 0.001  # a hair more: never wake a rounding early
        self._tokens -= 1
        return 0.0

    def drain(self) -> None:
        """Take from the reads what they had saved up: the broker says we ask too much."""
        self._refill()
        self._tokens = min(self._tokens, self._reserved)

    def _refill(self) -> None:
        now = self._wall.ns()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_ns) * self._per_ns)
        self._filled_ns = now
