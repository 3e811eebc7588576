"""The synthetic market: every price a function of seed, symbol and instant, and nothing else.

There is no state to lose: asked twice, in any order, before or after a restart, it gives
the same answer. What is kept is kept for speed only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from common.contracts import OptionContract
from common.errors import MarketDataMissing, NoSuchContract
from common.money import Price
from common.quotes import Bar, Greeks, Quote, Trade
from common.session import trading_day
from paper_exchange.feed.assets import Expiries
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.greeks import greeks_of
from paper_exchange.feed.source import Asset, AtHand, HaltKind
from paper_exchange.feed.synthetic_market import Market
from paper_exchange.feed.synthetic_options import Book, Quotes
from paper_exchange.feed.synthetic_pit import Pit
from paper_exchange.feed.synthetic_tape import MINUTE_US, Bars, Prints

_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = timedelta(minutes=1)
_NO_TIME: Final = timedelta(0)
_LAYOUTS_CACHED: Final = 1024
_EVER: Final = 10**12  # microseconds since the open: after any day's last print


@dataclass(frozen=True, slots=True)
class _Group:
    """Symbols that are quoted together: one asset, or contracts of one expiry."""

    pit: Pit
    index: int
    book: Book | None
    expiry: date | None
    places: tuple[int, ...]  # in the list asked for


class SyntheticSource(AtHand):
    """A Source without a source: see paper_exchange.feed.source for what each answer means."""

    name = "indicative"

    def __init__(self, seed: int, calendar: Calendar) -> None:
        market = Market(seed, calendar)
        self._trade_in(market, [Pit(market, listing) for listing in market.listings])

    def _trade_in(self, market: Market, pits: Sequence[Pit]) -> None:
        self._market, self._calendar = market, market.calendar
        self._pits = {pit.listing.symbol: pit for pit in pits}
        self._layout = lru_cache(maxsize=_LAYOUTS_CACHED)(self._grouped)
        self._cents = lru_cache(maxsize=65_536)(_dollars)

    def assets(self) -> tuple[Asset, ...]:
        """Return what is listed, options apart."""
        return tuple(listing.asset for listing in self._market.listings)

    def followed(self) -> Collection[str]:
        """Return all that is listed."""
        return self._pits.keys()

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """Return the quote standing at an instant."""
        return self.quotes((symbol,), at)[0]

    def quotes(self, symbols: Sequence[str], at: datetime) -> list[Quote | None]:
        """Return the standing quotes of many symbols, in their order."""
        found: list[Quote | None] = [None] * len(symbols)
        today = trading_day(at)
        for group in self._groups(symbols, at):
            if group.expiry is not None and group.expiry < today:
                continue
            since_open = group.pit.microseconds(group.index, at)
            columns = group.pit.standing(group.index, since_open, group.book)
            for place, quote in zip(group.places, self._listed(group, columns), strict=True):
                found[place] = quote
        return found

    def changes(
        self, symbols: Sequence[str], since: datetime, until: datetime
    ) -> list[tuple[str, Quote]]:
        """Return every quote made in (since, until], by time, then in the order asked."""
        found: list[tuple[datetime, int, Quote]] = []
        for group in self._daily(symbols, since, until):
            first, last = (group.pit.microseconds(group.index, at) for at in (since, until))
            rows, columns = group.pit.made(group.index, first, last, group.book)
            for row, quote in zip(rows.tolist(), self._listed(group, columns), strict=True):
                found.append((quote.at, group.places[row], quote))
        found.sort(key=lambda change: change[:2])
        return [(symbols[place], quote) for _, place, quote in found]

    def quote_history(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Quote]:
        """Return at most limit quotes made in [start, end), by time."""
        found: list[Quote] = []
        for group in self._daily((symbol,), start, end):
            opens = self._market.opens(group.pit.listing, group.index)
            last = min(
                end - _MICROSECOND,
                opens + group.pit.end(group.index, group.book) * _MICROSECOND,
            )
            since = max(start, opens) - _MICROSECOND
            while since < last and len(found) < limit:
                until = min(since + _MINUTE, last)
                first, stop = (group.pit.microseconds(group.index, at) for at in (since, until))
                _, columns = group.pit.made(group.index, first, stop, group.book)
                found += self._listed(group, columns)
                since = until
        found.sort(key=lambda quote: quote.at)
        return found[:limit]

    def halted(self, symbol: str, at: datetime) -> HaltKind | None:
        """Return None: nothing is ever halted here."""
        return None

    def trade(self, symbol: str, at: datetime) -> Trade | None:
        """Return the latest print at an instant: of its day, or a stock's before the first."""
        for group in self._groups((symbol,), at):
            here = group.pit.microseconds(group.index, at)
            prints = group.pit.latest_print(group.index, here, group.book)
            if not len(prints.made) and group.book is None and group.pit.trades_on(group.index - 1):
                group = replace(group, index=group.index - 1)
                prints = group.pit.latest_print(group.index, _EVER, None)
            if len(prints.made):
                return self._trade(group, prints, 0)
        return None

    def trades(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Trade]:
        """Return at most limit prints of [start, end), by time."""
        found: list[Trade] = []
        for group in self._daily((symbol,), start, end):
            first, last = (group.pit.microseconds(group.index, at) for at in (start, end))
            prints = group.pit.prints(group.index, first, last, group.book)
            rows = range(min(len(prints.made), limit - len(found)))
            found += [self._trade(group, prints, row) for row in rows]
        return found

    def bars(self, symbol: str, start: datetime, end: datetime, minutes: int) -> list[Bar]:
        """Return the bars that begin in [start, end) of the minutes that are over by end."""
        found: list[Bar] = []
        for group in self._daily((symbol,), start, end):
            over = group.pit.microseconds(group.index, end) // MINUTE_US * MINUTE_US
            first = group.pit.microseconds(group.index, start)
            begins = max(-(-first // (minutes * MINUTE_US)), 0) * minutes * MINUTE_US
            bars = group.pit.bars(group.index, begins, over, minutes, group.book)
            found += self._bars(group, bars)
        return found

    def spot(self, underlying: str, at: datetime) -> Price:
        """Return the last price of a stock or coin; raise NoSuchContract when not listed."""
        self._market.listing(underlying)
        trade = self.trade(underlying, at)
        if trade is None:
            raise MarketDataMissing(f"{underlying} had no price by {at:%Y-%m-%d}")
        return trade.price

    def official_close(self, underlying: str, day: date) -> Price:
        """Return the last print of a day's session; raise MarketDataMissing without one."""
        listing = self._market.listing(underlying)
        if not listing.round_the_clock and self._calendar.session(day) is None:
            raise MarketDataMissing(f"{underlying} did not trade on {day}")
        index = self._market.index(listing, day)
        if not self._pits[underlying].trades_on(index):
            raise MarketDataMissing(f"{underlying} was not recorded on {day}")
        return self._cents(self._pits[underlying].tape.close(index))

    def contracts(self, underlying: str, day: date) -> tuple[OptionContract, ...]:
        """Return the contracts listed on a day, by expiry, strike and right."""
        pit = self._pits.get(underlying)
        index = self._calendar.index(day)
        if pit is None or pit.listing.expiries is Expiries.NONE or not pit.trades_on(index):
            return ()
        return pit.options.contracts(index)

    def open_interest(self, contract: OptionContract, day: date) -> int | None:
        """Return the contracts open at the end of the session before a day, None if not known."""
        pit, index = self._pits.get(contract.underlying), self._calendar.index(day)
        if pit is None or pit.options.expiry(index, contract) is None:
            raise NoSuchContract(contract.symbol)
        return pit.options.open_interest(contract, index)

    def greeks(self, symbol: str, at: datetime) -> tuple[float, Greeks] | None:
        """Return implied volatility (calendar clock) and greeks, from the strike's quotes."""
        return greeks_of(self, self._calendar, symbol, at)

    def _groups(self, symbols: Sequence[str], at: datetime) -> list[_Group]:
        """Return the groups of some symbols on the latest day each has begun."""
        asked = tuple(symbols)
        return [
            group
            for around_the_clock in (False, True)
            for group in self._layout(
                asked, self._market.started(at, around_the_clock), around_the_clock
            )
        ]

    def _daily(self, symbols: Sequence[str], start: datetime, end: datetime) -> Iterator[_Group]:
        """Yield the groups of some symbols for each day that meets [start, end], by time."""
        asked = tuple(symbols)
        for around_the_clock in (False, True):
            first, last = (self._market.started(at, around_the_clock) for at in (start, end))
            for index in range(max(first, 0), last + 1):
                yield from self._layout(asked, index, around_the_clock)

    def _grouped(
        self, symbols: tuple[str, ...], index: int, around_the_clock: bool
    ) -> tuple[_Group, ...]:
        """Sort symbols by what is quoted together; what is not listed is left out."""
        alone: list[_Group] = []
        chains: dict[tuple[str, int], list[tuple[int, OptionContract]]] = {}
        for place, symbol in enumerate(symbols) if index >= 0 else ():
            pit = self._pits.get(symbol)
            if pit is not None:
                if pit.listing.round_the_clock is around_the_clock and pit.trades_on(index):
                    alone.append(_Group(pit, index, None, None, (place,)))
            elif not around_the_clock and (found := self._contract(symbol, index)) is not None:
                contract, expiry = found
                chains.setdefault((contract.underlying, expiry), []).append((place, contract))
        return (*alone, *(self._chain(index, *item) for item in chains.items()))

    def _contract(self, symbol: str, index: int) -> tuple[OptionContract, int] | None:
        """Return a listed contract and the session it expires in."""
        try:
            contract = OptionContract.from_occ(symbol)
        except ValueError:
            return None
        pit = self._pits.get(contract.underlying)
        if pit is None or pit.listing.expiries is Expiries.NONE or not pit.trades_on(index):
            return None
        expiry = pit.options.expiry(index, contract)
        return None if expiry is None else (contract, expiry)

    def _chain(
        self, index: int, of: tuple[str, int], members: list[tuple[int, OptionContract]]
    ) -> _Group:
        pit = self._pits[of[0]]
        contracts = tuple(contract for _, contract in members)
        places = tuple(place for place, _ in members)
        return _Group(pit, index, pit.book(contracts, of[1]), contracts[0].expiry, places)

    def _listed(self, group: _Group, columns: Quotes) -> list[Quote]:
        """Turn columns into quotes."""
        opens = self._market.opens(group.pit.listing, group.index)
        dollars = self._cents
        return [
            Quote(
                bid=dollars(bid),
                ask=dollars(ask),
                bid_size=bid_size,
                ask_size=ask_size,
                at=opens + timedelta(microseconds=made),
            )
            for made, bid, ask, bid_size, ask_size in zip(
                columns.made.tolist(),
                columns.bid.tolist(),
                columns.ask.tolist(),
                columns.bid_size.tolist(),
                columns.ask_size.tolist(),
                strict=True,
            )
        ]

    def _trade(self, group: _Group, prints: Prints, row: int) -> Trade:
        opens = self._market.opens(group.pit.listing, group.index)
        return Trade(
            price=self._cents(int(prints.cents[row])),
            size=int(prints.size[row]),
            at=opens + timedelta(microseconds=int(prints.made[row])),
        )

    def _bars(self, group: _Group, bars: Bars) -> list[Bar]:
        opens = self._market.opens(group.pit.listing, group.index)
        dollars = self._cents
        return [
            Bar(
                at=opens + minute * _MINUTE,
                open=dollars(first),
                high=dollars(high),
                low=dollars(low),
                close=dollars(last),
                volume=volume,
                vwap=Decimal(vwap).scaleb(-6),
                trades=count,
            )
            for minute, first, high, low, last, volume, vwap, count in zip(
                *(column.tolist() for column in bars.columns()), strict=True
            )
        ]


def _dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
