"""What is held, by the opening order it came from: the account read, our records beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from common.clock import Clock
from common.ids import ClientOrderId
from common.portfolio import Position
from common.session import trading_day
from services.broker.reader import BrokerReader
from services.execution.attribution import Attribution, Contracts, attribute, held_of
from services.execution.exit_judge import Standing
from services.execution.records import GONE, OrderRecord
from services.execution.store import DeskStore


@dataclass(frozen=True, slots=True)
class Recorded:
    """What our records come to: contracts by opening order, and the orders that closed some."""

    owned: Mapping[ClientOrderId, Contracts]
    closings: tuple[OrderRecord, ...]

    def standing(self, record: OrderRecord) -> Standing | None:
        """Return how the position of an opening order stands, None when there is none."""
        name = record.client_order_id
        own = [closing for closing in self.closings if closing.parent == name]
        return Standing.of(record, self.owned.get(name, {}), own)


class Holdings:
    """Attributes positions to our opening orders of the day."""

    def __init__(self, store: DeskStore, reader: BrokerReader, clock: Clock) -> None:
        self._store = store
        self._reader = reader
        self._clock = clock
        self._kept: tuple[tuple[int, date], Recorded] | None = None

    @property
    def today(self) -> date:
        """The trading day it is."""
        return trading_day(self._clock.now())

    async def read(self) -> Attribution:
        """Read the positions and attribute them. Raises what the reader raises."""
        return self.of(await self._reader.positions())

    def of(self, positions: Sequence[Position]) -> Attribution:
        """Attribute positions that were just read."""
        openings = self.openings()
        return attribute(openings, self.closings(openings), held_of(positions))

    def recorded(self) -> Recorded:
        """Attribute what our own records come to, asking nobody; kept while nothing changes."""
        key = (self._store.revision, self.today)
        if self._kept is None or self._kept[0] != key:
            openings = self.openings()
            closings = self.closings(openings)
            owned = attribute(openings, closings, None).owned
            self._kept = key, Recorded(owned, closings)
        return self._kept[1]

    def openings(self) -> tuple[OrderRecord, ...]:
        """Return our opening orders that filled today, oldest first: what they trade expires.

        One whose position somebody else has closed holds nothing any more, whatever is
        opened in the same contracts later.
        """
        of_today = self._store.of_day(self.today)
        opened = (record for record in of_today if record.filled_qty and record.intent.opens)
        return tuple(record for record in opened if not self._gone(record))

    def _gone(self, record: OrderRecord) -> bool:
        plan = self._store.exit_plan(record.client_order_id)
        return plan is not None and plan.cause == GONE

    def closings(self, openings: Sequence[OrderRecord]) -> tuple[OrderRecord, ...]:
        """Return the orders that close what these opened."""
        return self._store.closings(record.client_order_id for record in openings)
