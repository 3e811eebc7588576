"""Today's option chain as a service: found, streamed, polled, priced, and ended on time.

Owns the cache. Quotes come by the stream near the money and by a poll of the whole chain, which
vouches for quiet contracts and stands in for the stream. What is over is never served.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from common.clock import NS, MarketClock, WallClock
from common.contracts import OptionContract
from common.errors import MarketDataMissing
from common.quotes import ChainSnapshot, Quote
from common.session import Session, new_york_text, trading_day
from services.broker.reader import BrokerReader
from services.market.calendar import SessionCalendar
from services.market.chain_plan import ChainPlan
from services.market.columns import CacheCounters
from services.market.fitting import ChainFitter, FittedChain
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream
from services.market.spot import SpotFeed
from services.market.stream_stats import StreamState, StreamStats
from services.market.subscription import SubscriptionWindow

log = logging.getLogger(__name__)

_SPOT_AGE_MOST: Final = timedelta(seconds=30)  # an older one judges no quote
_FIT_AGE_MOST: Final = timedelta(seconds=5)  # time passes even where no quote changes
_SHOWN_MOST: Final = timedelta(seconds=0.25)  # ages of what is shown again are wrong by as much
_LIST_AGAIN: Final = timedelta(minutes=10)  # exchanges add strikes when the market runs
_POLL_BESIDE_STREAM: Final = timedelta(seconds=2.5)  # half of what a quote may age
_POLL_ALONE: Final = timedelta(seconds=2)
_POLL_CLOSED: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStatus:
    """Where the chain stands: what is held, and where its quotes come from.

    source: "stream" (with the poll beside it), "poll" alone, or "none". fit_age: since greeks
    were computed last, None before the first.
    """

    day: date | None
    contracts: int
    source: str
    poll_age: timedelta | None
    fit_age: timedelta | None
    counters: CacheCounters
    stream: StreamStats


class ChainService:
    """The chain that expires today. Its jobs are kept by the supervisor; reads never wait."""

    def __init__(
        self,
        reader: BrokerReader,
        stream: OptionQuoteStream,
        cache: OptionChainCache,
        spot: SpotFeed,
        calendar: SessionCalendar,
        *,
        clock: MarketClock,
        wall: WallClock,
        plan: ChainPlan,
    ) -> None:
        self._reader = reader
        self._stream = stream
        self._cache = cache
        self._spot = spot
        self._calendar = calendar
        self._clock = clock
        self._wall = wall
        self._plan = plan
        self._session: Session | None = None
        self._window = SubscriptionWindow()
        self._fitter = ChainFitter()
        self._fitted: FittedChain | None = None
        self._fitted_of: tuple[int, Quote | None] | None = None
        self._fitted_ns = self._listed_ns = 0
        self._polled_ns: int | None = None
        self._shown: tuple[FittedChain, int, ChainSnapshot] | None = None
        self._interest: Mapping[str, int] = {}

    def jobs(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return everything that has to run for ever, by name."""
        return {
            "option chain": self.keep_listed,
            "option chain fit": self.keep_fitted,
            "option chain poll": self.keep_polled,
            "option quote stream": self._stream.run,
            "spot": self._spot.run,
        }

    def start_streaming(self) -> StreamStats:
        """Stream quotes from now on; starting twice is starting once."""
        self._subscribe()
        self._stream.start()
        return self._stream.stats()

    async def stop_streaming(self) -> StreamStats:
        """Close the stream's socket; the poll goes on."""
        await self._stream.stop()
        return self._stream.stats()

    def status(self) -> ChainStatus:
        """Return what is held and how it comes in."""
        now = self._wall.ns()
        live = self._stream.state is StreamState.LIVE
        return ChainStatus(
            day=self._cache.day,
            contracts=len(self._cache.contracts),
            source="stream" if live else "none" if self._polled_ns is None else "poll",
            poll_age=_age(now, self._polled_ns),
            fit_age=_age(now, None if self._fitted is None else self._fitted_ns),
            counters=self._cache.counters(),
            stream=self._stream.stats(),
        )

    @property
    def open_interest(self) -> Mapping[str, int]:
        """The previous day's open interest by symbol, of the contracts held that have one."""
        return self._interest

    def snapshot(self) -> ChainSnapshot:
        """Return the chain as of the last fit, with ages as of now.

        Raises MarketDataMissing when there is none of today.
        """
        self._require_today()
        if self._fitted is None:
            self._fit()
        if self._fitted is None:
            raise MarketDataMissing(f"no price of {self._plan.underlying} was received yet")
        now = self._wall.ns()
        if self._shown is not None:
            fitted, shown_ns, snapshot = self._shown
            kept = min(self._plan.update_interval, _SHOWN_MOST)
            if fitted is self._fitted and now - shown_ns < _ns(kept):
                return snapshot
        snapshot = self._fitted.snapshot(now)
        self._shown = (self._fitted, now, snapshot)
        return snapshot

    def leg(self, contract: OptionContract, *, age_max: timedelta, unbid: bool = False) -> Quote:
        """Return the newest quote of one contract, younger than age_max, before any fit.

        unbid: also where nobody bids. Raises MarketDataMissing, NoSuchContract, QuoteUnusable or
        StaleQuote.
        """
        self._require_today()
        return self._cache.leg(contract, age_max=age_max, unbid=unbid)

    async def refresh(self) -> None:
        """Drop what is over, and find today's contracts when they are not held."""
        session = await self._calendar.session()
        self._session = session
        if self._over(session):
            self._drop()
            return
        now = self._wall.ns()
        if self._cache.day == session.day and now - self._listed_ns < _ns(_LIST_AGAIN):
            return
        if self._cache.day != session.day:
            self._drop()
        listed = await self._reader.contracts(self._plan.underlying, session.day)
        contracts = {entry.contract for entry in listed if entry.tradable}
        self._interest = {
            e.contract.symbol: e.open_interest for e in listed if e.open_interest is not None
        }
        if not contracts:
            raise MarketDataMissing(f"no {self._plan.underlying} contracts expire {session.day}")
        if contracts != set(self._cache.contracts):
            self._cache.load(session.day, contracts)
        self._listed_ns = now
        self._subscribe()

    async def poll(self) -> None:
        """Ask the broker for the latest quote of every contract held."""
        day = self._cache.day
        if day is None:
            return
        asked_ns = self._wall.ns()  # a quote may be as old as the question
        quotes = await self._reader.chain_quotes(self._plan.underlying, day)
        if self._cache.day == day:
            self._cache.confirm(quotes, asked_ns)
            if self._polled_ns is None:  # until now only what was streamed had a price
                self._fit()
            self._polled_ns = asked_ns

    async def keep_listed(self) -> None:
        """Refresh for ever: each cleanup interval of market time, and at the moment of expiry."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._refresh_after().total_seconds())

    async def keep_fitted(self) -> None:
        """Fit for ever, each update interval in which anything changed."""
        loop, interval = asyncio.get_running_loop(), self._plan.update_interval.total_seconds()
        due = loop.time()
        while True:
            due = max(due + interval, loop.time())  # the work is part of the interval
            await asyncio.sleep(due - loop.time())
            self._fit()
            self._subscribe()

    async def keep_polled(self) -> None:
        """Poll for ever: beside the stream now and then, without it as often as is fair."""
        while True:
            await self.poll()
            await asyncio.sleep(self._poll_period().total_seconds())

    def _poll_period(self) -> timedelta:
        if self._cache.day is None:
            return min(self._plan.update_interval, _POLL_ALONE)
        if not self._calendar.options_trade(self._plan.underlying):
            soon = _POLL_CLOSED / max(self._clock.rate, 1.0)
            return self._plan.period(max(soon, _POLL_ALONE))
        live = self._stream.state is StreamState.LIVE
        return self._plan.period(_POLL_BESIDE_STREAM if live else _POLL_ALONE)

    def _refresh_after(self) -> timedelta:
        rate = self._clock.rate
        pause = max(self._plan.cleanup_interval / max(rate, 1.0), self._plan.update_interval)
        if self._session is None or rate <= 0:
            return pause
        left = (self._plan.expires(self._session) - self._clock.now()) / rate
        return min(left, pause) if left > timedelta(0) else pause

    def _over(self, session: Session) -> bool:
        """Tell whether a session's contracts are of another day, or past their time."""
        now = self._clock.now()
        return session.day != trading_day(now) or now >= self._plan.expires(session)

    def _require_today(self) -> None:
        session = self._session
        if session is None or self._cache.day is None or self._over(session):
            when = f"; the session opens {new_york_text(session.open)}" if session else ""
            raise MarketDataMissing(f"no {self._plan.underlying} chain of today is held{when}")
        if self._cache.day != session.day:
            raise MarketDataMissing(f"the chain held is of {self._cache.day}")

    def _drop(self) -> None:
        self._fitted = self._shown = self._fitted_of = None
        if self._cache.day is not None:
            log.info("the contracts of %s are over", self._cache.day)
            self._cache.expire()
            self._stream.want(())

    def _subscribe(self) -> None:
        """Stream the contracts nearest the money, once it is known where that is."""
        spot = self._spot.latest
        if spot is None or self._cache.day is None:
            return
        most = min(self._plan.stream_symbols_max, self._stream.symbols_limit or 1_000_000)
        self._stream.want(self._window.pick(self._cache.contracts, spot.mid, most))

    def _fit(self) -> None:
        """Price the chain again if a quote, spot or the time has changed."""
        session, spot, now = self._session, self._spot.latest, self._wall.ns()
        if session is None or spot is None or not self._cache.contracts or self._over(session):
            return
        of = (self._cache.revision, spot)
        if of == self._fitted_of and now - self._fitted_ns < _ns(_FIT_AGE_MOST):
            return
        at = self._clock.now()
        known = (age := self._spot.age) is not None and age <= _SPOT_AGE_MOST
        columns = self._cache.columns()
        whole = (session.close - session.open) / timedelta(minutes=1)
        fit = self._fitter.fit(
            columns,
            spot=float(spot.mid) if known else float("nan"),
            minutes=min(session.minutes_to_close(at), whole),  # variance passes in the session
            now_ns=now,
        )
        self._fitted = FittedChain(
            columns=columns,
            fit=fit,
            at=at,
            spot=spot.mid,
            feed=self._plan.feed,
            open_interest=self._interest,
        )
        self._fitted_of, self._fitted_ns = of, now


def _age(now_ns: int, since_ns: int | None) -> timedelta | None:
    return None if since_ns is None else timedelta(microseconds=(now_ns - since_ns) / 1000)


def _ns(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1) * (NS // 1_000_000)
