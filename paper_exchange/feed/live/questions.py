"""What the upstream is asked, by its paths, and its answers read; each page costs one turn."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from common.contracts import AssetClass, OptionContract, asset_class
from common.quotes import Bar
from paper_exchange.feed.live import codec
from paper_exchange.feed.live.access import Access
from paper_exchange.feed.live.upstream import Host, Upstream, UpstreamDown
from paper_exchange.feed.source import Asset, Past, Series

PAGE_MAX: Final = 10_000
PAGES_MAX: Final = 20
STOCKS_A_CALL: Final = 200  # a query string has to stay short
OPTIONS_A_CALL: Final = 100  # Alpaca's own limit
_CHAIN_PAGE: Final = 1000
_TICK: Final = timedelta(microseconds=1)
_WHOLE_DAY: Final = 390  # minutes of a bar that holds a session

logger = logging.getLogger(__name__)

Snapshots = Mapping[str, Mapping[str, Any]]
T = TypeVar("T")


class Questions:
    """Raises what Upstream does; spend waits for a turn and may refuse one."""

    def __init__(
        self, upstream: Upstream, access: Access, spend: Callable[[], Awaitable[None]]
    ) -> None:
        self._upstream, self._access, self._spend = upstream, access, spend

    async def clock(self) -> datetime:
        """Return what time it is there."""
        answer = await self._get(Host.TRADING, "v2/clock", {})
        return _read(lambda: codec.instant(answer["timestamp"]))

    async def assets(self) -> tuple[Asset, ...]:
        """Return the stocks that can be traded there."""
        query = {"status": "active", "asset_class": AssetClass.EQUITY.value}
        answer = await self._get(Host.TRADING, "v2/assets", query)
        found = _read(lambda: [codec.asset(one) for one in answer])
        return tuple(asset for asset in found if asset is not None)

    async def contracts(
        self, underlying: str, first: date, last: date
    ) -> Mapping[OptionContract, int | None]:
        """Return the contracts on an underlying by expiry, with their open interest."""
        query = {
            "underlying_symbols": underlying,
            "status": "active",
            "expiration_date_gte": first.isoformat(),
            "expiration_date_lte": last.isoformat(),
            "limit": PAGE_MAX,
        }
        pages = await self._pages(Host.TRADING, "v2/options/contracts", query)
        rows = _read(lambda: [codec.contract(one) for p in pages for one in p["option_contracts"]])
        return dict(row for row in rows if row is not None)

    async def stocks(self, symbols: Sequence[str]) -> Snapshots:
        """Return the snapshots of at most STOCKS_A_CALL stocks."""
        query = {"symbols": ",".join(symbols), "feed": self._access.stock_feed}
        return _mapping(await self._get(Host.DATA, "v2/stocks/snapshots", query))

    async def options(self, symbols: Sequence[str]) -> Snapshots:
        """Return the snapshots of at most OPTIONS_A_CALL contracts."""
        query = {
            "symbols": ",".join(symbols),
            "feed": self._access.option_feed,
            "limit": OPTIONS_A_CALL,
        }
        answer = await self._get(Host.DATA, "v1beta1/options/snapshots", query)
        return _mapping(_read(lambda: answer["snapshots"]))

    async def chain(self, contracts: Sequence[OptionContract]) -> Snapshots:
        """Return the snapshots of an expiry's contracts between the strikes of those given."""
        strikes = [contract.strike for contract in contracts]
        query = {
            "feed": self._access.option_feed,
            "expiration_date": contracts[0].expiry.isoformat(),
            "strike_price_gte": str(min(strikes)),
            "strike_price_lte": str(max(strikes)),
            "limit": _CHAIN_PAGE,
        }
        path = f"v1beta1/options/snapshots/{contracts[0].underlying}"
        pages = await self._pages(Host.DATA, path, query)
        found = _read(lambda: [item for page in pages for item in page["snapshots"].items()])
        return _mapping(dict(found))

    async def days(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, list[Bar]]:
        """Return the consolidated tape's daily bars of finished days, of many stocks."""
        query = {**_bars(_WHOLE_DAY), **_window(start, end), "symbols": ",".join(symbols)}
        query |= {"feed": "sip", "limit": PAGE_MAX}
        pages = await self._pages(Host.DATA, "v2/stocks/bars", query)
        found: dict[str, list[Bar]] = {symbol: [] for symbol in symbols}
        for page in pages:
            for symbol, bars in _read(partial(_bars_of, page)):
                found.setdefault(symbol, []).extend(_all(codec.bar, bars))
        return found

    async def past(self, of: Past, start: datetime, end: datetime, limit: int) -> list[Any]:
        """Return at most limit items of [start, end), the last ones when descending, by time."""
        stock = asset_class(of.symbol) is AssetClass.EQUITY
        query = {**_window(start, end), "symbols": of.symbol, "limit": limit}
        query["sort"] = "desc" if of.descending else "asc"
        if of.series is Series.BARS:
            query |= _bars(of.minutes)
        if stock:
            query["feed"] = self._access.stock_feed
        root = "v2/stocks" if stock else "v1beta1/options"
        answer = await self._get(Host.DATA, f"{root}/{of.series.value}", query)
        items = _read(lambda: answer[of.series.value].get(of.symbol) or [])
        read: Callable[[Any], Any] = {
            Series.QUOTES: codec.quote,
            Series.TRADES: codec.trade,
            Series.BARS: codec.bar,
        }[of.series]
        return sorted(_all(read, items), key=lambda item: item.at)

    async def _pages(self, host: Host, path: str, query: Mapping[str, object]) -> list[Any]:
        pages: list[Any] = []
        token: str | None = None
        while len(pages) < PAGES_MAX and (token is not None or not pages):
            more = {"page_token": token} if token else {}
            pages.append(await self._get(host, path, {**query, **more}))
            token = _read(partial(_next, pages[-1]))
        return pages

    async def _get(self, host: Host, path: str, query: Mapping[str, object]) -> Any:
        await self._spend()
        return await self._upstream.get(host, path, query)


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield a sequence in pieces of at most size."""
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _bars_of(page: Any) -> list[tuple[str, Any]]:
    return list(page["bars"].items())


def _next(page: Any) -> str | None:
    token: str | None = page["next_page_token"]
    return token


def _window(start: datetime, end: datetime) -> dict[str, object]:
    """Return the parameters of [start, end); Alpaca's end is inclusive."""
    return {"start": codec.text(start), "end": codec.text(end - _TICK)}


def _bars(minutes: int) -> dict[str, object]:
    return {"timeframe": "1Day" if minutes == _WHOLE_DAY else f"{minutes}Min"}


def _all(read: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
    found = []
    for item in items:
        try:
            found.append(read(item))
        except codec.MALFORMED as e:
            logger.warning("the upstream sent what cannot be read: %.200s (%s)", item, e)
    return found


def _mapping(answer: Any) -> Snapshots:
    if not isinstance(answer, dict):
        raise UpstreamDown(f"the upstream sent no snapshots but {answer!r:.100}")
    return {symbol: found for symbol, found in answer.items() if isinstance(found, dict)}


def _read(look: Callable[[], T]) -> T:
    """Return what an answer holds; UpstreamDown when it is not of Alpaca's shape."""
    try:
        return look()
    except codec.MALFORMED as e:
        raise UpstreamDown(f"the upstream's answer is not Alpaca's: {e!r:.200}") from None
