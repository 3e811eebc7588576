"""Notices what has changed since the last look, and streams that are lost or back."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from common.clock import MonotonicClock, Stopwatch
from common.errors import MarketError
from services.market.stream_stats import StreamState
from services.ops.events import Kind, Topic
from services.portfolio.exposure import build_exposure

if TYPE_CHECKING:
    from services.runtime.services import Services

LOOK_EVERY: Final = timedelta(milliseconds=250)
SLOWLY: Final = timedelta(seconds=1)  # chain and risk move all the time
RECENT: Final = 50  # orders looked at
CONFIRMED: Final = 3  # looks in a row that a stream must be away: a reconnect is no loss
_LOST = frozenset({StreamState.CONNECTING, StreamState.STALE, StreamState.REFUSED})
_SLOW = frozenset({Topic.CHAIN, Topic.RISK})


class ChangeWatch:
    """Compares what is known several times a second; asks nobody."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: dict[Topic, Hashable] = {}
        self._slow = Stopwatch(MonotonicClock())
        self._streams = {
            "order": _Link("opening is refused until it is back"),
            "option quote": _Link("quotes are polled until it is back"),
        }

    async def watch(self) -> None:
        """Look, for ever."""
        while True:
            self.look(slow=self._slow.elapsed() >= SLOWLY)
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    def look(self, *, slow: bool) -> None:
        """Tell the hub which topics differ from the last look."""
        if slow:
            self._slow.reset()
        now = self._quick() | (self._slowly() if slow else {})
        events = self._services.events
        events.touch(*(topic for topic, print_ in now.items() if self._seen.get(topic) != print_))
        self._seen |= now
        self._look_at_streams()

    def _quick(self) -> dict[Topic, Hashable]:
        services = self._services
        orders = tuple(
            (one.client_order_id, one.status, one.filled_qty, one.working)
            for one in services.store.recent(RECENT)
        )
        others = tuple((one.id, one.status, one.filled_qty) for one in services.tracker.external)
        exits = tuple((one.client_order_id, one.state) for one in services.exits.armed())
        filled = tuple((name, qty) for name, _, qty, _ in orders)
        return {
            Topic.ORDERS: (orders, others, exits),
            Topic.POSITIONS: (filled, self._held(), services.tracker.heard),
            Topic.JOURNAL: (filled, exits),
        }

    def _slowly(self) -> dict[Topic, Hashable]:
        services = self._services
        counters = services.chain.status().counters
        try:
            chain: Hashable = (counters.applied, services.chain.snapshot().spot)
        except MarketError as e:
            chain = str(e)
        book = services.portfolio.repriced()
        exposure = None if book is None else build_exposure(book, services.tracker.pending())
        pnl = None if exposure is None else exposure.session_pnl
        return {
            Topic.CHAIN: chain,
            Topic.RISK: (
                services.kill_switch.halt(),
                tuple(map(str, services.kill_switch.causes())),
                services.risk_watch.blind(),
                self._held(),
                None if pnl is None else round(pnl),
            ),
        }

    def _held(self) -> Hashable:
        book = self._services.portfolio.repriced()
        return None if book is None else tuple((one.symbol, one.qty) for one in book.positions)

    def _look_at_streams(self) -> None:
        services = self._services
        state = services.chain.status().stream.state
        here = {
            "order": services.tracker.connected,
            "option quote": state is StreamState.LIVE,
        }
        meant = {"order": True, "option quote": state in _LOST}
        for name, link in self._streams.items():
            told = link.look(up=here[name], down=not here[name] and meant[name])
            if told is not None:
                services.events.publish(Kind.STREAM, f"the {name} stream {told}")


class _Link:
    """Whether a stream that was up is away for longer than a moment."""

    def __init__(self, meaning: str) -> None:
        self._meaning = meaning
        self._up = False
        self._away = 0

    def look(self, *, up: bool, down: bool) -> str | None:
        """Return what is new, None for nothing."""
        self._away = self._away + 1 if down else 0
        if self._up and self._away >= CONFIRMED:
            self._up = False
            return f"is lost: {self._meaning}"
        back = up and not self._up
        self._up = self._up or up
        return "is up" if back else None
