"""Market data of options beyond the desk's own chain: any underlying, any expiry, the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from common.clock import Clock
from common.contracts import AssetClass
from common.errors import BadArgument
from common.money import Price
from services.broker.library import Contracts, Library
from services.broker.published import Found, OptionListing, Snapshot
from services.market.calendar import SessionCalendar
from services.market.tape import Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Which contracts: without an expiry today's, or the next session's when today has none.

    until: the last expiry, for more than one. strikes and right: None is no bound.
    """

    underlying: str
    expiry: date | None = None
    until: date | None = None
    strike_from: Price | None = None
    strike_to: Price | None = None
    right: str | None = None
    root: str | None = None
    status: str = "active"
    limit: int = 100
    cursor: str | None = None


class OptionData(Tape):
    """What options trade at. Symbols are OCC's. The past holds trades and bars, no quotes."""

    def __init__(self, library: Library, clock: Clock, calendar: SessionCalendar) -> None:
        super().__init__(library, clock, AssetClass.OPTION)
        self._calendar = calendar

    async def contracts(self, wanted: Listed) -> Found[OptionListing]:
        """Return listed contracts, with what they closed at and their open interest."""
        return await self._library.contracts(await self._asked(wanted))

    async def chain(self, wanted: Listed, feed: str | None = None) -> Found[Snapshot]:
        """Return snapshots of contracts by symbol, with the broker's greeks where it has any."""
        return await self._library.chain(await self._asked(wanted), feed)

    async def _asked(self, wanted: Listed) -> Contracts:
        first = wanted.expiry or (await self._calendar.session()).day
        last = wanted.until or first
        if last < first:
            raise BadArgument(
                f"the last expiry {last} lies before the first, {first}",
                remedy="leave it out for one expiry",
            )
        return Contracts(
            underlying=wanted.underlying,
            first=first,
            last=last,
            strike_from=wanted.strike_from,
            strike_to=wanted.strike_to,
            right=wanted.right,
            root=wanted.root,
            status=wanted.status,
            limit=wanted.limit,
            cursor=wanted.cursor,
        )
