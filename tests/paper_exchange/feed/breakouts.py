"""Finds days of the synthetic market on which SPY has broken its opening range upward."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source
from paper_exchange.feed.synthetic import SyntheticSource

LEAST_BUFFER = Decimal("0.05")
BUFFER = Decimal("0.05")  # of the range's width


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakout:
    """How far the last closed minute stood above the range, and the bar it had to pass.

    Dollars per share; margin is what it cleared the bar by, negative when it did not.
    """

    width: Decimal
    above: Decimal
    margin: Decimal

    @property
    def triggered(self) -> bool:
        """Whether the minute closed beyond the range and its buffer."""
        return self.margin >= 0


def breakout(
    seed: int, day: date, calendar: Calendar, *, minutes: int = 15, after: int = 35
) -> Breakout:
    """Tell how SPY stands against the range of its first minutes, some minutes after the open."""
    session = calendar.session(day)
    assert session is not None
    source: Source = SyntheticSource(seed, calendar)
    bars = source.bars("SPY", session.open, session.open + timedelta(minutes=after), 1)
    high = max(bar.high for bar in bars[:minutes])
    width = high - min(bar.low for bar in bars[:minutes])
    above = bars[-1].close - high
    return Breakout(width=width, above=above, margin=above - max(LEAST_BUFFER, BUFFER * width))
