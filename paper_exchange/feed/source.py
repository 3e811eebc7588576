"""The port through which the exchange sees a market, and what it lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Protocol, TypeAlias

from common.contracts import AssetClass, OptionContract
from common.money import Price
from common.quotes import Bar, Greeks, Quote, Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Something listed that is not an option contract.

    exchange is the broker's name of it ("ARCA", "NASDAQ", "CRYPTO"). min_order_size,
    qty_increment and price_increment are given for coins only, in coins and dollars.
    """

    symbol: str
    name: str
    exchange: str
    asset_class: AssetClass
    attributes: tuple[str, ...] = ()
    marginable: bool = True
    shortable: bool = True
    fractionable: bool = True
    min_order_size: Decimal | None = None
    qty_increment: Decimal | None = None
    price_increment: Decimal | None = None

    @property
    def has_options(self) -> bool:
        """Whether option contracts are listed on it."""
        return "has_options" in self.attributes


class HaltKind(StrEnum):
    """Why trading in a stock is stopped for a while."""

    HALT = "halt"
    LULD = "luld"  # a limit-up limit-down pause


@dataclass(frozen=True, slots=True)
class Latest:
    """The standing quotes, last prints and newest bars of some symbols, for now and a while."""

    symbols: Sequence[str]


@dataclass(frozen=True, slots=True)
class Listed:
    """The contracts listed on some underlyings."""

    underlyings: Sequence[str]


class Series(Enum):
    """What a history is of."""

    QUOTES = "quotes"
    TRADES = "trades"
    BARS = "bars"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The first limit items of [start, end) of one symbol, the last ones when descending.

    minutes is the length of bars, as Source.bars takes it.
    """

    series: Series
    symbol: str
    start: datetime
    end: datetime
    limit: int
    descending: bool = False
    minutes: int = 1


@dataclass(frozen=True, slots=True)
class Closes:
    """The official closes of some underlyings on a day."""

    underlyings: Sequence[str]
    day: date


Need: TypeAlias = Latest | Listed | Closes


class Source(Protocol):
    """A market whose every answer is a function of what is asked, the same in any order.

    A market that is asked over a network answers from what it has: have it prepare() first.

    Instants are aware UTC. Nothing here blocks. A symbol that is not listed, or not
    trading at the instant asked for and not before it on that day, has no quote: None.
    Outside hours a stock or an option shows the last quote of its latest session.
    """

    @property
    def name(self) -> str:
        """The feed's name as clients see it."""
        ...

    @property
    def lag(self) -> timedelta:
        """How long after it was made the last print or bar may become known; 0 at once."""
        ...

    @property
    def whole_tape(self) -> bool:
        """Whether trades() tells every print, so that means of them can be taken."""
        ...

    def trouble(self) -> str | None:
        """Return why nothing new is known, None while all is well."""
        ...

    async def prepare(self, need: Need) -> None:
        """Return once what is needed can be asked for; MarketDataMissing when it cannot be had.

        Nothing is to be prepared where every answer is at hand.
        """
        ...

    async def load(self, past: Past) -> Past:
        """Return the stretch of a window that can now be asked for whole, once it can.

        The first one, or the last when descending; the window itself where every answer is at
        hand. Raises MarketDataMissing when it cannot be had.
        """
        ...

    def assets(self) -> tuple[Asset, ...]:
        """Return what is listed, options apart; the same for as long as the process runs."""
        ...

    def followed(self) -> Collection[str]:
        """Return the listed symbols whose quotes are at hand: what a star on a stream means."""
        ...

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """Return the quote standing at an instant; its own `at` is when it was made.

        A side nobody quotes has price 0 and size 0.
        """
        ...

    def quotes(self, symbols: Sequence[str], at: datetime) -> list[Quote | None]:
        """Return the standing quotes of many symbols, in their order, in one pass."""
        ...

    def fresh(self, symbol: str, quote: Quote, at: datetime) -> bool:
        """Whether a quote of ours is known to stand at an instant, so that it may be traded on."""
        ...

    def changes(
        self, symbols: Sequence[str], since: datetime, until: datetime
    ) -> list[tuple[str, Quote]]:
        """Return every quote made in (since, until], by time, then in the order asked.

        Meant for windows of seconds: near the money a contract is quoted several times in one.
        """
        ...

    def quote_history(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Quote]:
        """Return at most limit quotes made in [start, end), by time."""
        ...

    def halted(self, symbol: str, at: datetime) -> HaltKind | None:
        """Return why trading in a symbol is stopped, None when it is not.

        An option's is with its stock's.
        """
        ...

    def trade(self, symbol: str, at: datetime) -> Trade | None:
        """Return the latest print at an instant; an option's is of that day, or None."""
        ...

    def trades(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Trade]:
        """Return at most limit prints of [start, end), by time."""
        ...

    def bars(self, symbol: str, start: datetime, end: datetime, minutes: int) -> list[Bar]:
        """Return the bars of whole minutes that begin in [start, end), by time.

        Bars are counted from the session's open and stamped with their first minute; 390
        gives one bar a day (1440 for a coin). end is taken as the present: a minute not over
        by it is left out. Minutes without a trade have none. Days of stocks cost 2 to 3 ms
        each when first asked for: fetch long ranges in a thread.
        """
        ...

    def spot(self, underlying: str, at: datetime) -> Price:
        """Return the last price of a stock or coin, on the cent.

        Raises NoSuchContract when it is not listed.
        """
        ...

    def official_close(self, underlying: str, day: date) -> Price:
        """Return the price a session closed at, by which options of that day settle.

        Raises MarketDataMissing when the day has no session.
        """
        ...

    def contracts(self, underlying: str, day: date) -> tuple[OptionContract, ...]:
        """Return the contracts listed on a day, by expiry, strike and right."""
        ...

    def open_interest(self, contract: OptionContract, day: date) -> int | None:
        """Return the contracts open at the end of the session before a day, None if not known."""
        ...

    def greeks(self, symbol: str, at: datetime) -> tuple[float, Greeks] | None:
        """Return implied volatility (calendar clock) and greeks at the quote's mid.

        None for what is not an option, and once it has expired.
        """
        ...


class AtHand:
    """What a Source has to say of itself when every answer is at hand."""

    lag = timedelta(0)
    whole_tape = True

    def trouble(self) -> None:
        """Return None: it needs nobody."""

    async def prepare(self, need: Need) -> None:
        """Do nothing."""

    async def load(self, past: Past) -> Past:
        """Return the window as it is."""
        return past

    def fresh(self, symbol: str, quote: Quote, at: datetime) -> bool:
        """Return True: what it says to stand stands."""
        return True
