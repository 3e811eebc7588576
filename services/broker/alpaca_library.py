"""Reading what Alpaca publishes, through the channel.

It has a breaker of its own: a screener that fails must not blind the desk's own reading of
chain and account. Answers are read in a thread, for some hold ten thousand rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote as escaped

from common.contracts import AssetClass
from common.errors import BrokerRefused, BrokerUnavailable
from services.broker import library_codec as codec
from services.broker import listing_codec
from services.broker.access import AlpacaAccess
from services.broker.attempt import Host, Request
from services.broker.channel import Channel, definite
from services.broker.fields import Json
from services.broker.library import Announcements, Assets, Contracts, News, Past
from services.broker.library_reading import read_rows
from services.broker.published import (
    Active,
    Announcement,
    Article,
    Asset,
    Depth,
    Found,
    Movers,
    OptionListing,
    PriceBar,
    Print,
    Snapshot,
    Touch,
)
from services.ops.breaker import Breaker

T = TypeVar("T")

BRANCHES: Final[Mapping[AssetClass, tuple[str, str]]] = {
    AssetClass.EQUITY: ("v2", "/stocks"),
    AssetClass.OPTION: ("v1beta1", "/options"),
    AssetClass.CRYPTO: ("v1beta3", "/crypto/us"),
}
TOKEN: Final = re.compile(r"[\w+/=.:|-]{1,500}", re.ASCII)
COINS: Final = "alpaca crypto us"
SCREENER: Final = "alpaca screener"


class AlpacaLibrary:
    """A Library."""

    def __init__(self, channel: Channel, access: AlpacaAccess, breaker: Breaker) -> None:
        self._channel = channel
        self._access = access
        self._breaker = breaker

    async def bars(
        self, of: AssetClass, past: Past, timeframe: str, adjustment: str = "raw"
    ) -> Found[PriceBar]:
        """Return bars by symbol and time."""
        adjusted = {"adjustment": adjustment} if of is AssetClass.EQUITY else {}
        return await self._past(of, "bars", past, codec.bar, timeframe=timeframe, **adjusted)

    async def trades(self, of: AssetClass, past: Past) -> Found[Print]:
        """Return trades by symbol and time."""
        return await self._past(of, "trades", past, codec.trade)

    async def latest_quotes(
        self,
        of: AssetClass,
        symbols: Sequence[str],
        feed: str | None = None,
        currency: str | None = None,
    ) -> Found[Touch]:
        """Return the latest quotes, of the symbols that have one."""
        return await self._latest(of, "quotes", symbols, codec.touch, feed, currency)

    async def latest_trades(
        self,
        of: AssetClass,
        symbols: Sequence[str],
        feed: str | None = None,
        currency: str | None = None,
    ) -> Found[Print]:
        """Return the latest trades, of the symbols that have one."""
        return await self._latest(of, "trades", symbols, codec.trade, feed, currency)

    async def latest_bars(
        self,
        of: AssetClass,
        symbols: Sequence[str],
        feed: str | None = None,
        currency: str | None = None,
    ) -> Found[PriceBar]:
        """Return the latest minute bars, of the symbols that have one."""
        return await self._latest(of, "bars", symbols, codec.bar, feed, currency)

    async def snapshots(
        self, of: AssetClass, symbols: Sequence[str], feed: str | None = None
    ) -> Found[Snapshot]:
        """Return the latest of everything, of the symbols that have any."""
        version, path = BRANCHES[of]
        asked = {"symbols": ",".join(symbols), **self._feed(of, feed)}
        body = await self._data(f"{path}/snapshots", version, asked)
        told = _map(body, None if of is AssetClass.EQUITY else "snapshots")
        rows, bad = await read_rows(codec.by_symbol, told, frozenset(symbols), codec.snapshot)
        return Found(rows=rows, source=self._source(of, feed), unreadable=bad)

    async def chain(self, wanted: Contracts, feed: str | None = None) -> Found[Snapshot]:
        """Return snapshots of an underlying's contracts by symbol."""
        asked = _bounds(wanted) | self._feed(AssetClass.OPTION, feed)
        path = f"/options/snapshots/{escaped(wanted.underlying, safe='')}"
        body = await self._data(path, "v1beta1", asked)
        rows, bad = await read_rows(codec.chain, _map(body, "snapshots"))
        source = self._source(AssetClass.OPTION, feed)
        return Found(rows=rows, source=source, cursor=_cursor(body), unreadable=bad)

    async def depths(self, symbols: Sequence[str]) -> Found[Depth]:
        """Return the books of coins, as deep as the venue tells."""
        version, path = BRANCHES[AssetClass.CRYPTO]
        asked = {"symbols": ",".join(symbols)}
        told = _map(await self._data(f"{path}/latest/orderbooks", version, asked), "orderbooks")
        rows, bad = await read_rows(codec.by_symbol, told, frozenset(symbols), codec.depth)
        return Found(rows=rows, source=COINS, unreadable=bad)

    async def most_active(self, by: str, top: int) -> Found[Active]:
        """Return the stocks most traded today."""
        path, asked = "/screener/stocks/most-actives", {"by": by, "top": top}
        body = await self._data(path, "v1beta1", asked)
        return await self._list(body, "most_actives", codec.active, SCREENER)

    async def movers(self, market: str, top: int) -> Movers:
        """Return today's largest moves of "stocks" or "crypto"."""
        body = await self._data(f"/screener/{market}/movers", "v1beta1", {"top": top})
        return await read_rows(codec.movers, body, SCREENER)

    async def news(self, wanted: News) -> Found[Article]:
        """Return articles, newest first."""
        asked = {
            "symbols": ",".join(wanted.symbols) or None,
            "start": _rfc3339(wanted.start),
            "end": _rfc3339(wanted.end),
            "limit": wanted.limit,
            "sort": "desc",
            "include_content": "true" if wanted.content else None,
            "page_token": wanted.cursor,
        }
        body = await self._data("/news", "v1beta1", asked)
        return await self._list(body, "news", listing_codec.article, "alpaca news")

    async def contracts(self, wanted: Contracts) -> Found[OptionListing]:
        """Return listed contracts."""
        bounds = _bounds(wanted) | {"status": wanted.status}
        bounds["underlying_symbols"] = wanted.underlying
        body = await self._trading("/options/contracts", bounds)
        return await self._list(body, "option_contracts", listing_codec.listing, "alpaca assets")

    async def asset(self, name: str) -> Asset:
        """Return what a symbol or an id names."""
        return await read_rows(
            listing_codec.asset, await self._trading(f"/assets/{escaped(name, safe='')}")
        )

    async def assets(self, wanted: Assets) -> Found[Asset]:
        """Return all that is listed so, by symbol."""
        asked = {
            "asset_class": wanted.asset_class,
            "status": wanted.status,
            "exchange": wanted.exchange,
            "attributes": ",".join(wanted.attributes) or None,
        }
        body = {"assets": await self._trading("/assets", asked)}
        return await self._list(body, "assets", listing_codec.asset, "alpaca assets")

    async def announcements(self, wanted: Announcements) -> Found[Announcement]:
        """Return corporate actions."""
        asked = {
            "ca_types": ",".join(wanted.kinds),
            "since": wanted.since.isoformat(),
            "until": wanted.until.isoformat(),
            "symbol": wanted.symbol,
            "cusip": wanted.cusip,
            "date_type": wanted.by,
        }
        body = {"all": await self._trading("/corporate_actions/announcements", asked)}
        return await self._list(body, "all", listing_codec.announcement, "alpaca corporate actions")

    async def _past(
        self,
        of: AssetClass,
        kind: str,
        past: Past,
        read: Callable[[str, Any], T],
        **more: str,
    ) -> Found[T]:
        version, path = BRANCHES[of]
        asked = _window(past) | self._feed(of, past.feed) | more
        body = await self._data(f"{path}/{kind}", version, asked)
        _confirm(past.currency, body)
        told = _map(body, kind)
        rows, bad = await read_rows(codec.lists_by_symbol, told, frozenset(past.symbols), read)
        source = self._source(of, past.feed)
        return Found(rows=rows, source=source, cursor=_cursor(body), unreadable=bad)

    async def _latest(
        self,
        of: AssetClass,
        kind: str,
        symbols: Sequence[str],
        read: Callable[[str, Any], T],
        feed: str | None,
        currency: str | None,
    ) -> Found[T]:
        version, path = BRANCHES[of]
        last = f"latest/{kind}" if of is AssetClass.CRYPTO else f"{kind}/latest"
        asked = {"symbols": ",".join(symbols), "currency": currency, **self._feed(of, feed)}
        body = await self._data(f"{path}/{last}", version, asked)
        _confirm(currency, body)
        told = _map(body, kind)
        rows, bad = await read_rows(codec.by_symbol, told, frozenset(symbols), read)
        return Found(rows=rows, source=self._source(of, feed), unreadable=bad)

    async def _list(self, body: Any, key: str, read: Callable[[Any], T], source: str) -> Found[T]:
        rows, bad = await read_rows(_rows, body, key, read)
        return Found(rows=rows, source=source, cursor=_cursor(body), unreadable=bad)

    async def _data(self, path: str, version: str, values: Json) -> Any:
        return await self._ask(path, values, Host.DATA, version)

    async def _trading(self, path: str, values: Json | None = None) -> Any:
        return await self._ask(path, values or {}, Host.TRADING, "v2")

    async def _ask(self, path: str, values: Json, host: Host, version: str) -> Any:
        said = {name: value for name, value in values.items() if value is not None}
        request = Request(method="GET", path=path, values=said, host=host, version=version)
        with self._breaker.guard():
            return definite(await self._channel.ask(request)).body

    def _feed(self, of: AssetClass, feed: str | None) -> dict[str, str]:
        return {} if of is AssetClass.CRYPTO else {"feed": self._source(of, feed)}

    def _source(self, of: AssetClass, feed: str | None) -> str:
        if of is AssetClass.CRYPTO:
            return COINS
        own = self._access.option_feed if of is AssetClass.OPTION else self._access.stock_feed
        return feed or own


def _window(past: Past) -> dict[str, Any]:
    return {
        "symbols": ",".join(past.symbols),
        "start": _rfc3339(past.start),
        "end": _rfc3339(past.end),
        "limit": past.limit,
        "sort": "desc" if past.descending else "asc",
        "page_token": past.cursor,
        "currency": past.currency,
        "asof": None if past.listed_as_of is None else past.listed_as_of.isoformat(),
    }


def _bounds(wanted: Contracts) -> dict[str, Any]:
    """Return the bounds of contracts; the last expiry must be said, or it is the weekend."""
    return {
        "expiration_date_gte": wanted.first.isoformat(),
        "expiration_date_lte": wanted.last.isoformat(),
        "strike_price_gte": None if wanted.strike_from is None else f"{wanted.strike_from:f}",
        "strike_price_lte": None if wanted.strike_to is None else f"{wanted.strike_to:f}",
        "type": wanted.right,
        "root_symbol": wanted.root,
        "limit": wanted.limit,
        "page_token": wanted.cursor,
    }


def _confirm(currency: str | None, body: Any) -> None:
    """Refuse prices in another currency than was asked for: they would be read as it."""
    if currency in {None, "USD"} or (isinstance(body, dict) and body.get("currency") == currency):
        return
    raise BrokerRefused(f"the broker did not confirm prices in {currency}", status=200)


def _map(body: Any, key: str | None) -> Any:
    try:
        return body if key is None else body[key]
    except (LookupError, TypeError) as e:
        raise BrokerUnavailable(f"the broker's answer cannot be read: no {key} in it") from e


def _rows(body: Any, key: str, read: Callable[[Any], T]) -> codec.Rows[T]:
    return codec.each(read, ((item,) for item in body[key] or ()))


def _cursor(body: Any) -> str | None:
    token = body.get("next_page_token") if isinstance(body, dict) else None
    if not token:
        return None
    if not TOKEN.fullmatch(str(token)):
        raise BrokerUnavailable("the broker's answer cannot be read: its next_page_token")
    return str(token)


def _rfc3339(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
