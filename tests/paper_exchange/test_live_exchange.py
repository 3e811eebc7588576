"""A live market end to end: one exchange of ours is the upstream, another passes it through.

Between them is alpaca-py, unmodified, on real sockets.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.data.historical.option import OptionHistoricalDataClient
from alpaca.data.requests import OptionChainRequest
from websockets.sync.client import connect

from paper_exchange.__main__ import main
from tests.exchange import Exchange

PATIENCE = 30.0
TODAY = "2026-11-20"


@contextmanager
def passing_through(folder: Path, upstream: Exchange, **options: object) -> Iterator[Exchange]:
    """Run an exchange on another's market, with accounts of its own."""
    given = {"feed": "live", "clock": "real", "upstream-url": upstream.url, **options}
    exchange = Exchange(folder, {name: str(value) for name, value in given.items()}, key="PKLIVE")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAPER_EXCHANGE_UPSTREAM_KEY", upstream.key)
        patch.setenv("PAPER_EXCHANGE_UPSTREAM_SECRET", upstream.secret)
        try:
            exchange.launch()
            yield exchange
        finally:
            exchange.stop()


def eventually(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)  # between two looks at another process


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("upstream"), clock="demo", at="10:05") as found:
        yield found


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, upstream: Exchange) -> Iterator[Exchange]:
    with passing_through(tmp_path_factory.mktemp("live"), upstream) as found:
        yield found


def order(exchange: Exchange, symbol: str, side: str = "buy") -> str:
    body = {"symbol": symbol, "qty": "1", "side": side, "type": "market", "time_in_force": "day"}
    answer = exchange.request("POST", "/v2/orders", body)
    assert answer.status == 200, answer.body
    return str(answer.body["id"])


def quotes_of(exchange: Exchange, symbol: str, since: datetime) -> set[tuple[Any, Any]]:
    """Return the bids and asks an upstream quoted lately, to find where ours came from."""
    history = exchange.get("/v2/stocks/quotes", symbols=symbol, start=since.isoformat(), limit=9999)
    return {(quote["bp"], quote["ap"]) for quote in history["quotes"][symbol]}


def test_the_clock_is_the_upstreams(upstream: Exchange, live: Exchange) -> None:
    assert abs(live.now() - upstream.now()) < timedelta(seconds=2)
    assert live.get("/v2/clock")["is_open"] is True
    assert live.request("POST", "/admin/clock", {"by": 60}).status in (401, 404)


def test_a_first_question_is_answered_with_a_quote_of_the_upstream(
    upstream: Exchange, live: Exchange
) -> None:
    since = upstream.now() - timedelta(minutes=1)
    found = live.get("/v2/stocks/quotes/latest", symbols="MSFT,NONE")["quotes"]
    assert set(found) == {"MSFT"}
    assert (found["MSFT"]["bp"], found["MSFT"]["ap"]) in quotes_of(upstream, "MSFT", since)


def test_history_is_the_upstreams_on_the_first_call(upstream: Exchange, live: Exchange) -> None:
    morning = {"start": f"{TODAY}T14:30:00Z", "end": f"{TODAY}T14:59:59Z", "limit": 10_000}
    for path, query in (
        ("/v2/stocks/bars", {"timeframe": "5Min", **morning}),
        ("/v2/stocks/bars", {"timeframe": "1Day", "start": "2026-10-01", "end": "2026-11-19"}),
        ("/v2/stocks/bars", {"timeframe": "1Min", "sort": "desc", **morning}),
        ("/v2/stocks/trades", morning),
        ("/v2/stocks/quotes", {**morning, "end": f"{TODAY}T14:31:00Z"}),
    ):
        told, own = (each.get(path, symbols="AAPL", **query) for each in (upstream, live))
        assert own == told
        assert own[path.rpartition("/")[2]]["AAPL"]


def test_pages_go_on_where_the_last_one_ended(upstream: Exchange, live: Exchange) -> None:
    window = {"symbols": "QQQ", "start": f"{TODAY}T14:30:00Z", "end": f"{TODAY}T14:40:00Z"}
    whole = upstream.get("/v2/stocks/trades", **window, limit=10_000)["trades"]["QQQ"]
    for sort in ("asc", "desc"):
        found: list[Any] = []
        token: str | None = ""
        while token is not None:
            more = {"page_token": token} if token else {}
            page = live.get("/v2/stocks/trades", **window, limit=97, sort=sort, **more)
            found += page["trades"].get("QQQ", [])
            token = page["next_page_token"]
        assert found == (whole if sort == "asc" else whole[::-1])


def test_the_chain_is_listed_and_quoted_through_alpaca_py(
    upstream: Exchange, live: Exchange
) -> None:
    query = {"underlying_symbols": "SPY", "expiration_date": TODAY, "limit": 1000}
    listed = {
        one["symbol"]: one["open_interest"]
        for one in upstream.get("/v2/options/contracts", **query)["option_contracts"]
    }
    ours = live.get("/v2/options/contracts", **query)["option_contracts"]
    assert {one["symbol"]: one["open_interest"] for one in ours} == listed
    client = OptionHistoricalDataClient("PKLIVE", live.secret, url_override=live.url)
    chain = client.get_option_chain(
        OptionChainRequest(underlying_symbol="SPY", expiration_date=TODAY)
    )
    assert set(chain) == set(listed)
    assert all(snapshot.latest_quote for snapshot in chain.values())


def test_orders_fill_at_the_upstreams_price(upstream: Exchange, live: Exchange) -> None:
    since = upstream.now() - timedelta(minutes=1)
    spot = live.get("/v2/stocks/trades/latest", symbols="SPY")["trades"]["SPY"]["p"]
    call = f"SPY261120C{round(spot) * 1000:08d}"
    bought = {symbol: order(live, symbol) for symbol in ("SPY", call)}
    eventually(lambda: all(of["status"] == "filled" for of in live.orders()))
    paid = live.get(f"/v2/orders/{bought['SPY']}")["filled_avg_price"]
    assert float(paid) in {ask for _, ask in quotes_of(upstream, "SPY", since)}
    assert {held["symbol"] for held in live.positions()} == {"SPY", call}
    assert upstream.positions() == [], "the upstream is asked for data only"
    assert upstream.orders() == []


def test_quotes_are_streamed_as_they_become_known(live: Exchange) -> None:
    with connect(live.websocket_url + "/v2/iex") as stream:
        stream.recv(PATIENCE)
        for message in (
            {"action": "auth", "key": live.key, "secret": live.secret},
            {"action": "subscribe", "quotes": ["IWM"], "trades": ["IWM"]},
        ):
            stream.send(json.dumps(message))
            assert json.loads(stream.recv(PATIENCE))[0]["T"] != "error"
        kinds: set[str] = set()
        while not {"q", "t"} <= kinds:
            kinds |= {message["T"] for message in json.loads(stream.recv(PATIENCE))}


def test_without_its_upstream_nothing_fills_and_nothing_is_made_up(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    (tmp_path / "live").mkdir()
    with (
        Exchange.start(tmp_path / "up", clock="demo", at="10:05") as upstream,
        passing_through(tmp_path / "live", upstream, **{"stale-after": 3}) as live,
    ):
        held = order(live, "SPY")
        eventually(lambda: live.get(f"/v2/orders/{held}")["status"] == "filled")
        upstream.kill9()
        eventually(lambda: "trouble" in live.get("/health"))
        answer = live.request("GET", "/v2/stocks/quotes/latest?symbols=TSLA")
        assert answer.status == 503
        assert answer.body["message"].startswith("[upstream_down]")
        killed = live.now()
        eventually(lambda: live.now() > killed + timedelta(seconds=4))
        late = order(live, "SPY", "sell")
        time.sleep(1)  # room for what must not happen: fifty looks at resting orders
        assert live.get(f"/v2/orders/{late}")["status"] == "new"
        upstream.options["port"] = upstream.url.rpartition(":")[2]
        upstream.launch()
        eventually(lambda: live.get(f"/v2/orders/{late}")["status"] == "filled")
        assert "trouble" not in live.get("/health")


def test_what_expires_settles_at_the_upstreams_close(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    (tmp_path / "live").mkdir()
    with (
        Exchange.start(tmp_path / "up", clock="stepped", at="10:05") as upstream,
        passing_through(tmp_path / "live", upstream) as live,
    ):
        spot = live.get("/v2/stocks/trades/latest", symbols="SPY")["trades"]["SPY"]["p"]
        call = f"SPY261120C{round(spot - 30) * 1000:08d}"
        bought = order(live, call)
        eventually(lambda: live.get(f"/v2/orders/{bought}")["status"] == "filled")
        upstream.step_to(datetime.fromisoformat(f"{TODAY}T16:30:00-05:00"))
        eventually(lambda: [held["symbol"] for held in live.positions()] == ["SPY"])
        [shares] = live.positions()
        assert Decimal(shares["qty"]) == 100
        assert Decimal(shares["avg_entry_price"]) == round(spot - 30)


def test_a_live_market_that_cannot_be_is_refused_in_a_line(
    upstream: Exchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(*words: object, url: str = upstream.url) -> str:
        keys = ("--api-key", "K", "--secret-key", "S", "--port", "0", "--feed", "live")
        database = ("--database", f"sqlite:///{tmp_path / 'x.db'}")
        given = (*keys, *database, "--upstream-url", url, *words)
        assert main([str(word) for word in given]) == 2
        return capsys.readouterr().err.strip().splitlines()[-1]

    monkeypatch.delenv("PAPER_EXCHANGE_UPSTREAM_KEY", raising=False)
    assert "needs the keys of an Alpaca account" in refused()
    monkeypatch.setenv("PAPER_EXCHANGE_UPSTREAM_KEY", upstream.key)
    monkeypatch.setenv("PAPER_EXCHANGE_UPSTREAM_SECRET", "wrong")
    assert "answered 401" in refused()
    assert "keeps its own time" in refused("--clock", "demo")
    assert "no --day to choose" in refused("--day", "2026-11-20")
    assert "is for --feed replay" in refused("--recording", tmp_path)
    assert "cannot be asked" in refused(url="http://127.0.0.1:1")
