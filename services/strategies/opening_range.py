"""The opening-range breakout: buy a call above the morning's high, or a put below its low."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal

from common.contracts import Right
from common.errors import MarketDataMissing, NotTriggered
from common.money import CENT, Price, ceil_to_tick, plain
from common.orders import Leg, OrderIntent, PositionIntent
from common.quotes import Bar, DeltaPick, MarketView, OpeningRange
from common.session import NEW_YORK, new_york, new_york_text
from services.strategies.base import Proposal, natural_limit, nearest_delta, neighbours

RANGES = (5, 15, 30, 60)  # minutes
MINUTE = timedelta(minutes=1)
BAR_AGE_MAX = timedelta(minutes=2)  # since the last bar closed; older is no trigger
BUFFER_LEAST = Decimal("0.05")
BUFFER_SHARE = Decimal("0.05")  # of the range
QUIET, WILD = Decimal("0.0015"), Decimal("0.01")  # ranges of spot outside which it rarely works


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRangeBreakout:
    """Buy one same-day contract once a minute has closed beyond the opening range.

    minutes: length of the range. delta: of the contract bought, without sign. last_entry: New
    York wall time after which nothing is entered.
    """

    right: Right
    minutes: int = 15
    delta: float = 0.30
    qty: int = 1
    last_entry: time = time(12)

    def __post_init__(self) -> None:
        """Refuse parameters that are no breakout, by ValueError."""
        if self.minutes not in RANGES or self.qty < 1 or not 0 < self.delta < 1:
            raise ValueError(f"not an opening-range breakout: {self!r}")

    @property
    def name(self) -> str:
        """The name its orders carry."""
        return f"orb_long_{self.right.name.lower()}"

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return f"contracts={self.qty}"

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
            facts=self._facts(span, bar, pick),
            warnings=self._warnings(view, span, pick),
            narrower=tuple(replace(self, qty=qty) for qty in range(self.qty - 1, 0, -1)),
        )

    def level(self, span: OpeningRange) -> Price:
        """Return the price a minute must close beyond: the edge of the range and a buffer.

        The buffer is the larger of 5 cents and 5% of the range, rounded away from it.
        """
        buffer = ceil_to_tick(max(BUFFER_LEAST, BUFFER_SHARE * span.width), CENT)
        return span.high + buffer if self._up else span.low - buffer

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
        closed = [
            bar for bar in view.bars if bar.at >= view.session.open and bar.at + MINUTE <= view.now
        ]
        last = max(closed, key=lambda bar: bar.at)  # the range's own bars have closed
        if view.now - (last.at + MINUTE) > BAR_AGE_MAX:
            raise MarketDataMissing(
                f"the last closed one-minute bar is of {_clock(last.at)}, it is "
                f"{new_york_text(view.now)}"
            )
        level = self.level(span)
        if not (last.close > level if self._up else last.close < level):
            raise NotTriggered(
                f"needs a 1-minute close {'above' if self._up else 'below'} {_dollars(level)}, "
                f"last close {_dollars(last.close)} at {_clock(last.at + MINUTE)}; the "
                f"{self.minutes}-minute range is {_dollars(span.low)} to {_dollars(span.high)}"
            )
        return last

    def _facts(self, span: OpeningRange, bar: Bar, pick: DeltaPick) -> tuple[tuple[str, str], ...]:
        contract = pick.row.contract
        return (
            ("range", f"{_dollars(span.low)} to {_dollars(span.high)}, first {self.minutes} min"),
            ("trigger", f"a 1-minute close beyond {_dollars(self.level(span))}"),
            ("trigger bar", f"closed {_dollars(bar.close)} at {_clock(bar.at + MINUTE)} New York"),
            ("contract", f"{plain(contract.strike)} {contract.right.name.lower()}"),
            ("expiry", contract.expiry.isoformat()),
            ("delta", f"{pick.achieved:+.3f}, wanted {pick.target:+.2f}"),
            ("strikes near", neighbours(pick)),
        )

    def _warnings(self, view: MarketView, span: OpeningRange, pick: DeltaPick) -> tuple[str, ...]:
        found = ["breakouts of the opening range have no proven edge after costs"]
        share = span.width / view.spot.mid if view.spot.two_sided else None
        if share is not None and not QUIET <= share <= WILD:
            found.append(
                f"the range is {share:.2%} of the price; it is usually traded between "
                f"{QUIET:.2%} and {WILD:.2%}"
            )
        if abs(pick.achieved - pick.target) > 0.05:
            found.append(f"the delta is {abs(pick.achieved - pick.target):.3f} from the wanted one")
        if view.chain.forward_source != "parity":
            found.append(f"the forward is {view.chain.forward_source}, not from put-call parity")
        return tuple(found)


def _clock(at: datetime) -> str:
    return at.astimezone(NEW_YORK).strftime("%H:%M")


def _dollars(price: Price) -> str:
    return f"{price:.2f}"
