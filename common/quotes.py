"""Market data values: quotes, bars, greeks, a chain at one instant, what a strategy sees."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from common.contracts import OptionContract, Right
from common.errors import NoSuchContract, QuoteUnusable, RangeIncomplete, StaleQuote
from common.money import Price
from common.pricing.moves import MoveHistory
from common.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best bid and ask of one symbol. A missing side has price and size 0."""

    bid: Price
    ask: Price
    bid_size: int  # contracts or shares
    ask_size: int
    at: datetime  # when the exchange says it was quoted

    @property
    def mid(self) -> Price:
        """Halfway between bid and ask; meaningful only when two_sided."""
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> Price:
        """Ask less bid; negative when crossed."""
        return self.ask - self.bid

    @property
    def two_sided(self) -> bool:
        """Whether both sides are there and do not cross."""
        return 0 < self.bid <= self.ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One print."""

    price: Price
    size: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Open, high, low, close and volume of one interval; at is its start."""

    at: datetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: int
    vwap: Price
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Sensitivities of one contract, per share of the underlying; statistics, so floats.

    delta per $1, gamma per $1 squared, theta per minute of trading, vega per vol
    point (0.01). iv is on the 98,280-minute trading clock, iv_calendar on 525,600.
    delta_low and delta_high are the deltas at the implied vols of bid and ask.
    """

    delta: float
    gamma: float
    theta: float
    vega: float
    iv: float
    iv_calendar: float
    delta_low: float
    delta_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRow:
    """One contract of a chain: its quote, how old it is, and our greeks or why not.

    age is wall time since we received the quote. flag is a pricing QuoteFlag value:
    "ok", or what is wrong with the quote. greeks is None when they cannot be had.
    """

    contract: OptionContract
    quote: Quote | None
    age: timedelta | None
    flag: str
    greeks: Greeks | None
    open_interest: int | None = None  # contracts, at the previous day's end; None is untold

    def fresh(self, age_max: timedelta) -> Quote:
        """Return the quote if it is two-sided and young enough to trade on.

        Raises QuoteUnusable or StaleQuote, naming this contract.
        """
        if self.quote is None or self.age is None or not self.quote.two_sided:
            raise QuoteUnusable(self.contract.symbol, self.flag)
        if self.age > age_max:
            raise StaleQuote(self.contract.symbol, age=self.age, age_max=age_max)
        return self.quote


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaPick:
    """The contract nearest a wanted delta, with its neighbours: strikes are coarse late."""

    row: ChainRow
    target: float  # signed as the right is
    achieved: float
    below: ChainRow | None  # next lower strike with greeks
    above: ChainRow | None


@dataclass(frozen=True, kw_only=True)
class ChainSnapshot:
    """All contracts of one underlying and expiry at one instant, immutable.

    rows are sorted by (strike, right); both rights of a strike are present. minutes is
    trading minutes to the close of the underlying; forward_source says how the forward
    was had ("parity" or "spot").
    """

    underlying: str
    expiry: date
    at: datetime  # market time
    spot: Price
    forward: float
    forward_source: str
    minutes: float
    feed: str
    rows: tuple[ChainRow, ...]
    strikes: tuple[float, ...] = field(default=())  # of the smile's knots
    total_vols: tuple[float, ...] = field(default=())  # at the knots, sigma * sqrt(T)

    @cached_property
    def _by_symbol(self) -> Mapping[str, ChainRow]:
        return {row.contract.symbol: row for row in self.rows}

    @cached_property
    def _by_right(self) -> Mapping[Right, tuple[ChainRow, ...]]:
        return {
            right: tuple(row for row in self.rows if row.contract.right is right) for right in Right
        }

    def side(self, right: Right) -> tuple[ChainRow, ...]:
        """Return the calls or the puts, by rising strike."""
        return self._by_right[right]

    def find(self, contract: OptionContract) -> ChainRow | None:
        """Return one contract's row, or None when it is not listed."""
        return self._by_symbol.get(contract.symbol)

    def row(self, contract: OptionContract) -> ChainRow:
        """Return one contract's row; raise NoSuchContract when it is not listed."""
        found = self.find(contract)
        if found is None:
            raise NoSuchContract(contract.symbol)
        return found

    def at_strike(self, right: Right, strike: Price) -> ChainRow:
        """Return the contract of a right at a strike; raise NoSuchContract."""
        return self.row(
            OptionContract(
                underlying=self.underlying, expiry=self.expiry, strike=strike, right=right
            )
        )

    def by_delta(self, right: Right, target: float) -> DeltaPick:
        """Return the contract whose delta is nearest a target given without sign (0.30).

        Only contracts with greeks take part, an unknown delta is never 0. Binary search:
        delta falls with the strike for both rights. Raises NoSuchContract when none has
        greeks.
        """
        priced = [row for row in self.side(right) if row.greeks is not None]
        if not priced:
            raise NoSuchContract(
                f"{self.underlying} {self.expiry} {right.name.lower()} with greeks"
            )
        wanted = abs(target) if right is Right.CALL else -abs(target)
        at = bisect_left(priced, -wanted, key=lambda row: -_delta(row))
        best = min(
            range(max(at - 1, 0), min(at + 1, len(priced) - 1) + 1),
            key=lambda i: abs(_delta(priced[i]) - wanted),
        )
        return DeltaPick(
            row=priced[best],
            target=wanted,
            achieved=_delta(priced[best]),
            below=priced[best - 1] if best > 0 else None,
            above=priced[best + 1] if best + 1 < len(priced) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRange:
    """High and low of the first minutes of the session, wicks included."""

    minutes: int
    high: Price
    low: Price

    @property
    def width(self) -> Price:
        """High less low."""
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class ExDividend:
    """A cash dividend: who holds the share at the close before ex_date gets it. Dollars a share."""

    ex_date: date
    amount: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """Everything a strategy may look at, at one instant. bars: this session's minutes.

    moves: the underlying's past sessions, None while none are known. next_day: of the session
    after this one. ex_dividends: of the coming days; None while not known.
    """

    now: datetime
    session: Session
    spot: Quote
    chain: ChainSnapshot
    bars: tuple[Bar, ...]
    moves: MoveHistory | None = field(default=None, compare=False)
    next_day: date | None = None
    ex_dividends: tuple[ExDividend, ...] | None = None

    def opening_range(self, minutes: int) -> OpeningRange:
        """Return the range of the first minutes, from their one-minute bars.

        Raises RangeIncomplete before the range has ended or when a minute is missing.
        """
        end = self.session.open + timedelta(minutes=minutes)
        if self.now < end:
            raise RangeIncomplete(minutes, until=end)
        inside = [bar for bar in self.bars if self.session.open <= bar.at < end]
        if len({bar.at for bar in inside}) < minutes:
            raise RangeIncomplete(minutes, missing=minutes - len({bar.at for bar in inside}))
        return OpeningRange(
            minutes=minutes,
            high=max(bar.high for bar in inside),
            low=min(bar.low for bar in inside),
        )


def _delta(row: ChainRow) -> float:
    return row.greeks.delta if row.greeks is not None else float("nan")


def natural(legs: Iterable[tuple[int, Quote]]) -> Price:
    """Return the net price of taking every leg at the far touch, per share.

    legs are (signed ratio, quote): positive buys at the ask, negative sells at the
    bid. Positive is a debit, negative a credit.
    """
    return sum(
        (ratio * (quote.ask if ratio > 0 else quote.bid) for ratio, quote in legs), Decimal(0)
    )


def net_mid(legs: Iterable[tuple[int, Quote]]) -> Price:
    """Return the net price of the legs at their mids, signed like natural()."""
    return sum((ratio * quote.mid for ratio, quote in legs), Decimal(0))
