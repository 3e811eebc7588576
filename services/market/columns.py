"""What leaves the chain cache: its columns at one instant, a quote of them, its counters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from common.contracts import OptionContract
from common.money import PRICE_SCALE, Price, from_scaled
from common.quotes import Quote

NEVER_NS: Final = -1  # received_ns of a contract nothing was ever received of


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCounters:
    """What became of the quotes offered since the process started.

    applied: kept. polled: of them, those that came by a REST poll. conflated: kept, then
    overwritten before anyone read them. reordered: older than the one held, dropped. insane:
    no market could quote so, dropped. crossed: bid above ask within reason; kept, so that the
    contract shows as crossed and nothing trades on it. unknown: of no contract held.
    """

    applied: int
    polled: int
    conflated: int
    reordered: int
    insane: int
    crossed: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Every contract's newest quote at one instant, by row. Copies: safe to keep.

    Prices are integers of $0.0001; received_ns is wall time, or NEVER_NS.
    """

    revision: int
    day: date
    contracts: tuple[OptionContract, ...]
    bid: Sequence[int]
    ask: Sequence[int]
    bid_size: Sequence[float]
    ask_size: Sequence[float]
    quoted_at: Sequence[datetime]
    received_ns: Sequence[int]

    def quote(self, row: int) -> Quote | None:
        """Return the quote of a row, None where nothing was ever received."""
        if self.received_ns[row] == NEVER_NS:
            return None
        return to_quote(
            self.bid[row],
            self.ask[row],
            self.bid_size[row],
            self.ask_size[row],
            self.quoted_at[row],
        )


def to_quote(bid: int, ask: int, bid_size: float, ask_size: float, quoted_at: datetime) -> Quote:
    """Return a quote of a column's integers of $0.0001: here they become money."""
    return Quote(
        bid=_price(bid),
        ask=_price(ask),
        bid_size=int(bid_size),
        ask_size=int(ask_size),
        at=quoted_at,
    )


@lru_cache(maxsize=65_536)
def _price(units: int) -> Price:
    """Return the decimal of a column's integer; a chain repeats few thousand of them."""
    return from_scaled(units, PRICE_SCALE)
