"""Which option contracts are listed on which day, and how many are open in each."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from math import exp, log
from typing import Final

from common.contracts import OptionContract, Right
from paper_exchange.feed.assets import Expiries, Listing
from paper_exchange.feed.synthetic_market import Market
from paper_exchange.feed.synthetic_random import key, one_normal

_EXPIRIES: Final = 5  # today's and the next four
_SPY_VOL: Final = 0.094
_WEEK: Final = timedelta(days=7)
_OPEN_INTEREST: Final = 1.1e-4  # at the money, per share of the underlying's daily volume
_REACH: Final = 0.03  # log moneyness over which it falls by a third
_ROUND: Final = ((100, 5.0), (50, 3.5), (25, 2.8), (10, 2.4), (5, 1.7))  # dollars, factor


class OptionListing:
    """The contracts of one underlying.

    A strike once listed stays listed: the strikes of an expiry span those around the money
    of every day since it was added.
    """

    def __init__(self, market: Market, listing: Listing) -> None:
        self._market, self._listing = market, listing
        self._days = [session.day for session in market.calendar.all]
        self.expiries = lru_cache(maxsize=64)(self._expiries)
        self.strikes = lru_cache(maxsize=256)(self._strikes)

    def contracts(self, index: int) -> tuple[OptionContract, ...]:
        """Return all contracts listed on a day, by expiry, strike and right."""
        step = self._listing.strike_step
        return tuple(
            OptionContract(
                underlying=self._listing.symbol,
                expiry=self._days[expiry],
                strike=count * step,
                right=right,
            )
            for expiry in self.expiries(index)
            for count in self.strikes(index, expiry)
            for right in Right
        )

    def expiry(self, index: int, contract: OptionContract) -> int | None:
        """Return the session a contract expires in, None when it is not listed on a day."""
        at = bisect_left(self._days, contract.expiry)
        if at not in self.expiries(index) or self._days[at] != contract.expiry:
            return None
        count = contract.strike / self._listing.strike_step
        return at if count == int(count) and int(count) in self.strikes(index, at) else None

    def open_interest(self, contract: OptionContract, index: int) -> int | None:
        """Return what was open before a day: most at round strikes near the money."""
        money = float(self._market.days(self._listing).log_open[index])
        away = abs(log(contract.strike) - money) / (_REACH * self._listing.vol / _SPY_VOL)
        noise = 0.5 * one_normal(key(self._market.seed, contract.symbol, "open", index // 5))
        size = _OPEN_INTEREST * self._listing.volume * _roundness(contract.strike)
        return int(size * exp(noise - away) / 2)

    def _expiries(self, index: int) -> tuple[int, ...]:
        """Return the sessions that contracts listed on a day expire in."""
        if self._listing.expiries is Expiries.DAILY:
            return tuple(range(index, min(index + _EXPIRIES, len(self._days))))
        monday = self._days[index] - timedelta(days=self._days[index].weekday())
        if self._week_end(monday) < index:
            monday += _WEEK
        ends = (self._week_end(monday + week * _WEEK) for week in range(_EXPIRIES))
        return tuple(dict.fromkeys(end for end in ends if end >= index))

    def _week_end(self, monday: date) -> int:
        """Return the last session of a week."""
        return bisect_left(self._days, monday + _WEEK) - 1

    def _listed_since(self, expiry: int) -> int:
        if self._listing.expiries is Expiries.DAILY:
            return max(expiry - _EXPIRIES + 1, 1)
        monday = self._days[expiry] - timedelta(days=self._days[expiry].weekday())
        return max(bisect_left(self._days, monday - (_EXPIRIES - 1) * _WEEK), 1)

    def _strikes(self, index: int, expiry: int) -> range:
        """Return the listed strikes of an expiry, counted in strike steps."""
        first = self._listed_since(expiry)
        closes = self._market.days(self._listing).log_close[first - 1 : max(index, first)]
        step = float(self._listing.strike_step)
        lowest, highest = (round(exp(value) / step) for value in (closes.min(), closes.max()))
        width = self._listing.strikes
        return range(max(lowest - width, 1), highest + width + 1)


def _roundness(strike: Decimal) -> float:
    return next((factor for unit, factor in _ROUND if strike % unit == 0), 1.0)
