"""An upstream that misbehaves: what it spoils, and what it must not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from common.errors import MarketDataMissing, Misconfigured
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.live.access import Access
from paper_exchange.feed.live.opening import LiveMarket, open_live
from paper_exchange.feed.source import Latest, Listed

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
Answer = tuple[int, Any]


class Upstream:
    """Answers as told: told[path] replaces what it would say of a query's symbols."""

    def __init__(self) -> None:
        self.told: dict[str, Callable[[list[str]], Answer]] = {}
        self.asked: list[tuple[str, list[str]]] = []

    def answer(self, path: str, symbols: list[str]) -> Answer:
        self.asked.append((path, symbols))
        if path in self.told:
            return self.told[path](symbols)
        if path == "/v2/clock":
            return 200, {"timestamp": NOON.isoformat()}
        if path == "/v2/assets":
            listed = ("SPY", "BAD", *(f"Z{letter}" for letter in "ABCDEFGH"))
            return 200, [{"symbol": s, "tradable": True, "status": "active"} for s in listed]
        if path == "/v2/stocks/snapshots":
            quote = {"bp": 9.5, "ap": 9.6, "bs": 1, "as": 1, "t": NOON.isoformat()}
            return 200, {symbol: {"latestQuote": quote} for symbol in symbols}
        return 200, {"bars": {}, "next_page_token": None}


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def url(upstream: Upstream) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            symbols = parse_qs(asked.query).get("symbols", [""])[0].split(",")
            status, body = upstream.answer(asked.path, symbols)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@asynccontextmanager
async def following(url: str, calendar: Calendar) -> AsyncIterator[LiveMarket]:
    access = Access(key="k", secret="s", trading_url=url, data_url=url, requests_per_minute=100_000)
    async with open_live(access, calendar) as market:
        yield market


async def until(met: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not met():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_one_symbol_refused_does_not_spoil_the_others(
    upstream: Upstream, url: str, calendar: Calendar
) -> None:
    def refusing(symbols: list[str]) -> Answer:
        if "BAD" in symbols:
            return 400, {"message": "invalid symbol: BAD"}
        del upstream.told["/v2/stocks/snapshots"]
        answer = upstream.answer("/v2/stocks/snapshots", symbols)
        upstream.told["/v2/stocks/snapshots"] = refusing
        return answer

    upstream.told["/v2/stocks/snapshots"] = refusing
    async with following(url, calendar) as market:
        wanted = ["ZA", "ZB", "ZC", "BAD", "ZD"]
        market.source.quotes(wanted, NOON)
        await until(lambda: "BAD" not in market.source.followed())
        found = dict(zip(wanted, market.source.quotes(wanted, market.clock.now()), strict=True))
        assert [symbol for symbol, quote in found.items() if quote is None] == ["BAD"]
        assert market.source.trouble() is None


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, {"message": "subscription does not permit querying recent SIP data"}, "refused"),
        (429, {"message": "too many requests."}, "down"),
        (500, b"<html>", "down"),
        (200, b"<html>", "down"),
        (200, [1, 2], "down"),
    ],
)
async def test_what_goes_wrong_is_said_and_comes_right_by_itself(
    upstream: Upstream, url: str, calendar: Calendar, status: int, body: Any, code: str
) -> None:
    async with following(url, calendar) as market:
        upstream.told["/v2/stocks/snapshots"] = lambda _: (status, body)
        with pytest.raises(MarketDataMissing) as refused:
            await market.source.prepare(Latest(["SPY"]))
        assert refused.value.code == f"upstream_{code}"
        await until(market.source.trouble)
        assert market.source.quotes(["SPY"], market.clock.now()) == [None]
        upstream.told.clear()
        await until(lambda: market.source.trouble() is None)
        await until(lambda: market.source.quotes(["SPY"], market.clock.now()) != [None])


async def test_a_quote_grows_old(upstream: Upstream, url: str, calendar: Calendar) -> None:
    async with following(url, calendar) as market:
        await market.source.prepare(Latest(["SPY"]))
        now = market.clock.now()
        [quote] = market.source.quotes(["SPY"], now)
        assert quote is not None
        ages = [timedelta(seconds=age) for age in (0, 10, 50)]
        assert [market.source.fresh("SPY", quote, now + age) for age in ages] == [
            True,
            True,
            False,
        ], "the upstream was silent for longer than 15 seconds"
        late = quote.at + timedelta(seconds=61)
        assert not market.source.fresh("SPY", quote, late)
        assert market.source.fresh("SPY", quote, now + timedelta(hours=9)), "after hours"


async def test_the_listing_of_a_stock_without_options_is_not_asked_for(
    upstream: Upstream, url: str, calendar: Calendar
) -> None:
    async with following(url, calendar) as market:
        await market.source.prepare(Listed(["SPY", "NONE"]))
        assert market.source.contracts("SPY", NOON.date()) == ()
        assert not [path for path, _ in upstream.asked if "contracts" in path]


@pytest.mark.parametrize(("path", "answer"), [("/v2/assets", []), ("/v2/clock", {"t": 1})])
async def test_an_upstream_that_is_none_is_refused(
    upstream: Upstream, url: str, calendar: Calendar, path: str, answer: Any
) -> None:
    upstream.told[path] = lambda _: (200, answer)
    with pytest.raises(Misconfigured, match="the upstream"):
        async with following(url, calendar):
            pass
