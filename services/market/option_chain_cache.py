"""Today's option chain in memory: the newest quote of every contract, conflated.

One writer at a time (the quote stream, or a poll), many readers, one event loop, no lock.
Columns are lists indexed by row, because a scalar write into a list is the fastest there is:
prices are integers of $0.0001, and a Decimal is made only when a quote leaves. Row 2i is the
call and row 2i + 1 the put of the i-th strike, so a right is a slice with a step of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from common.clock import WallClock
from common.contracts import OptionContract, Right
from common.errors import MarketDataMissing, NoSuchContract, QuoteUnusable, StaleQuote
from common.money import PRICE_SCALE
from common.quotes import Quote
from services.market.columns import NEVER_NS, CacheCounters, Columns, to_quote
from services.market.wire import QuoteMessage

_PRICE_MOST: Final = 100_000.0  # dollars per share; beyond it is no option price
_SIZE_MOST: Final = 1e9  # contracts
_CROSS_LEAST: Final = 0.50  # dollars a market may be crossed for a moment and be a market
_CROSS_FRACTION: Final = 0.10  # of the bid, likewise
_NEVER: Final = datetime(1, 1, 2, tzinfo=UTC)
_SAME: Final = timedelta(milliseconds=1)  # the two ways of reading a stamp round it differently


class OptionChainCache:
    """The quotes of one underlying's contracts that expire on one day."""

    def __init__(self, wall: WallClock) -> None:
        self._wall = wall
        self._applied = self._polled = self._conflated = 0
        self._reordered = self._insane = self._crossed = self._unknown = 0
        self._generation = 0
        self.expire()

    @property
    def day(self) -> date | None:
        """The expiry held, None when there is none."""
        return self._day

    @property
    def contracts(self) -> tuple[OptionContract, ...]:
        """Every contract held, by row: rising strike, the call before the put."""
        return self._contracts

    @property
    def revision(self) -> int:
        """A number that grows with every change."""
        return self._applied + self._generation

    def load(self, day: date, contracts: Iterable[OptionContract]) -> None:
        """Hold these contracts, which all expire on day; what was held of another is dropped.

        Quotes survive a reload of the same day. A strike listed on one side only is left out:
        half a strike has no parity. Raises ValueError for a contract of another expiry.
        """
        wanted = set(contracts)
        if strange := [c.symbol for c in wanted if c.expiry != day]:
            raise ValueError(f"{len(strange)} contracts do not expire on {day}: {strange[0]}")
        listed = tuple(
            sorted(
                (c for c in wanted if _twin(c) in wanted),
                key=lambda c: (c.underlying, c.strike, c.right),
            )
        )
        before = self.columns() if day == self._day else None
        self._hold(day, listed)
        if before is not None:
            self._restore(before)

    def expire(self) -> None:
        """Drop everything: nothing of a day that is over is served."""
        self._hold(None, ())

    def apply(self, quotes: Iterable[QuoteMessage], received_ns: int) -> None:
        """Keep quotes off the wire, in order, each unless the one held is newer or it is none.

        received_ns: wall time. The hot path: everything in it is a local name, and what is
        rare is judged elsewhere.
        """
        rows, horizon = self._rows, self._horizon
        bids, asks, bid_sizes, ask_sizes = self._bid, self._ask, self._bid_size, self._ask_size
        times, received, unread = self._quoted_at, self._received_ns, self._unread
        applied = conflated = 0
        for quote in quotes:
            row = rows.get(quote.symbol)
            if row is None:
                self._unknown += 1
                continue
            bid, ask = quote.bid or 0.0, quote.ask or 0.0
            bid_size, ask_size = quote.bid_size or 0, quote.ask_size or 0
            # Chained comparisons refuse nan, infinities, negatives and crossed markets.
            if not (
                0.0 <= bid <= ask <= _PRICE_MOST
                and 0 <= bid_size <= _SIZE_MOST
                and 0 <= ask_size <= _SIZE_MOST
            ) and not self._tolerable(bid, ask, bid_size, ask_size):
                continue
            at = quote.at
            if not times[row] <= at < horizon:
                self._count_time(at)
                continue
            bids[row], asks[row] = round(bid * PRICE_SCALE), round(ask * PRICE_SCALE)
            bid_sizes[row], ask_sizes[row] = bid_size, ask_size
            times[row], received[row] = at, received_ns
            applied += 1
            if unread[row]:
                conflated += 1
            else:
                unread[row] = True
        self._applied += applied
        self._conflated += conflated

    def confirm(self, quotes: Mapping[str, Quote], received_ns: int) -> None:
        """Take what a poll says are the latest quotes.

        It refreshes the age of a quote that is still the same, and never replaces a newer one:
        a poll is slower than the stream, so being behind it is nothing to count.
        """
        before = self._applied
        for symbol, quote in quotes.items():
            row = self._rows.get(symbol)
            if row is None:
                self._unknown += 1
            elif quote.at >= (held := self._quoted_at[row]) - _SAME and quote.at < self._horizon:
                message = _message(symbol, quote, max(quote.at, held))
                self.apply((message,), max(received_ns, self._received_ns[row]))
        self._polled += self._applied - before

    def row_of(self, symbol: str) -> int:
        """Return a contract's row; raise NoSuchContract when it is not held."""
        row = self._rows.get(symbol)
        if row is None:
            raise NoSuchContract(symbol)
        return row

    def leg(self, contract: OptionContract, *, age_max: timedelta, unbid: bool = False) -> Quote:
        """Return one contract's newest quote if it may be traded on.

        unbid: also where nobody bids. Raises MarketDataMissing when the contract's expiry is not
        the one held, NoSuchContract, QuoteUnusable, or StaleQuote when THIS contract's quote is
        too old.
        """
        if contract.expiry != self._day:
            raise MarketDataMissing(f"no chain of {contract.expiry} is held, only of {self._day}")
        row = self.row_of(contract.symbol)
        least = 0 if unbid else 1
        if not (least <= self._bid[row] <= self._ask[row] and self._ask[row] > 0):
            raise QuoteUnusable(contract.symbol, self._fault(row))
        age = self._age(row)
        if age > age_max:
            raise StaleQuote(contract.symbol, age=age, age_max=age_max)
        self._unread[row] = False
        return to_quote(
            self._bid[row],
            self._ask[row],
            self._bid_size[row],
            self._ask_size[row],
            self._quoted_at[row],
        )

    def ages(self, symbols: Iterable[str]) -> list[timedelta]:
        """Return how long ago each contract's quote was received, of those that have one."""
        rows = (self._rows.get(symbol) for symbol in symbols)
        return [
            self._age(row) for row in rows if row is not None and self._received_ns[row] != NEVER_NS
        ]

    def columns(self) -> Columns:
        """Return a copy of the quotes, marked as read; raise MarketDataMissing without a day."""
        if self._day is None:
            raise MarketDataMissing("no option chain is held")
        self._unread = [False] * len(self._contracts)
        return Columns(
            revision=self.revision,
            day=self._day,
            contracts=self._contracts,
            bid=self._bid.copy(),
            ask=self._ask.copy(),
            bid_size=self._bid_size.copy(),
            ask_size=self._ask_size.copy(),
            quoted_at=self._quoted_at.copy(),
            received_ns=self._received_ns.copy(),
        )

    def counters(self) -> CacheCounters:
        """Return what became of the quotes offered so far."""
        return CacheCounters(
            applied=self._applied,
            polled=self._polled,
            conflated=self._conflated,
            reordered=self._reordered,
            insane=self._insane,
            crossed=self._crossed,
            unknown=self._unknown,
        )

    def _tolerable(self, bid: float, ask: float, bid_size: float, ask_size: float) -> bool:
        """Judge a quote that is not plainly good; count it as crossed or insane."""
        known = (
            0.0 <= bid <= _PRICE_MOST
            and 0.0 <= ask <= _PRICE_MOST
            and 0 <= bid_size <= _SIZE_MOST
            and 0 <= ask_size <= _SIZE_MOST
        )
        if known and ask == 0:  # nobody offers
            return True
        if known and bid - ask <= max(_CROSS_LEAST, _CROSS_FRACTION * bid):
            self._crossed += 1
            return True
        self._insane += 1
        return False

    def _count_time(self, quoted_at: datetime) -> None:
        # A stamp days ahead would outrank every true quote after it.
        if quoted_at >= self._horizon:
            self._insane += 1
        else:
            self._reordered += 1

    def _fault(self, row: int) -> str:
        if self._received_ns[row] == NEVER_NS:
            return "never quoted"
        return "crossed" if self._bid[row] > self._ask[row] > 0 else "one-sided"

    def _age(self, row: int) -> timedelta:
        return timedelta(microseconds=(self._wall.ns() - self._received_ns[row]) / 1000)

    def _hold(self, day: date | None, contracts: tuple[OptionContract, ...]) -> None:
        size = len(contracts)
        self._generation += 1
        self._day = day
        self._contracts = contracts
        self._horizon = (
            datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=2) if day else _NEVER
        )
        self._rows = {contract.symbol: row for row, contract in enumerate(contracts)}
        self._bid, self._ask = [0] * size, [0] * size
        self._bid_size: list[float] = [0] * size
        self._ask_size: list[float] = [0] * size
        self._quoted_at = [_NEVER] * size
        self._received_ns = [NEVER_NS] * size
        self._unread = [False] * size

    def _restore(self, before: Columns) -> None:
        """Take over the quotes of the contracts that are still held."""
        for old, contract in enumerate(before.contracts):
            row = self._rows.get(contract.symbol)
            if row is None:
                continue
            self._bid[row], self._ask[row] = before.bid[old], before.ask[old]
            self._bid_size[row] = before.bid_size[old]
            self._ask_size[row] = before.ask_size[old]
            self._quoted_at[row] = before.quoted_at[old]
            self._received_ns[row] = before.received_ns[old]


def _twin(contract: OptionContract) -> OptionContract:
    """Return the contract of the other right at the same strike."""
    return replace(contract, right=Right.PUT if contract.is_call else Right.CALL)


def _message(symbol: str, quote: Quote, at: datetime) -> QuoteMessage:
    return QuoteMessage(
        symbol=symbol,
        at=at,
        bid=float(quote.bid),
        ask=float(quote.ask),
        bid_size=quote.bid_size,
        ask_size=quote.ask_size,
    )
