"""A morning of SPY for the tests: contracts, quotes that a smile explains, a reader of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

from common.clock import FrozenClock, MarketClock
from common.contracts import OptionContract, Right
from common.money import CENT, Price, to_price
from common.pricing import black76
from common.quotes import Bar, Quote
from common.session import Session, new_york
from services.broker.reader import BrokerClock, BrokerReader, ListedContract
from services.market.calendar import SessionCalendar
from services.market.chain import ChainService
from services.market.chain_plan import ChainPlan
from services.market.dividends import DividendCalendar
from services.market.history import HistoryPlan, MinuteHistory
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream, StreamTimes
from services.market.spot import SpotFeed
from services.market.watch import MarketWatch

DAY = date(2026, 11, 20)
NEXT = date(2026, 11, 23)
SESSION = Session.regular(DAY)
SPOT = Decimal("670.37")
TOTAL_VOL = 0.006
NOON = SESSION.open + timedelta(hours=2, minutes=30)


def contracts(day: date = DAY, low: int = 620, high: int = 720) -> list[OptionContract]:
    """Return a chain of dollar strikes, both rights."""
    return [
        OptionContract(underlying="SPY", expiry=day, strike=Decimal(strike), right=right)
        for strike in range(low, high + 1)
        for right in Right
    ]


def model_quote(contract: OptionContract, at: datetime, spot: Price = SPOT) -> Quote:
    """Return a market a penny or two wide around the model's price."""
    fair = float(
        black76.price(float(spot), float(contract.strike), TOTAL_VOL, contract.right is Right.CALL)
    )
    ask = max(to_price(fair + 0.005), CENT)
    bid = max(ask - CENT, Decimal(0))
    return Quote(bid=bid, ask=ask, bid_size=20, ask_size=30, at=at)


@dataclass(slots=True)
class Broker:
    """A reader's answers, and what was asked."""

    clock_now: FrozenClock
    days: tuple[Session, ...] = (SESSION, Session.regular(NEXT))
    low: int = 620
    high: int = 720
    spot: Price = SPOT
    skip_bars: frozenset[datetime] = frozenset()
    halted: Quote | None = None  # what every question for spot is answered, once set
    asked: list[str] = field(default_factory=list)
    untradable: frozenset[str] = frozenset()

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Answer as the port says."""
        self.asked.append("sessions")
        return tuple(day for day in self.days if start <= day.day <= end)

    async def clock(self) -> BrokerClock:
        """Answer as the port says."""
        now = self.clock_now.now()
        return BrokerClock(timestamp=now, is_open=True, next_open=now, next_close=now)

    async def contracts(self, underlying: str, expiry: date) -> tuple[ListedContract, ...]:
        """Answer as the port says."""
        self.asked.append(f"contracts {expiry}")
        return tuple(
            ListedContract(
                contract=contract,
                tradable=contract.symbol not in self.untradable,
                open_interest=None,
            )
            for contract in contracts(expiry, self.low, self.high)
        )

    async def chain_quotes(self, underlying: str, expiry: date) -> dict[str, Quote]:
        """Answer as the port says."""
        self.asked.append("chain_quotes")
        now = self.clock_now.now()
        return {
            contract.symbol: model_quote(contract, now, self.spot)
            for contract in contracts(expiry, self.low, self.high)
        }

    async def stock_quote(self, symbol: str) -> Quote:
        """Answer as the port says."""
        self.asked.append("stock_quote")
        if self.halted is not None:
            return self.halted
        return Quote(
            bid=self.spot - CENT,
            ask=self.spot + CENT,
            bid_size=100,
            ask_size=100,
            at=self.clock_now.now(),
        )

    async def bars(self, symbol: str, start: datetime, end: datetime) -> tuple[Bar, ...]:
        """Answer as the port says; the bar of the minute that runs included."""
        self.asked.append(f"bars {(start - SESSION.open) // timedelta(minutes=1)}")
        found, at = [], start
        while at < end and at <= self.clock_now.now():
            if at not in self.skip_bars:
                found.append(_bar(at))
            at += timedelta(minutes=1)
        return tuple(found)


def _bar(at: datetime) -> Bar:
    minute = (at - SESSION.open) // timedelta(minutes=1)
    return Bar(
        at=at,
        open=SPOT,
        high=SPOT + minute,
        low=SPOT - minute,
        close=SPOT,
        volume=1000,
        vwap=SPOT,
        trades=10,
    )


@dataclass(slots=True)
class Desk:
    """The market services on one frozen clock, which is wall and market at once."""

    at: FrozenClock
    broker: Broker
    clock: MarketClock
    cache: OptionChainCache
    stream: OptionQuoteStream
    spot: SpotFeed
    calendar: SessionCalendar
    chain: ChainService
    watch: MarketWatch

    async def refresh(self) -> None:
        """Do once what the jobs do for ever."""
        await self.spot.fresh(timedelta(0))
        await self.chain.refresh()
        await self.chain.poll()


def desk(
    now: datetime = NOON,
    plan: ChainPlan | None = None,
    url: str = "ws://127.0.0.1:1/",
    times: StreamTimes | None = None,
) -> Desk:
    """Build the services as the runtime does, on a broker in memory."""
    at = FrozenClock(now)
    broker = Broker(clock_now=at)
    reader = cast(BrokerReader, broker)
    clock = MarketClock(at, now)
    cache = OptionChainCache(at)
    stream = OptionQuoteStream(
        url, "KEY", "SECRET", feed="indicative", cache=cache, wall=at, times=times
    )
    spot = SpotFeed(reader, "SPY", interval=timedelta(seconds=1), clock=clock, wall=at)
    calendar = SessionCalendar(reader, clock)
    chain = ChainService(
        reader,
        stream,
        cache,
        spot,
        calendar,
        clock=clock,
        wall=at,
        plan=plan or ChainPlan(),
    )
    none = MinuteHistory(reader, Path("never-written"), clock, HistoryPlan.of("SPY", 0, 200))
    dividends = DividendCalendar(reader, "SPY", clock)
    watch = MarketWatch(
        reader,
        chain,
        spot,
        calendar,
        none,
        dividends,
        clock=clock,
        quote_age_max=timedelta(seconds=5),
    )
    return Desk(at, broker, clock, cache, stream, spot, calendar, chain, watch)


def early(day: date = DAY) -> Session:
    """Return the session of a half day."""
    return Session(
        day=day, open=SESSION.open, close=new_york(day, SESSION.close.time().replace(hour=13))
    )
