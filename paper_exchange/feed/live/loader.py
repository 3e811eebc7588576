"""Having asked the upstream before a client is answered: what prepare() and load() promise."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final, assert_never

from common.clock import Clock
from common.contracts import AssetClass, asset_class
from common.session import new_york, trading_day
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.live.board import DAY, Board
from paper_exchange.feed.live.budget import BudgetSpent
from paper_exchange.feed.live.listings import Listings
from paper_exchange.feed.live.questions import STOCKS_A_CALL, Questions, batches
from paper_exchange.feed.live.wanted import Turn, turns
from paper_exchange.feed.source import Closes, Latest, Listed, Need, Past, Series

LAG: Final = timedelta(seconds=5)  # prints and bars are told upstream by then
FRESH: Final = timedelta(seconds=10)  # what is followed is heard of more often
EXPIRIES_AHEAD: Final = timedelta(days=10)
UNDERLYINGS_MAX: Final = 10  # of one question
DAYS_BACK: Final = timedelta(days=10)
FINISHED_AFTER: Final = timedelta(minutes=16)  # the whole tape is free to all 15 minutes later
ITEMS_MAX: Final = 10_000  # of one answer
_MARGIN: Final = 50  # items of one instant, which a full answer may have been cut in
_TICK: Final = timedelta(microseconds=1)


class Loader:
    """Asks for what is needed and not yet known. Raises MarketDataMissing."""

    def __init__(
        self,
        calendar: Calendar,
        clock: Clock,
        board: Board,
        listings: Listings,
        questions: Questions,
    ) -> None:
        self._calendar, self._clock = calendar, clock
        self._board, self._listings, self._questions = board, listings, questions
        self._asking = asyncio.Lock()  # who waits for the same finds it answered

    async def prepare(self, need: Need) -> None:
        """Have what is needed at hand."""
        async with self._asking:
            match need:
                case Latest():
                    await self._latest(need.symbols)
                case Listed():
                    named = need.underlyings[:UNDERLYINGS_MAX]
                    await self.list_contracts(named, self._questions)
                case Closes():
                    await self._days(need.underlyings, need.day)
                case _:
                    assert_never(need)

    async def load(self, past: Past) -> Past:
        """Have the first part of a window at hand, the last when descending; return which."""
        async with self._asking:
            return await self._past(past)

    async def list_contracts(self, underlyings: Iterable[str], questions: Questions) -> None:
        """Have the contracts on some underlyings that expire in the next days at hand."""
        today = trading_day(self._clock.now())
        for underlying in dict.fromkeys(underlyings):
            if not self._listings.is_known(underlying, today):
                last = today + EXPIRIES_AHEAD
                found = await questions.contracts(underlying, today, last)
                self._listings.put(underlying, today, found)

    async def ask(self, turn: Turn, questions: Questions) -> None:
        """Take the snapshots of one call."""
        if turn.is_chain:
            found = await questions.chain(turn.contracts)
        elif turn.contracts:
            found = await questions.options(turn.symbols)
        else:
            found = await questions.stocks(turn.stocks)
        self._board.learn(turn.symbols, found, self._clock.now())

    async def _latest(self, symbols: Sequence[str]) -> None:
        options = [s for s in symbols if not self._listings.is_stock(s)]
        stocks = [s for s in symbols if self._listings.is_stock(s)]
        if options:
            roots = [found for s in options if (found := self._listings.root(s)) is not None]
            await self.list_contracts(roots, self._questions)
            stocks += roots  # what a contract is worth hangs on its stock
        stocks = list(dict.fromkeys(stocks))
        contracts = (self._listings.contract(s) for s in options if self._due(s))
        for turn in turns([s for s in stocks if self._due(s)], contracts):
            await self.ask(turn, self._questions)
        with suppress(BudgetSpent):  # a snapshot then lacks yesterday, and nothing else
            await self._days(stocks, None)

    def _due(self, symbol: str) -> bool:
        heard = self._board.confirmed(symbol)
        return heard is None or self._clock.now() - heard > FRESH

    async def _days(self, symbols: Sequence[str], day: date | None) -> None:
        """Have the finished days up to one, or up to the last, at hand."""
        finished = self._finished()
        first = _midnight(trading_day(finished) - DAYS_BACK)
        if day is not None:
            first = min(first, _midnight(day))
        late = [
            symbol
            for symbol in symbols
            if self._board.tape(Series.BARS, symbol, DAY).missing(first, finished)
        ]
        for batch in batches(late, STOCKS_A_CALL):
            found = await self._questions.days(batch, first, finished)
            for symbol in batch:
                bars = [self._board.day_bar(bar) for bar in found[symbol]]
                tape = self._board.tape(Series.BARS, symbol, DAY)
                tape.put(first, finished, [bar for bar in bars if bar is not None])

    async def _past(self, past: Past) -> Past:
        stock = asset_class(past.symbol) is AssetClass.EQUITY
        if past.series is Series.BARS and past.minutes == DAY and stock:
            return await self._past_days(past)
        tape = self._board.tape(past.series, past.symbol, past.minutes)
        now = self._clock.now() - LAG
        whole = now if past.series is not Series.BARS else now.replace(second=0, microsecond=0)
        end = min(past.end, whole)
        if end <= past.start:
            return past
        missing = tape.missing(past.start, end)
        if missing is not None:
            limit = min(past.limit + _MARGIN, ITEMS_MAX)
            items = await self._questions.past(past, *missing, limit)
            start, until = missing
            if len(items) == limit:  # what shares the outermost instant may have been cut off
                if past.descending:
                    start = items[0].at + _TICK
                else:
                    until = items[-1].at
                items = [item for item in items if start <= item.at < until]
            tape.put(start, until, items)
        if tape.start is None or tape.end is None:  # it asked for nothing
            return past
        if past.descending:
            return replace(past, start=max(past.start, tape.start))
        return past if tape.end >= end else replace(past, end=tape.end)

    async def _past_days(self, past: Past) -> Past:
        """Days are few: all of a window at once, and the one that is not over by snapshot."""
        await self._days([past.symbol], trading_day(past.start))
        if past.end > self._finished():
            await self._latest([past.symbol])
        return past

    def _finished(self) -> datetime:
        """Return when the last day ended whose closing price is free to all."""
        now = self._clock.now()
        session = self._calendar.session(trading_day(now))
        if session is not None and now >= session.close + FINISHED_AFTER:
            return session.close
        return _midnight(trading_day(now))


def _midnight(day: date) -> datetime:
    return new_york(day, time.min)
