"""The cash dividends of the synthetic market: a calendar of them, the same for every seed.

Each payer pays one amount a quarter. Funds go ex on the third Friday of March, June, September
and December and pay at the end of the month after; companies go ex on the second Monday of
February, May, August and November and pay ten days later. Whoever holds the shares at the
close before the ex-date is meant; the record date is the ex-date, as settlement is T+1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from paper_exchange.feed.calendar import Calendar

FRIDAY, MONDAY = 4, 0
_DECLARED_BEFORE: Final = timedelta(days=28)
_PAID_AFTER: Final = timedelta(days=10)
_REACH: Final = timedelta(days=100)  # from declaring to paying, and to spare


@dataclass(frozen=True, slots=True, kw_only=True)
class Dividend:
    """A cash dividend of a company or fund; rate in dollars a share."""

    id: str
    symbol: str
    cusip: str
    rate: Decimal
    declared: date
    ex_date: date
    payable: date


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, and how much a quarter."""

    cusip: str
    rate: Decimal
    fund: bool


PAYERS: Final[Mapping[str, Payer]] = {
    "SPY": Payer("78462F103", Decimal("1.85"), fund=True),
    "QQQ": Payer("46090E103", Decimal("0.72"), fund=True),
    "IWM": Payer("464287655", Decimal("0.68"), fund=True),
    "AAPL": Payer("037833100", Decimal("0.26"), fund=False),
    "MSFT": Payer("594918104", Decimal("0.91"), fund=False),
    "GOOG": Payer("02079K107", Decimal("0.21"), fund=False),
}


class Dividends:
    """What payers announce; without any, nothing ever is."""

    def __init__(self, payers: Mapping[str, Payer], calendar: Calendar) -> None:
        self._payers, self._calendar = payers, calendar

    def between(self, first: date, last: date, by: Callable[[Dividend], date]) -> list[Dividend]:
        """Return the dividends one of whose dates lies from first through last, by that date."""
        opened, closed = self._calendar.all[0].day, self._calendar.all[-1].day
        near = self._ex_between(
            max(first, opened + 2 * _REACH) - _REACH, min(last, closed - 2 * _REACH) + _REACH
        )
        found = (dividend for dividend in near if first <= by(dividend) <= last)
        return sorted(found, key=lambda dividend: (by(dividend), dividend.symbol))

    def _ex_between(self, first: date, last: date) -> Iterator[Dividend]:
        for year in range(first.year, last.year + 1):
            for month in range(1, 13):
                if not first <= date(year, month, 28) <= last:
                    continue
                for symbol, payer in self._payers.items():
                    if month % 3 == (0 if payer.fund else 2):
                        yield self._dividend(symbol, payer, year, month)

    def _dividend(self, symbol: str, payer: Payer, year: int, month: int) -> Dividend:
        weekday, number = (FRIDAY, 3) if payer.fund else (MONDAY, 2)
        ex = self._session(_nth(year, month, weekday, number))
        paid = _month_end(ex + timedelta(days=31)) if payer.fund else ex + _PAID_AFTER
        return Dividend(
            id=str(uuid5(NAMESPACE_OID, f"dividend {symbol} {ex}")),
            symbol=symbol,
            cusip=payer.cusip,
            rate=payer.rate,
            declared=self._session(ex - _DECLARED_BEFORE),
            ex_date=ex,
            payable=self._session(paid),
        )

    def _session(self, day: date) -> date:
        """Return the day, or the next one with a session."""
        return self._calendar.on_or_after(day).day


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
