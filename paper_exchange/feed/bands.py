"""Limit up and limit down: the price bands that a day's prints put around a stock.

By the National Market System Plan to Address Extraordinary Market Volatility, as amended up
to its Amendment 18: section V and appendix A.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Final

from common.money import ZERO, Price, cent
from common.quotes import Trade
from common.session import Session
from paper_exchange.feed.assets import LISTINGS

WINDOW: Final = timedelta(minutes=5)  # of the prints whose mean is the reference
MOVED: Final = Decimal("0.01")  # share by which that must move to be taken
HELD: Final = timedelta(seconds=30)  # for which a reference holds at least
LAST: Final = timedelta(minutes=25)  # of the session, in which some bands are twice as wide

_THREE: Final = Decimal(3)
_SMALL: Final = Decimal("0.75")
_SMALL_SHARE: Final = Decimal("0.20")
_LEAST_SHARE: Final = Decimal("0.75")
_LEAST: Final = Decimal("0.15")


class Tier(Enum):
    """The plan's two kinds of stock, by the share of the reference above $3."""

    ONE = Decimal("0.05")  # the S&P 500, the Russell 1000 and listed exchange traded products
    TWO = Decimal("0.10")


class Why(StrEnum):
    """The consolidated tape's indicator of a band."""

    OPENING = "A"
    INTRADAY = "B"
    RESTATED = "C"
    REOPENING = "E"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Between what prices a stock may trade, and since when."""

    lower: Price
    upper: Price
    why: Why
    at: datetime


def tier_of(symbol: str) -> Tier:
    """Return the tier: one for what the synthetic market lists, two for what is not known."""
    return Tier.ONE if any(listing.symbol == symbol for listing in LISTINGS) else Tier.TWO


def width(tier: Tier, close: Price, reference: Price, *, last: bool) -> Price:
    """Return how far a band lies from its reference, dollars.

    close is the stock's of the day before, by which the plan chooses the parameter. last is
    whether the session's last 25 minutes run, when it doubles but for tier 2 above $3.
    """
    if close > _THREE:
        away = reference * tier.value
    elif close >= _SMALL:
        away = reference * _SMALL_SHARE
    else:
        away = min(_LEAST, reference * _LEAST_SHARE)
    return away * 2 if last and (tier is Tier.ONE or close <= _THREE) else away


class DayBands:
    """One stock's bands through one session, as its prints move them.

    The mean is looked at with each print. close None: that of the day before is not known,
    and the first print stands for it.
    """

    def __init__(self, session: Session, tier: Tier, close: Price | None) -> None:
        self._session, self._tier, self._close = session, tier, close
        self._window: deque[Trade] = deque()
        self._sum = ZERO
        self._reference: Price | None = None
        self._since = session.open
        self._doubled = False
        self._first = Why.OPENING

    def advance(self, prints: Iterable[Trade], until: datetime) -> list[Band]:
        """Take the next prints and the time up to an instant; return the new bands, by time."""
        found = []
        for trade in prints:
            if self._session.open <= trade.at < self._session.close:
                found += self._double(trade.at)
                found += self._print(trade)
        return found + self._double(min(until, self._session.close))

    def reopen(self) -> None:
        """Begin anew after a halt: the next print is the reference."""
        self._window.clear()
        self._sum, self._reference, self._first = ZERO, None, Why.REOPENING

    def standing(self, at: datetime) -> Band | None:
        """Return the band in effect, told again; None before the first print."""
        return None if self._reference is None else self._band(self._reference, Why.RESTATED, at)

    def _print(self, trade: Trade) -> list[Band]:
        self._window.append(trade)
        self._sum += trade.price
        while self._window[0].at <= trade.at - WINDOW:
            self._sum -= self._window.popleft().price
        if self._reference is None:
            self._close = self._close or trade.price
            return self._refer(trade.price, self._first, trade.at)
        mean = self._sum / len(self._window)
        moved = abs(mean - self._reference) >= MOVED * self._reference
        if not moved or trade.at - self._since < HELD:
            return []
        return self._refer(mean, Why.INTRADAY, trade.at)

    def _refer(self, reference: Price, why: Why, at: datetime) -> list[Band]:
        self._reference, self._since = reference, at
        return [self._band(reference, why, at)]

    def _double(self, at: datetime) -> list[Band]:
        """Return the wider band if the last minutes have begun by an instant."""
        begins = self._session.close - LAST
        if self._doubled or at < begins:
            return []
        before = self.standing(begins)
        self._doubled = True
        if before is None or self._reference is None:
            return []
        band = self._band(self._reference, Why.INTRADAY, begins)
        return [band] if (band.lower, band.upper) != (before.lower, before.upper) else []

    def _band(self, reference: Price, why: Why, at: datetime) -> Band:
        away = width(self._tier, self._close or reference, reference, last=self._doubled)
        return Band(
            lower=cent(max(reference - away, ZERO)), upper=cent(reference + away), why=why, at=at
        )
