"""How much the underlying moved today, and how much it may yet, from its minute bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from math import isfinite, log, nan, sqrt
from typing import Final

import numpy as np

from common.pricing.moves import MoveHistory
from common.pricing.normal import Floats
from common.quotes import Bar, MarketView

STEP: Final = 5  # minutes: shorter returns measure the bounce between bid and ask
STEPS_LEAST: Final = 3
DAYS_SHORT: Final = 20
DAYS_LONG: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Expected total volatility from now to the close, by what it was taken from."""

    source: str
    total_vol: float


def realised_vol(bars: Sequence[Bar]) -> float:
    """Return the total volatility of a session so far, NaN before 15 minutes of it.

    The root of summed squared 5-minute log returns of closes, averaged over the five ways to
    lay them, so that no single minute decides.
    """
    closes = [float(bar.close) for bar in bars]
    sums = []
    for start in range(STEP):
        taken = closes[start::STEP]
        squares = [log(after / before) ** 2 for before, after in pairwise(taken)]
        if len(squares) >= STEPS_LEAST:
            # Scaled up to the minutes that this way of laying them leaves out.
            sums.append(sum(squares) * (len(closes) - 1) / (len(squares) * STEP))
    return sqrt(sum(sums) / len(sums)) if sums else nan


def forecasts(view: MarketView) -> tuple[Forecast, ...]:
    """Return what the rest of the session may move, each forecast on its own; none, empty.

    today: realised so far, carried on by the share of a day's variance that past days had
    before and after this minute. The medians: of the same window on past days.
    """
    if view.moves is None:
        return ()
    start = view.session.minutes_since_open(view.now)
    left = view.chain.minutes
    past = view.moves.realised(start, left)
    found = [
        Forecast(source="today carried on", total_vol=_carried_on(view, view.moves, start, past)),
        *(
            Forecast(source=f"median of {days} days", total_vol=_median(past, days))
            for days in (DAYS_SHORT, DAYS_LONG)
        ),
    ]
    return tuple(one for one in found if isfinite(one.total_vol) and one.total_vol > 0)


def blend(found: Iterable[Forecast]) -> float:
    """Return the mean of forecast variances as a total volatility, NaN of none."""
    squares = [one.total_vol**2 for one in found]
    return sqrt(sum(squares) / len(squares)) if squares else nan


def _carried_on(view: MarketView, moves: MoveHistory, start: float, past: Floats) -> float:
    bars = [bar for bar in view.bars if bar.at + timedelta(minutes=1) <= view.now]
    so_far = realised_vol(bars)
    if not isfinite(so_far):
        return nan
    before = moves.realised(0.0, start)
    with np.errstate(all="ignore"):
        ratio = (past / before)[-DAYS_LONG:]
    known = ratio[np.isfinite(ratio)]
    return so_far * float(np.median(known)) if known.size >= DAYS_SHORT else nan


def _median(past: Floats, days: int) -> float:
    known = past[np.isfinite(past)][-days:]
    return float(np.median(known)) if known.size >= days else nan
