"""Three Treasury securities at synthetic yields, priced by the street convention.

The yield of a security is a level that rises with its time to maturity, and a walk of the
session that all of them share; it is a function of seed and instant. Price in percent of par is
the sum of the semiannual coupons and the par, discounted at it (Fabozzi, Fixed Income
Mathematics, ch. 5), less the interest accrued since the last coupon: the clean price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp
from typing import Final

from common.session import Session
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.synthetic_random import key, one_normal

_HALF_YEAR: Final = 182.625  # days
_STEP: Final = timedelta(minutes=5)
_LEVEL, _RISE = 3.9, 1.0  # percent at once, and what is added in the long run
_DAY_MOVE, _STEP_MOVE = 0.045, 0.004  # percent, standard deviations
_MEMORY: Final = 20  # sessions whose moves are still felt
_HALF_SPREAD: Final = 0.006  # percent of yield, to either side


@dataclass(frozen=True, slots=True)
class Treasury:
    """A security of the Treasury; coupon: percent a year, paid in halves."""

    isin: str
    coupon: float
    matures: date


@dataclass(frozen=True, slots=True, kw_only=True)
class BondQuote:
    """Clean prices in percent of par and the yields they mean, as of an instant."""

    bid: float
    bid_yield: float
    ask: float
    ask_yield: float
    at: datetime


TREASURIES: Final = (
    Treasury("US91282CJZ59", 4.0, date(2034, 2, 15)),
    Treasury("US912810SK51", 2.375, date(2049, 11, 15)),
    Treasury("US912810TX63", 4.25, date(2054, 2, 15)),
)


class Treasuries:
    """Securities by ISIN; quoted every five minutes of a session, as last quoted after it."""

    def __init__(self, listed: Sequence[Treasury], calendar: Calendar, seed: int) -> None:
        self._listed = {treasury.isin: treasury for treasury in listed}
        self._calendar, self._seed = calendar, seed

    def quote(self, isin: str, at: datetime) -> BondQuote | None:
        """Return the standing quote; None for what is not listed, or has matured."""
        treasury = self._listed.get(isin)
        session = self._session(at)
        if treasury is None or treasury.matures <= session.day:
            return None
        step = (min(at, session.close) - session.open) // _STEP
        middle = self._yield(treasury, session, step)
        bid, ask = middle + _HALF_SPREAD, middle - _HALF_SPREAD
        return BondQuote(
            bid=clean_price(treasury, session.day, bid),
            bid_yield=bid,
            ask=clean_price(treasury, session.day, ask),
            ask_yield=ask,
            at=session.open + step * _STEP,
        )

    def _session(self, at: datetime) -> Session:
        """Return the latest session that has opened."""
        return self._calendar.all[self._calendar.started(at) - 1]

    def _yield(self, treasury: Treasury, session: Session, step: int) -> float:
        years = (treasury.matures - session.day).days / 365.25
        index = self._calendar.index(session.day)
        moves = (
            exp(-ago / _MEMORY) * one_normal(key(self._seed, "yield", index - ago))
            for ago in range(1, 3 * _MEMORY)
        )
        today = (one_normal(key(self._seed, "yield", index, n)) for n in range(1, step + 1))
        level = _LEVEL + _RISE * (1 - exp(-years / 8))
        return level + _DAY_MOVE * sum(moves) + _STEP_MOVE * sum(today)


def clean_price(treasury: Treasury, day: date, percent: float) -> float:
    """Return the clean price, percent of par, at a yield to maturity in percent."""
    halves = (treasury.matures - day).days / _HALF_YEAR
    coupons = int(halves) + 1
    first = halves - int(halves)  # half years to the next coupon
    discount = 1 + percent / 200
    coupon = treasury.coupon / 2
    paid = sum(coupon * pow(discount, -first - n) for n in range(coupons))
    return float(paid + 100 * pow(discount, -halves) - coupon * (1 - first))
