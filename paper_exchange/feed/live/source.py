"""The upstream's market as a Source: answers at once, from what its jobs have asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from common.contracts import AssetClass, OptionContract, asset_class
from common.errors import MarketDataMissing, NoSuchContract
from common.money import Price, cent
from common.quotes import Bar, Greeks, Quote, Trade
from common.session import trading_day
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.greeks import greeks_of
from paper_exchange.feed.live.access import Access
from paper_exchange.feed.live.board import DAY, Board
from paper_exchange.feed.live.follower import Follower
from paper_exchange.feed.live.listings import Listings
from paper_exchange.feed.live.loader import LAG, Loader
from paper_exchange.feed.live.wanted import Wanted
from paper_exchange.feed.source import Asset, HaltKind, Latest, Need, Past, Series

SILENCE_MAX: Final = timedelta(seconds=15)  # since the upstream last spoke of a symbol
_TICK: Final = timedelta(microseconds=1)
_MINUTE: Final = timedelta(minutes=1)


class LiveSource:
    """A Source of what the upstream said; see paper_exchange.feed.source for each answer.

    What is asked for is followed from then on. In a session a quote may be traded on while the
    upstream has spoken of its symbol within SILENCE_MAX and it is at most stale_after old.
    """

    lag = LAG
    whole_tape = False  # prints are sampled

    def __init__(
        self,
        access: Access,
        calendar: Calendar,
        board: Board,
        listings: Listings,
        wanted: Wanted,
        loader: Loader,
        follower: Follower,
    ) -> None:
        self.name = f"live {access.stock_feed} and {access.option_feed}"
        self._stale_after = access.stale_after
        self._calendar, self._board, self._listings = calendar, board, listings
        self._wanted, self._loader, self._follower = wanted, loader, follower

    def trouble(self) -> str | None:
        """Return what is wrong with the upstream, None while it answers."""
        return self._follower.trouble()

    async def prepare(self, need: Need) -> None:
        """Ask the upstream for what is needed and not at hand; MarketDataMissing if it fails."""
        if isinstance(need, Latest):
            self._follow(need.symbols)
        await self._loader.prepare(need)
        if isinstance(need, Latest):  # contracts may have become known
            self._follow(need.symbols)

    async def load(self, past: Past) -> Past:
        """Ask the upstream for a stretch of the past; MarketDataMissing if it fails."""
        return await self._loader.load(past)

    def assets(self) -> tuple[Asset, ...]:
        """Return the stocks that could be traded upstream when the exchange started."""
        return self._listings.assets

    def followed(self) -> Collection[str]:
        """Return the stocks that are followed now."""
        return self._wanted.stocks

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """Return the quote known at an instant, however old."""
        return self.quotes((symbol,), at)[0]

    def quotes(self, symbols: Sequence[str], at: datetime) -> list[Quote | None]:
        """Return the quotes of many symbols, in their order."""
        self._follow(symbols)
        return [self._board.quote(symbol, at) for symbol in symbols]

    def fresh(self, symbol: str, quote: Quote, at: datetime) -> bool:
        """Whether the upstream spoke of it lately and the quote is young; outside hours always."""
        if not self._in_session(symbol, at):
            return True
        return at - quote.at <= self._stale_after and self._heard(symbol, at)

    def changes(
        self, symbols: Sequence[str], since: datetime, until: datetime
    ) -> list[tuple[str, Quote]]:
        """Return the quotes that became known in (since, until], whenever they were made."""
        self._follow(symbols)
        return self._board.changes(symbols, since, until)

    def quote_history(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Quote]:
        """Return at most limit of the quotes loaded of [start, end), by time."""
        return list(self._board.known(Series.QUOTES, symbol).between(start, end)[:limit])

    def halted(self, symbol: str, at: datetime) -> HaltKind | None:
        """Return None: a halt is not told over REST. Nobody quotes in one, and quotes age."""
        return None

    def trade(self, symbol: str, at: datetime) -> Trade | None:
        """Return the last print known to have been made by an instant."""
        self._follow((symbol,))
        trade: Trade | None = self._board.known(Series.TRADES, symbol).last(at)
        if trade is None or self._listings.is_stock(symbol):
            return trade
        return trade if trading_day(trade.at) == trading_day(at) else None

    def trades(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Trade]:
        """Return at most limit of the prints known of [start, end), by time."""
        return list(self._board.known(Series.TRADES, symbol).between(start, end)[:limit])

    def bars(self, symbol: str, start: datetime, end: datetime, minutes: int) -> list[Bar]:
        """Return the bars known to begin in [start, end): the upstream's minutes and days."""
        found = self._board.known(Series.BARS, symbol, minutes).between(start, end)
        over = end if minutes == DAY else end - _MINUTE
        return [bar for bar in found if bar.at <= over]

    def spot(self, underlying: str, at: datetime) -> Price:
        """Return the last price; MarketDataMissing when it is not known to be the last."""
        if not self._listings.is_stock(underlying):
            raise NoSuchContract(underlying)
        trade, quote = self.trade(underlying, at), self._board.quote(underlying, at)
        if self._in_session(underlying, at) and not self._heard(underlying, at):
            raise MarketDataMissing(f"the price of {underlying} is not known at the moment")
        if trade is not None:
            return cent(trade.price)
        if quote is not None and quote.two_sided:
            return cent(quote.mid)
        raise MarketDataMissing(f"{underlying} had no price by {at:%Y-%m-%d %H:%M}")

    def official_close(self, underlying: str, day: date) -> Price:
        """Return the consolidated tape's close of a day, once that is over and loaded."""
        session = self._calendar.session(day)
        tape = self._board.known(Series.BARS, underlying, DAY)
        if session is None or tape.missing(session.open, session.open + _TICK):
            raise MarketDataMissing(f"the close of {underlying} on {day} is not known yet")
        found = tape.between(session.open, session.open + _TICK)
        if not found:
            raise MarketDataMissing(f"{underlying} did not trade on {day}")
        return cent(found[0].close)

    def contracts(self, underlying: str, day: date) -> tuple[OptionContract, ...]:
        """Return the contracts known to be listed that have not expired by a day."""
        known = self._listings.chain(underlying)
        if known and known[0].expiry < day:
            return tuple(contract for contract in known if contract.expiry >= day)
        return known

    def open_interest(self, contract: OptionContract, day: date) -> int | None:
        """Return the open interest the upstream told, None when it did not."""
        return self._listings.interest(contract)

    def greeks(self, symbol: str, at: datetime) -> tuple[float, Greeks] | None:
        """Return implied volatility and greeks, computed from the quotes of the strike."""
        try:
            return greeks_of(self, self._calendar, symbol, at)
        except MarketDataMissing:
            return None

    def _follow(self, symbols: Sequence[str]) -> None:
        for symbol in symbols:
            if self._listings.is_stock(symbol):
                self._wanted.add(symbol, None)
            elif (contract := self._listings.contract(symbol)) is not None:
                self._wanted.add(symbol, contract)

    def _heard(self, symbol: str, at: datetime) -> bool:
        heard = self._board.confirmed(symbol)
        return heard is not None and at - heard <= SILENCE_MAX

    def _in_session(self, symbol: str, at: datetime) -> bool:
        session = self._calendar.session(trading_day(at))
        if session is None or at < session.open:
            return False
        if asset_class(symbol) is not AssetClass.OPTION:
            return at < session.close
        return at < session.option_close(OptionContract.from_occ(symbol).underlying)
