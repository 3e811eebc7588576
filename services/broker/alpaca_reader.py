"""Reading the broker through the channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote as escaped

from common.errors import BrokerUnavailable, MarketDataMissing, OrderNotFound
from common.ids import ClientOrderId, OrderId
from common.orders import Order
from common.portfolio import Account, Position
from common.quotes import Bar, ExDividend, Quote
from common.session import Session
from common.shares import ShareAsset
from services.broker import codec, market_codec, share_codec
from services.broker.access import AlpacaAccess
from services.broker.attempt import Host, Request
from services.broker.channel import Channel, definite
from services.broker.fields import Json, Unreadable
from services.broker.reader import BrokerClock, ListedContract, Which
from services.ops.breaker import Breaker
from services.ops.limiter import Lane

T = TypeVar("T")

CHUNK = 100  # symbols a data request may name
PAGES_MAX = 50  # of one listing; more is a broker repeating itself
NOT_FOUND = 40410000
PAID_AFTER = timedelta(days=90)  # an ex-date, at the latest


class AlpacaReader:
    """A BrokerReader. What settles or closes orders is read in the orders' lane, ungated."""

    def __init__(
        self, channel: Channel, access: AlpacaAccess, account: Breaker, data: Breaker
    ) -> None:
        self._channel = channel
        self._access = access
        self._account_breaker = account
        self._data_breaker = data

    async def account(self) -> Account:
        """Return the account's figures."""
        return _read(codec.account, await self._account_get("/account"))

    async def suspended(self) -> bool:
        """Tell whether the account's owner has suspended its trading at the broker."""
        request = Request(method="GET", path="/account/configurations")
        body = definite(await self._channel.ask(request, Lane.ORDERS)).body
        return _read(lambda told: bool(told["suspend_trade"]), body)

    async def positions(self) -> tuple[Position, ...]:
        """Return everything held."""
        return _read(codec.positions, await self._get("/positions"))

    async def orders(
        self,
        status: Which,
        limit: int = 50,
        after: datetime | None = None,
        symbols: Sequence[str] = (),
    ) -> tuple[Order, ...]:
        """Return orders, newest first, the legs of a multi-leg order inside it."""
        values: dict[str, Any] = {
            "status": status,
            "limit": limit,
            "nested": "true",
            "direction": "desc",
        }
        if after is not None:
            values["after"] = _rfc3339(after)
        if symbols:
            values["symbols"] = ",".join(symbols)
        return _read(codec.orders, await self._get("/orders", values))

    async def order(self, order_id: OrderId) -> Order:
        """Return one order; raise OrderNotFound."""
        request = Request(
            method="GET", path=f"/orders/{escaped(order_id, safe='')}", values={"nested": "true"}
        )
        reply = await self._channel.ask(request, Lane.ORDERS)
        if reply.status in {404, 422}:  # 422: the text is no order id at all
            raise OrderNotFound(order_id)
        return _read(codec.order, definite(reply).body)

    async def order_by_client_id(self, client_order_id: ClientOrderId) -> Order | None:
        """Return the order we named so, or None when the broker says there is none."""
        request = Request(
            method="GET",
            path="/orders:by_client_order_id",
            values={"client_order_id": client_order_id, "nested": "true"},
        )
        reply = await self._channel.ask(request, Lane.ORDERS)
        if reply.status == 404:
            if _knows_no_such_order(reply.body):
                return None
            # A 404 of a proxy, or of a path the host does not serve, knows no orders.
            raise BrokerUnavailable(f"a 404 that is not the broker's: {reply.body!s:.100}")
        return _read(codec.order, definite(reply).body)

    async def clock(self) -> BrokerClock:
        """Return the exchange's time and the next open and close."""
        return _read(codec.clock, await self._account_get("/clock"))

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Return the trading days from start through end, by rising day."""
        values = {"start": start.isoformat(), "end": end.isoformat()}
        return _read(codec.sessions, await self._account_get("/calendar", values))

    async def contracts(self, underlying: str, expiry: date) -> tuple[ListedContract, ...]:
        """Return every standard contract of one expiry."""
        values = {
            "underlying_symbols": underlying,
            "expiration_date": expiry.isoformat(),  # without it the broker stops at the weekend
            "status": "active",
            "limit": 10_000,
        }
        found: list[ListedContract] = []
        with self._account_breaker.guard():
            async for page in self._pages(
                Request(method="GET", path="/options/contracts", values=values)
            ):
                found += _read(
                    lambda body: market_codec.contracts(body["option_contracts"], underlying), page
                )
        return tuple(sorted(found, key=lambda listed: listed.contract))

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes by symbol; one without a usable quote is left out."""
        return await self._latest(
            "/options/quotes/latest", "v1beta1", self._access.option_feed, symbols
        )

    async def chain_quotes(self, underlying: str, expiry: date) -> dict[str, Quote]:
        """Return the latest quotes of all contracts of one expiry, by symbol."""
        request = _data(
            f"/options/snapshots/{escaped(underlying, safe='')}",
            "v1beta1",
            feed=self._access.option_feed,
            expiration_date=expiry.isoformat(),
            limit=1000,
        )
        found: dict[str, Quote] = {}
        with self._data_breaker.guard():
            async for page in self._pages(request):
                found |= _read(lambda body: market_codec.snapshot_quotes(body["snapshots"]), page)
        return found

    async def stock_quote(self, symbol: str) -> Quote:
        """Return a stock's latest quote; raise MarketDataMissing when there is none."""
        found = (await self.stock_quotes([symbol])).get(symbol)
        if found is None:
            raise MarketDataMissing(f"the broker has no usable quote of {symbol}")
        return found

    async def stock_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes by symbol; one without a usable quote is left out."""
        return await self._latest("/stocks/quotes/latest", "v2", self._access.stock_feed, symbols)

    async def coin_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes of coins by pair; one without a usable quote is left out."""
        return await self._latest("/crypto/us/latest/quotes", "v1beta3", None, symbols)

    async def share_asset(self, symbol: str) -> ShareAsset | None:
        """Return what may be done with a stock or a coin; None for what is not listed."""
        request = Request(method="GET", path=f"/assets/{escaped(symbol, safe='')}")
        reply = await self._channel.ask(request, Lane.ORDERS)
        if reply.status in {404, 422}:
            return None
        return _read(share_codec.asset, definite(reply).body)

    async def bars(self, symbol: str, start: datetime, end: datetime) -> tuple[Bar, ...]:
        """Return the one-minute bars that start in [start, end), by rising time."""
        request = _data(
            "/stocks/bars",
            "v2",
            symbols=symbol,
            timeframe="1Min",
            start=_rfc3339(start),
            end=_rfc3339(end),
            limit=10_000,
            adjustment="raw",
            feed=self._access.stock_feed,
            sort="asc",
        )
        found: list[Bar] = []
        with self._data_breaker.guard():
            async for page in self._pages(request):
                found += _read(
                    lambda body: market_codec.bars((body["bars"] or {}).get(symbol) or []), page
                )
        return tuple(bar for bar in found if start <= bar.at < end)  # the broker's end is inside

    async def ex_dividends(self, symbol: str, start: date, end: date) -> tuple[ExDividend, ...]:
        """Return the cash dividends whose ex-date lies from start through end, by rising day.

        The broker files them under the day they are paid, weeks after.
        """
        request = _data(
            "/corporate-actions",
            "v1",
            symbols=symbol,
            types="cash_dividend",
            start=start.isoformat(),
            end=(end + PAID_AFTER).isoformat(),
            limit=1000,
        )
        found: list[ExDividend] = []
        with self._data_breaker.guard():
            async for page in self._pages(request):
                found += _read(
                    lambda body: market_codec.ex_dividends(body["corporate_actions"], symbol), page
                )
        meant = (paid for paid in found if start <= paid.ex_date <= end)
        return tuple(sorted(meant, key=lambda paid: paid.ex_date))

    async def _latest(
        self, path: str, version: str, feed: str | None, symbols: Sequence[str]
    ) -> dict[str, Quote]:
        found: dict[str, Quote] = {}
        for chunk in _chunks(symbols):
            told = {} if feed is None else {"feed": feed}
            request = _data(path, version, symbols=",".join(chunk), **told)
            with self._data_breaker.guard():
                reply = definite(await self._channel.ask(request))
            found |= _read(lambda body: market_codec.quotes(body["quotes"]), reply.body)
        return found

    async def _account_get(self, path: str, values: Json | None = None) -> Any:
        with self._account_breaker.guard():
            return await self._get(path, values)

    async def _get(self, path: str, values: Json | None = None) -> Any:
        request = Request(method="GET", path=path, values=values)
        return definite(await self._channel.ask(request)).body

    async def _pages(self, request: Request) -> AsyncIterator[Any]:
        values = dict(request.values or {})
        for _ in range(PAGES_MAX):
            reply = await self._channel.ask(replace(request, values=values))
            body = definite(reply).body
            yield body
            token = body.get("next_page_token") if isinstance(body, dict) else None
            if not token:
                return
            values["page_token"] = token
        raise BrokerUnavailable(f"{request.path} has no end after {PAGES_MAX} pages")


def _data(path: str, version: str, **values: Any) -> Request:
    return Request(method="GET", host=Host.DATA, path=path, version=version, values=values)


def _read(read: Callable[[Any], T], body: Any) -> T:
    try:
        return read(body)
    except (Unreadable, LookupError, TypeError, AttributeError) as e:
        raise BrokerUnavailable(f"the broker's answer cannot be read: {e}") from e


def _knows_no_such_order(body: Any) -> bool:
    if not isinstance(body, dict) or body.get("code") != NOT_FOUND:
        return False
    return "order" in str(body.get("message", "")).lower()


def _chunks(symbols: Sequence[str]) -> list[Sequence[str]]:
    return [symbols[at : at + CHUNK] for at in range(0, len(symbols), CHUNK)]


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
