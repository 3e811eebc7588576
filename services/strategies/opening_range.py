"""The opening-range breakout: buy a call above the morning's high, or a put below its low."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from common.contracts import Right
from common.errors import MarketDataMissing, NotTriggered
from common.exits import ExitTerms, parse_exit
from common.money import CENT, Price, ceil_to_tick
from common.orders import Leg, OrderIntent, PositionIntent
from common.quotes import Bar, DeltaPick, MarketView, OpeningRange
from common.session import NEW_YORK, new_york, new_york_text
from services.strategies.base import Proposal, Request, natural_limit
from services.strategies.choice import (
    achieved,
    dollars,
    forward_warning,
    label,
    market,
    misses,
    nearest_delta,
    neighbours,
)

RANGES = (5, 15, 30, 60)  # minutes
MINUTE = timedelta(minutes=1)
BAR_AGE_MAX = timedelta(minutes=2)  # since the last bar closed; older is no trigger
BUFFER_LEAST = Decimal("0.05")
BUFFER_SHARE = Decimal("0.05")  # of the range
QUIET, WILD = Decimal("0.0015"), Decimal("0.01")  # ranges of spot outside which it rarely works
LATE = timedelta(minutes=15)  # after the break; from then on it is chased
STOP_SHARE = "50%"  # of the premium
TARGET = 2  # times what the stop risks, in the underlying


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRangeBreakout(Request):
    """Buy one same-day contract once a minute has closed beyond the opening range.

    minutes: length of the range. delta: of the contract bought, without sign. last_entry: New
    York wall time after which nothing is entered. entries_max: in one session and direction.
    """

    right: Right
    minutes: int = 15
    delta: float = 0.30
    last_entry: time = time(12)
    entries_max: int = 1

    def __post_init__(self) -> None:
        """Refuse parameters that are no breakout, by ValueError."""
        self.require_size()
        sizes = self.minutes in RANGES and self.entries_max >= 1
        if not sizes or not 0 < self.delta < 1:
            raise ValueError(f"not an opening-range breakout: {self!r}")

    @property
    def name(self) -> str:
        """The name its orders carry."""
        return f"orb_long_{self.right.name.lower()}"

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return self.contracts

    def propose(self, view: MarketView) -> Proposal:
        """Return the order to buy at its natural price, if the range is broken.

        Raises RangeIncomplete before the range has ended or with a minute missing,
        NotTriggered with the level and the last close, and what nearest_delta raises.
        """
        span = view.opening_range(self.minutes)
        self._require_window(view)
        bar = self._require_break(view, span)
        pick = nearest_delta(view, self.right, self.delta)
        legs = (Leg(contract=pick.row.contract, intent=PositionIntent.BUY_TO_OPEN),)
        limit = natural_limit(legs, view)
        return Proposal(
            intent=OrderIntent(strategy=self.name, legs=legs, qty=self.qty, limit=limit),
            facts=self._facts(view, span, bar, pick),
            warnings=self._warnings(view, span, pick),
            narrower=self.fewer(),
            entries_max=self.entries_max,
            exits=self.exits(self._exits(view.chain.underlying, span, bar)),
        )

    def level(self, span: OpeningRange) -> Price:
        """Return the price a minute must close beyond: the edge of the range and a buffer.

        The buffer is the larger of 5 cents and 5% of the range, rounded away from it.
        """
        buffer = ceil_to_tick(max(BUFFER_LEAST, BUFFER_SHARE * span.width), CENT)
        return span.high + buffer if self._up else span.low - buffer

    def _exits(self, underlying: str, span: OpeningRange, bar: Bar) -> ExitTerms:
        """Stop at the other side of the range or at half the premium, target twice that way."""
        stop = span.low if self._up else span.high
        target = bar.close + TARGET * (bar.close - stop)
        lost, won = ("<", ">") if self._up else (">", "<")
        return ExitTerms(
            stop=parse_exit(f"{underlying}{lost}{dollars(stop)} or {STOP_SHARE}"),
            target=parse_exit(f"{underlying}{won}{dollars(target)}"),
        )

    @property
    def _up(self) -> bool:
        return self.right is Right.CALL

    def _require_window(self, view: MarketView) -> None:
        until = new_york(view.session.day, self.last_entry)
        if view.now >= until:
            raise NotTriggered(
                f"the entry window of the breakout ended at {new_york_text(until)}",
                remedy="nothing was done; the next window is in the next session",
            )

    def _require_break(self, view: MarketView, span: OpeningRange) -> Bar:
        """Return the last closed bar if it closed beyond the level; one not closed says nothing."""
        last = _closed(view)[-1]  # the range's own bars have closed
        if view.now - (last.at + MINUTE) > BAR_AGE_MAX:
            raise MarketDataMissing(
                f"the last closed one-minute bar is of {_clock(last.at)}, it is "
                f"{new_york_text(view.now)}"
            )
        level = self.level(span)
        if not self._beyond(last, level):
            raise NotTriggered(
                f"needs a 1-minute close {'above' if self._up else 'below'} {dollars(level)}, "
                f"last close {dollars(last.close)} at {_clock(last.at + MINUTE)}, "
                f"{dollars(abs(level - last.close))} away; the {self.minutes}-minute range is "
                f"{dollars(span.low)} to {dollars(span.high)}"
            )
        return last

    def _beyond(self, bar: Bar, level: Price) -> bool:
        return bar.close > level if self._up else bar.close < level

    def _first_break(self, view: MarketView, span: OpeningRange) -> datetime:
        """Return when the session first closed beyond the level."""
        level, end = self.level(span), view.session.open + self.minutes * MINUTE
        return next(
            bar.at + MINUTE for bar in _closed(view) if bar.at >= end and self._beyond(bar, level)
        )

    def _facts(
        self, view: MarketView, span: OpeningRange, bar: Bar, pick: DeltaPick
    ) -> tuple[tuple[str, str], ...]:
        contract = pick.row.contract
        return (
            ("range", f"{dollars(span.low)} to {dollars(span.high)}, first {self.minutes} min"),
            ("trigger", f"a 1-minute close beyond {dollars(self.level(span))}"),
            ("trigger bar", f"closed {dollars(bar.close)} at {_clock(bar.at + MINUTE)} New York"),
            ("first break", f"{_clock(self._first_break(view, span))} New York"),
            ("contract", label(contract)),
            ("expiry", contract.expiry.isoformat()),
            ("delta", achieved(pick)),
            ("strikes near", neighbours(pick)),
            ("market", market(pick.row)),
        )

    def _warnings(self, view: MarketView, span: OpeningRange, pick: DeltaPick) -> tuple[str, ...]:
        found = ["breakouts of the opening range have no proven edge after costs"]
        share = span.width / view.spot.mid if view.spot.two_sided else None
        if share is not None and not QUIET <= share <= WILD:
            found.append(
                f"the range is {share:.2%} of the price; it is usually traded between "
                f"{QUIET:.2%} and {WILD:.2%}"
            )
        broken = self._first_break(view, span)
        if view.now - broken > LATE:
            found.append(f"the range was first broken at {_clock(broken)}: this entry is late")
        return (*found, *misses(pick), *forward_warning(view))


def _closed(view: MarketView) -> list[Bar]:
    """Return the session's minutes that have closed, oldest first."""
    inside = (bar for bar in view.bars if bar.at >= view.session.open)
    return sorted((bar for bar in inside if bar.at + MINUTE <= view.now), key=lambda bar: bar.at)


def _clock(at: datetime) -> str:
    return at.astimezone(NEW_YORK).strftime("%H:%M")
