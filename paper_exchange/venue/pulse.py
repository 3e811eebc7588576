"""What time does to accounts: orders fire, queues open, orders run out, days end.

Every beat asks only for the quotes that working orders wait for. A day is ended for every
account before the clock takes the next one, and days that passed while nobody was here are
ended first, each at its own prices.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from common.errors import MarketDataMissing
from common.session import Session, trading_day
from paper_exchange.engine.commands import (
    CancelOrder,
    ClosePosition,
    EndDay,
    ExpireOrder,
    MatchOrder,
)
from paper_exchange.engine.liquidation import closing_order_id, expiring, unfunded, watched
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.state import AccountState
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.clock import ExchangeClock
from paper_exchange.feed.source import Closes, Source
from paper_exchange.store.journal import JournalFailed
from paper_exchange.venue.book import Ref
from paper_exchange.venue.markets import Markets
from paper_exchange.venue.shard import Shard

logger = logging.getLogger(__name__)

STRIDE: Final = timedelta(minutes=1)  # between looks at the market when the clock is moved
INTERVAL: Final = timedelta(milliseconds=20)  # of wall time, whatever the exchange's rate
BACK_OFF: Final = timedelta(seconds=1)  # between attempts to rebuild


class Pulse:
    """Runs beside the venue; run() is its job, beat() one step of it."""

    def __init__(
        self,
        shard: Shard,
        markets: Markets,
        source: Source,
        calendar: Calendar,
        clock: ExchangeClock,
        interval: timedelta = INTERVAL,
    ) -> None:
        self._shard, self._markets, self._source = shard, markets, source
        self._calendar, self._clock = calendar, clock
        self._interval = interval
        self._ended: date | None = None

    async def run(self) -> None:
        """Beat for ever; rebuild a stopped shard from its journal."""
        while True:
            try:
                await self.beat()
                pause = self._interval
            except (Refused, JournalFailed, MarketDataMissing) as e:
                logger.warning("the exchange stands still: %s", e)
                pause = BACK_OFF
            await asyncio.sleep(pause.total_seconds())

    async def beat(self) -> None:
        """Do what is due now; Refused or JournalFailed when it cannot be kept."""
        if not self._shard.running:
            self._ended = None
            await self._shard.load()
        await self._end_days()
        now = self._clock.now()
        for ref in tuple(self._shard.book.due(now)):
            expire = ExpireOrder(order_id=ref.order)
            self._shard.do(ref.account, expire, self._markets.at(now, (), ()), now)
        for ref in self._shard.book.opening(now):
            self._match(ref, now)
        symbols = self._shard.book.symbols()
        if symbols:
            for ref in self._shard.book.fired(self._markets.quotes(symbols, now)):
                self._match(ref, now)
        if now >= self._clock.session.first_liquidation(self._markets.rules.cut_offs):
            for state in self._shard.accounts:
                try:
                    self._liquidate(state, now)
                except MarketDataMissing as e:  # who cannot pay is not known without prices
                    logger.debug("nothing is liquidated for now: %s", e)

    def reach(self, now: datetime, to: datetime) -> datetime:
        """Return how far time may jump, at most to an instant, with nothing to do on the way.

        While orders work, or options are watched for liquidation, that is a stride.
        """
        session, cut_offs = self._clock.session, self._markets.rules.cut_offs
        watched = [
            session.liquidation(underlying, cut_offs)
            for state in self._shard.accounts
            for underlying in expiring(state, session.day)
        ]
        if self._shard.book.symbols() or any(since <= now for since in watched):
            return min(to, now + STRIDE)
        return min((to, *watched))

    def _liquidate(self, state: AccountState, now: datetime) -> None:
        """Close what expires today and cannot be paid for, orders in it canceled first."""
        session = self._clock.session
        underlyings = watched(state, session, self._markets.rules.cut_offs, now)
        if not underlyings:
            return
        closed = now >= session.close
        prices = {
            underlying: self._source.official_close(underlying, session.day)
            if closed
            else self._source.spot(underlying, now)
            for underlying in underlyings
        }
        market = self._markets.at(now, state.positions, underlyings)
        for symbol in unfunded(state, market, prices, now):
            for order in [order for order in state.working_orders() if symbol in order.symbols]:
                self._shard.do(state.id, CancelOrder(order_id=order.id), market, now)
            close = ClosePosition(
                order_id=closing_order_id(state.id, symbol, now), symbol=symbol, liquidation=True
            )
            try:
                self._shard.do(state.id, close, market, now)
            except Refused as refused:
                if not self._shard.running:
                    raise
                logger.info("%s is not liquidated yet: %s", symbol, refused)

    def _match(self, ref: Ref, now: datetime) -> None:
        state = self._shard.account(ref.account)
        order = state.orders[ref.order]
        market = self._markets.for_order(state, order.symbols, now)
        self._shard.do(ref.account, MatchOrder(order_id=ref.order), market, now)

    async def _end_days(self) -> None:
        last = self._last_over()
        if last.day != self._ended:
            for state in self._shard.accounts:
                for session in self._unsettled(state, last.day):
                    await self._source.prepare(Closes(_expiring(state, session.day), session.day))
                    self._end(state, session)
            for state in self._shard.accounts:
                await self._shard.settled(state.id)
            self._ended = last.day
        if self._clock.session.day == last.day:
            self._clock.roll()

    def _last_over(self) -> Session:
        """Return the last session that has ended."""
        session = self._clock.session
        if self._clock.now() >= self._clock.day_end:
            return session
        return self._calendar.previous_session(session.day)

    def _unsettled(self, state: AccountState, until: date) -> Sequence[Session]:
        if state.last_day is not None:
            since = state.last_day + timedelta(days=1)
        elif state.opened_at is not None:
            since = trading_day(state.opened_at)
        else:
            return ()
        return [
            session
            for session in self._calendar.sessions(since, until)
            if state.opened_at is None or state.opened_at < session.exercise_cut_off
        ]

    def _end(self, state: AccountState, session: Session) -> None:
        """End a session for an account, at that session's own end and prices."""
        at = session.exercise_cut_off
        closes = tuple(
            (underlying, self._source.official_close(underlying, session.day))
            for underlying in _expiring(state, session.day)
        )
        market = self._markets.for_account(state, at)
        self._shard.do(state.id, EndDay(day=session.day, closes=closes), market, at)


def _expiring(state: AccountState, day: date) -> list[str]:
    """Return the underlyings of contracts held that have expired once a day is over."""
    held = {position.contract for position in state.positions.values()}
    return sorted({one.underlying for one in held if one is not None and one.expiry <= day})
