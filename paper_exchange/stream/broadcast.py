"""The job that turns the market's changes into frames, once for all who want the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

from common.clock import Clock
from common.contracts import AssetClass, asset_class
from common.quotes import Bar, Quote, Trade
from common.session import new_york, trading_day
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source
from paper_exchange.stream.bands import PriceBands
from paper_exchange.stream.codec import Codec
from paper_exchange.stream.outbox import Outbox
from paper_exchange.stream.plan import Feed
from paper_exchange.stream.protocol import Conversation
from paper_exchange.wire import market_data as wire

INTERVAL: Final = 0.05  # seconds of wall time between looks at the market
SLOW_EVERY: Final = 5  # looks between those at trades and bars
JUMP: Final = timedelta(seconds=5)  # of exchange time: past it only the latest is told
TRADES_MAX: Final = 100  # of one symbol in one look
_DAY_MINUTES: Final = 390
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Event:
    """One message of one channel, before any codec."""

    channel: str
    symbol: str
    at: datetime
    message: dict[str, Any]


@dataclass(eq=False, slots=True)
class Subscriber:
    """One connection that has been let in."""

    feed: Feed
    codec: Codec
    outbox: Outbox
    conversation: Conversation


@dataclass(slots=True)
class _Seen:
    """Up to when each kind has been told."""

    quotes: datetime
    trades: datetime
    minute: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.minute = _floor(self.trades)


class Broadcast:
    """Fans the market out to subscribers, from one look every INTERVAL."""

    def __init__(self, source: Source, calendar: Calendar, clock: Clock) -> None:
        self._source = source
        self._bands = PriceBands(source, calendar)
        self._clock = clock
        self._assets = {asset.symbol: asset for asset in source.assets()}
        self._subscribers: set[Subscriber] = set()

    def add(self, subscriber: Subscriber) -> None:
        """Begin to serve a connection what it wants, whenever that changes."""
        self._subscribers.add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Forget a connection."""
        self._subscribers.discard(subscriber)

    async def run(self) -> None:
        """Look at the market for ever."""
        now = self._clock.now()
        seen = _Seen(now, now - self._source.lag)
        looks = 0
        while True:
            await asyncio.sleep(INTERVAL)
            now = self._clock.now()
            if not self._subscribers or now < seen.quotes:  # or the clock was set back
                seen = _Seen(now, now - self._source.lag)
                continue
            events = list(self._quotes(seen.quotes, now))
            seen.quotes = now
            looks += 1
            if looks % SLOW_EVERY == 0:
                told = now - self._source.lag
                events += [
                    *self._statuses(seen.trades, told),
                    *self._lulds(told),
                    *self._trades(seen.trades, told),
                    *self._bars(seen.minute, told),
                ]
                seen.trades, seen.minute = told, _floor(told)
            self._publish(events)

    def _publish(self, events: list[Event]) -> None:
        """Encode each event once a codec, and each frame once for all who want the same."""
        if not events:
            return
        items: dict[tuple[bool, int], bytes] = {}
        frames: dict[object, bytes | None] = {}
        for subscriber in self._subscribers:
            wanted = subscriber.conversation.wanted
            codec = subscriber.codec
            key = (codec.binary, subscriber.feed.asset_class, tuple(wanted.values()))
            if key not in frames:
                parts = []
                for i, event in enumerate(events):
                    if _wants(subscriber, event):
                        item = items.get((codec.binary, i))
                        if item is None:
                            item = codec.item(event.message, event.at)
                            items[codec.binary, i] = item
                        parts.append(item)
                frames[key] = codec.frame(parts) if parts else None
            frame = frames[key]
            if frame is not None:
                subscriber.outbox.put(frame)

    def _quotes(self, since: datetime, now: datetime) -> Iterator[Event]:
        symbols = self._wanted("quotes")
        if not symbols or now <= since:
            return
        if now - since > JUMP:
            latest = zip(symbols, self._source.quotes(symbols, now), strict=True)
            changes = [(name, quote) for name, quote in latest if quote and quote.at > since]
        else:
            changes = self._source.changes(symbols, since, now)
        for symbol, quote in changes:
            yield Event("quotes", symbol, quote.at, self._quote(symbol, quote))

    def _trades(self, since: datetime, now: datetime) -> Iterator[Event]:
        for symbol in self._wanted("trades"):
            if now - since > JUMP:
                latest = self._source.trade(symbol, now)
                found = [latest] if latest is not None and latest.at > since else []
            else:
                found = self._source.trades(symbol, since, now, TRADES_MAX)
            for trade in found:
                yield Event("trades", symbol, trade.at, self._trade(symbol, trade))

    def _statuses(self, since: datetime, now: datetime) -> Iterator[Event]:
        for symbol in self._wanted("statuses"):
            before, kind = (self._source.halted(symbol, at) for at in (since, now))
            if symbol in self._assets and kind is not before:
                shown = wire.status(kind, self._exchange(symbol), now)
                yield Event("statuses", symbol, now, {"T": "s", "S": symbol, **shown})

    def _lulds(self, now: datetime) -> Iterator[Event]:
        stocks = [symbol for symbol in self._wanted("lulds") if symbol in self._assets]
        for symbol, band in self._bands.look(stocks, now):
            shown = wire.luld(band, self._exchange(symbol))
            yield Event("lulds", symbol, band.at, {"T": "l", "S": symbol, **shown})

    def _bars(self, last: datetime, now: datetime) -> Iterator[Event]:
        """Yield each whole minute's bar right after it, and the day's bar so far."""
        minute = _floor(now)
        if minute <= last:
            return
        for symbol in self._wanted("bars"):
            for bar in self._source.bars(symbol, max(last, minute - JUMP - _MINUTE), minute, 1):
                yield Event("bars", symbol, bar.at, _bar("b", symbol, bar))
        midnight = new_york(trading_day(now), time.min)
        for symbol in self._wanted("dailyBars"):
            for bar in self._source.bars(symbol, midnight, minute, _DAY_MINUTES)[-1:]:
                day = replace(bar, at=midnight)
                yield Event("dailyBars", symbol, midnight, _bar("d", symbol, day))

    def _wanted(self, channel: str) -> list[str]:
        """Return the symbols anyone wants of a channel; a star is every asset of its class."""
        wanted: set[str] = set()
        for subscriber in self._subscribers:
            symbols = subscriber.conversation.wanted.get(channel, frozenset())
            wanted |= symbols
            if "*" in symbols:
                wanted.update(self._listed(subscriber.feed.asset_class))
        wanted.discard("*")
        return sorted(wanted)

    def _listed(self, of: AssetClass) -> Iterable[str]:
        return (name for name in self._source.followed() if self._assets[name].asset_class is of)

    def _quote(self, symbol: str, quote: Quote) -> dict[str, Any]:
        kind = asset_class(symbol)
        if kind is AssetClass.OPTION:
            shown = wire.option_quote(quote)
        elif kind is AssetClass.CRYPTO:
            shown = wire.crypto_quote(quote)
        else:
            shown = wire.stock_quote(quote, self._exchange(symbol))
        return {"T": "q", "S": symbol, **shown}

    def _trade(self, symbol: str, trade: Trade) -> dict[str, Any]:
        kind = asset_class(symbol)
        if kind is AssetClass.OPTION:
            shown = wire.option_trade(trade)
        elif kind is AssetClass.CRYPTO:
            shown = wire.crypto_trade(trade)
        else:
            shown = wire.stock_trade(trade, self._exchange(symbol))
        return {"T": "t", "S": symbol, **shown}

    def _exchange(self, symbol: str) -> str:
        return self._assets[symbol].exchange


def _bar(kind: str, symbol: str, bar: Bar) -> dict[str, Any]:
    return {"T": kind, "S": symbol, **wire.bar(bar)}


def _wants(subscriber: Subscriber, event: Event) -> bool:
    symbols = subscriber.conversation.wanted.get(event.channel, frozenset())
    if event.symbol in symbols:
        return True
    return "*" in symbols and asset_class(event.symbol) is subscriber.feed.asset_class


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
