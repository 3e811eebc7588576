"""Faults on demand: what the holder of the admin key may make go wrong, and how often.

Nothing of this exists in an exchange without an admin key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from common.clock import Clock
from common.ids import AccountId, Ids
from paper_exchange.api.endpoint import NOTHING, Access, Call, Reply, reply
from paper_exchange.api.routes import Path, system
from paper_exchange.engine.updates import OrderUpdate
from paper_exchange.wire.errors import BadParameter

SECONDS_MAX: Final = 3600.0
TIMES_MAX: Final = 1_000_000
FAULTS_MAX: Final = 100

Publish: TypeAlias = Callable[[AccountId, OrderUpdate], None]


class Kind(StrEnum):
    """What goes wrong."""

    DELAY = "delay"  # a request waits so many seconds before it is looked at
    TOO_MANY = "429"  # refused before it is looked at
    BROKEN = "500"  # the same
    DROP = "drop"  # the connection dies before the request is looked at
    TIMEOUT_AFTER_ACCEPT = "timeout_after_accept"  # done, silence for so many seconds, then dead
    DROP_SOCKETS = "drop_sockets"  # every stream connection there is dies, once
    HALF_OPEN = "half_open"  # streams stay connected; nothing is read, nothing is sent
    LATE_UPDATES = "late_updates"  # a trade update is told so many seconds after its time
    DUPLICATED_UPDATES = "duplicated_updates"  # told twice
    REORDERED_UPDATES = "reordered_updates"  # told after the one that follows it
    STALE_FEED = "stale_feed"  # market data stands still; the exchange goes on trading


REQUESTS: Final = (Kind.DELAY, Kind.TOO_MANY, Kind.BROKEN, Kind.DROP, Kind.TIMEOUT_AFTER_ACCEPT)
UPDATES: Final = (Kind.LATE_UPDATES, Kind.DUPLICATED_UPDATES, Kind.REORDERED_UPDATES)
STANDING: Final = (Kind.HALF_OPEN, Kind.STALE_FEED)  # until they are cleared


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault as it is asked for.

    times: requests or updates it strikes, 0 until cleared. seconds: of wall time. method,
    path: which requests; a path begins so.
    """

    kind: Kind
    times: int = 1
    seconds: float = 1.0
    method: str = ""
    path: str = "/"


class Fault(msgspec.Struct, kw_only=True):
    """A fault in force. left: strikes to come, None without end; since: exchange time."""

    id: str
    wanted: Wanted
    left: int | None
    since: datetime


class Faults:
    """The faults in force, oldest first; the first that fits strikes."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock, self._ids = clock, ids
        self._faults: list[Fault] = []
        self.on_change: list[Callable[[Fault | None], None]] = []

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            system(
                "/admin/faults", Access.ADMIN, GET=self.listed, POST=self.plan, DELETE=self.clear
            ),
        )

    async def listed(self, call: Call) -> Reply:
        """Answer GET /admin/faults."""
        return reply([_shown(fault) for fault in self._faults])

    async def plan(self, call: Call) -> Reply:
        """Answer POST /admin/faults with the fault now in force."""
        try:
            wanted = msgspec.json.decode(call.body, type=Wanted)
        except (ValueError, RecursionError) as e:
            raise BadParameter(f"invalid fault: {e}") from None
        if not 0 <= wanted.times <= TIMES_MAX or not 0 <= wanted.seconds <= SECONDS_MAX:
            raise BadParameter(f"times is 0 to {TIMES_MAX}, seconds 0 to {SECONDS_MAX:.0f}")
        if len(self._faults) >= FAULTS_MAX:
            raise BadParameter(f"{FAULTS_MAX} faults are in force: clear them first")
        fault = Fault(
            id=self._ids.uuid(),
            wanted=wanted,
            left=None if wanted.times == 0 or wanted.kind in STANDING else wanted.times,
            since=self._clock.now(),
        )
        if wanted.kind is not Kind.DROP_SOCKETS:
            self._faults.append(fault)
        self._tell(fault)
        return reply(_shown(fault))

    async def clear(self, call: Call) -> Reply:
        """Answer DELETE /admin/faults: none is in force."""
        self._faults.clear()
        self._tell(None)
        return NOTHING

    def of_request(self, method: str, path: str) -> Wanted | None:
        """Return what strikes a request, counting it."""
        return self._struck(
            lambda wanted: (
                wanted.kind in REQUESTS
                and wanted.method in ("", method)
                and path.startswith(wanted.path)
            )
        )

    def of_update(self) -> Wanted | None:
        """Return what strikes a trade update, counting it."""
        return self._struck(lambda wanted: wanted.kind in UPDATES)

    def standing(self, kind: Kind) -> Fault | None:
        """Return the fault of a kind that lasts until it is cleared, None when there is none."""
        return next((fault for fault in self._faults if fault.wanted.kind is kind), None)

    def _struck(self, fits: Callable[[Wanted], bool]) -> Wanted | None:
        for fault in self._faults:
            if fits(fault.wanted):
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left == 0:
                        self._faults.remove(fault)
                return fault.wanted
        return None

    def _tell(self, fault: Fault | None) -> None:
        for listener in self.on_change:
            listener(fault)


class FaultyUpdates:
    """Stands before a hub's publish: tells late, twice, or in another order."""

    def __init__(self, publish: Publish, faults: Faults) -> None:
        self._publish, self._faults = publish, faults
        self._kept: dict[AccountId, list[OrderUpdate]] = {}

    def publish(self, account: AccountId, update: OrderUpdate) -> None:
        """Tell an update as the faults in force will have it."""
        struck = self._faults.of_update()
        loop = asyncio.get_running_loop()
        if struck is not None and struck.kind is Kind.REORDERED_UPDATES:
            self._kept.setdefault(account, []).append(update)
            loop.call_later(struck.seconds, self._release, account)  # none may follow
            return
        if struck is not None and struck.kind is Kind.LATE_UPDATES:
            loop.call_later(struck.seconds, self._publish, account, update)
            return
        self._publish(account, update)
        if struck is not None:
            self._publish(account, update)
        self._release(account)

    def _release(self, account: AccountId) -> None:
        for kept in self._kept.pop(account, ()):
            self._publish(account, kept)


class StaleClock:
    """The clock of whoever serves market data: it stands while the feed is stale."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock, self._faults = clock, faults

    def now(self) -> datetime:
        """Return the time, or when the feed went stale."""
        stale = self._faults.standing(Kind.STALE_FEED)
        return self._clock.now() if stale is None else stale.since


def _shown(fault: Fault) -> dict[str, object]:
    wanted = fault.wanted
    return {
        "id": fault.id,
        "kind": wanted.kind.value,
        "left": fault.left,
        "method": wanted.method,
        "path": wanted.path,
        "seconds": wanted.seconds,
    }
