"""Days and paths of every listed asset, found by instant, built when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from common.errors import NoSuchContract
from paper_exchange.feed.assets import LISTINGS, Listing
from paper_exchange.feed.calendar import FIRST_DAY, LAST_DAY, Calendar
from paper_exchange.feed.synthetic_days import Days
from paper_exchange.feed.synthetic_path import TICK_US, Path
from paper_exchange.feed.synthetic_profile import variance_shares
from paper_exchange.feed.synthetic_random import Floats

_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_UTC_MINUTES: Final = 1440
_PATHS_CACHED: Final = 64


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as an asset sees it: which of its days, which tick, and how far into it."""

    index: int
    tick: int
    microsecond: int


class Market:
    """The synthetic market under one seed; the calendar gives its hours."""

    def __init__(
        self, seed: int, calendar: Calendar, listings: Sequence[Listing] = LISTINGS
    ) -> None:
        self.seed = seed
        self.calendar = calendar
        self.listings = tuple(listings)
        self._listings = {listing.symbol: listing for listing in listings}
        self.days = lru_cache(maxsize=None)(self._days)
        self.path = lru_cache(maxsize=_PATHS_CACHED)(self._path)

    def find(self, symbol: str) -> Listing | None:
        """Return how an asset trades, None when it is not listed."""
        return self._listings.get(symbol)

    def listing(self, symbol: str) -> Listing:
        """Return how an asset trades; raise NoSuchContract when it is not listed."""
        found = self._listings.get(symbol)
        if found is None:
            raise NoSuchContract(symbol)
        return found

    def index(self, listing: Listing, day: date) -> int:
        """Return the index of a day, or of the asset's next one."""
        if listing.round_the_clock:
            return day.toordinal() - FIRST_DAY.toordinal()
        return self.calendar.index(day)

    def started(self, at: datetime, round_the_clock: bool) -> int:
        """Return the index of the latest day, of one kind, that has begun; -1 before all."""
        if round_the_clock:
            return min(at.astimezone(UTC).date(), LAST_DAY).toordinal() - FIRST_DAY.toordinal()
        return self.calendar.started(at) - 1

    def day(self, listing: Listing, index: int) -> date:
        """Return the calendar day of one of the asset's days."""
        if listing.round_the_clock:
            return FIRST_DAY + index * _DAY
        return self.calendar.all[index].day

    def opens(self, listing: Listing, index: int) -> datetime:
        """Return when one of the asset's days begins."""
        if listing.round_the_clock:
            return datetime.combine(FIRST_DAY + index * _DAY, time(), UTC)
        return self.calendar.all[index].open

    def minutes(self, listing: Listing, index: int) -> int:
        """Return how many minutes one of the asset's days trades."""
        if listing.round_the_clock:
            return _UTC_MINUTES
        session = self.calendar.all[index]
        return (session.close - session.open) // timedelta(minutes=1)

    def moment(self, listing: Listing, at: datetime, index: int) -> Moment:
        """Return an instant counted from the open of a day; not bounded by its close."""
        elapsed = (at - self.opens(listing, index)) // _MICROSECOND
        return Moment(index, elapsed // TICK_US, elapsed % TICK_US)

    def profile(self, listing: Listing, index: int) -> Floats:
        """Return each minute's expected share of a day's variance."""
        minutes = self.minutes(listing, index)
        if listing.round_the_clock:
            return np.full(minutes, 1.0 / minutes)
        return variance_shares(minutes)

    def _days(self, listing: Listing) -> Days:
        if listing.round_the_clock:
            count = LAST_DAY.toordinal() - FIRST_DAY.toordinal() + 1
            ordinals = FIRST_DAY.toordinal() + np.arange(count)
            return Days(self.seed, listing, ordinals, np.full(count, _UTC_MINUTES))
        sessions = self.calendar.all
        ordinals = np.asarray([session.day.toordinal() for session in sessions])
        minutes = np.asarray([self.minutes(listing, i) for i in range(len(sessions))])
        return Days(self.seed, listing, ordinals, minutes)

    def _path(self, listing: Listing, index: int) -> Path:
        days = self.days(listing)
        return Path(
            self.seed,
            listing.symbol,
            self.day(listing, index).toordinal(),
            market=listing.market,
            log_open=float(days.log_open[index]),
            move=float(days.moves[index]),
            sigma=float(days.sigma[index]),
            shares=self.profile(listing, index),
        )
