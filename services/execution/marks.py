"""How far each open trade goes for us and against us, looked at each second.

The best and the worst are kept durably, so that a restart goes on from them. Marks are at
mid, before fees; while a leg has no fresh two-sided quote there is no mark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

from common.contracts import OptionContract
from common.errors import MarketError
from common.ids import ClientOrderId
from common.money import Price
from common.quotes import ChainSnapshot
from services.execution.journal_store import Excursion, JournalStore
from services.execution.round_trips import RoundTrip, round_trips
from services.execution.store import DeskStore

LOOK_EVERY = timedelta(seconds=1)


class TradeMarks:
    """Samples the marks of open trades. chain: the market now, or a MarketError."""

    def __init__(
        self,
        store: DeskStore,
        journal: JournalStore,
        chain: Callable[[], ChainSnapshot],
        quote_age_max: timedelta,
    ) -> None:
        self._store = store
        self._journal = journal
        self._chain = chain
        self._age_max = quote_age_max
        self._kept: dict[ClientOrderId, Excursion] = {}

    async def watch(self) -> None:
        """Look, for ever."""
        self._kept = dict(self._journal.excursions())
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self) -> None:
        """Mark every open trade once and keep whatever went further than before."""
        trips = self._open()
        if not trips:
            return
        try:
            chain = self._chain()
        except MarketError:
            return  # nothing to mark by
        wider = {}
        for trip in trips:
            mark = trip.marked(self._mids(trip, chain))
            if mark is None:
                continue
            name = trip.opening.client_order_id
            start = Excursion(best=mark, best_at=chain.at, worst=mark, worst_at=chain.at)
            before = self._kept.get(name)
            after = start if before is None else before.widened(mark, chain.at)
            if after is not before:
                wider[name] = after
        if wider:
            await self._journal.keep_excursions(wider)
            self._kept |= wider

    def _open(self) -> tuple[RoundTrip, ...]:
        """Return the trades that an exit still watches."""
        names = [plan.client_order_id for plan in self._store.exits()]
        found = [record for name in names if (record := self._store.order(name)) is not None]
        trips = round_trips([*found, *self._store.closings(names)]) if found else ()
        return tuple(trip for trip in trips if trip.held)

    def _mids(self, trip: RoundTrip, chain: ChainSnapshot) -> Mapping[OptionContract, Price]:
        mids = {}
        for contract in trip.held:
            row = chain.find(contract)
            if row is None:
                continue
            try:
                mids[contract] = row.fresh(self._age_max).mid
            except MarketError:
                continue
        return mids
