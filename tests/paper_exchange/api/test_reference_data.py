"""What is derived from the feed agrees with the feed; what there is none of is empty."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import CorporateActionDateType, CorporateActionType
from alpaca.trading.models import CorporateActionAnnouncement
from alpaca.trading.requests import GetCorporateAnnouncementsRequest

from tests.exchange import Exchange

SCREENER = "/v1beta1/screener/stocks"


def spy_option(exchange: Exchange) -> str:
    """Return a contract near the money that expires today."""
    spot = exchange.get("/v2/stocks/SPY/trades/latest")["trade"]["p"]
    listed = exchange.get(
        "/v2/options/contracts", underlying_symbols="SPY", type="call", strike_price_gte=spot
    )
    return str(listed["option_contracts"][0]["symbol"])


@pytest.mark.parametrize("by", ["volume", "trades"])
def test_the_most_active_are_those_whose_day_bars_say_so(exchange: Exchange, by: str) -> None:
    found = exchange.get(f"{SCREENER}/most-actives", by=by, top=5)["most_actives"]
    symbols = ",".join(one["symbol"] for one in found)
    snapshots = exchange.get("/v2/stocks/snapshots", symbols=symbols)
    days = [snapshots[one["symbol"]]["dailyBar"] for one in found]
    assert [one["volume"] for one in found] == [day["v"] for day in days]
    assert [one["trade_count"] for one in found] == [day["n"] for day in days]
    counts = [one["volume" if by == "volume" else "trade_count"] for one in found]
    assert counts == sorted(counts, reverse=True)


def test_movers_moved_from_the_close_before(exchange: Exchange) -> None:
    found = exchange.get(f"{SCREENER}/movers", top=50)
    moved = found["gainers"] + found["losers"]
    snapshots = exchange.get(
        "/v2/stocks/snapshots", symbols=",".join(one["symbol"] for one in moved)
    )
    for one in moved:
        before = snapshots[one["symbol"]]["prevDailyBar"]["c"]
        assert one["change"] == pytest.approx(one["price"] - before, abs=0.011)
        assert one["percent_change"] == pytest.approx(one["change"] / before * 100, abs=0.02)
    assert [one["percent_change"] for one in found["gainers"]] == sorted(
        (one["percent_change"] for one in found["gainers"]), reverse=True
    )
    assert exchange.request("GET", "/v1beta1/screener/bonds/movers").status == 404


def test_auctions_are_the_ends_of_the_days_bars(exchange: Exchange) -> None:
    window = {"start": "2026-11-18", "end": "2026-11-20"}
    auctions = exchange.get("/v2/stocks/SPY/auctions", **window)["auctions"]
    days = exchange.get("/v2/stocks/SPY/bars", timeframe="1Day", **window)["bars"]
    assert [one["d"] for one in auctions] == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert [one["o"][0]["p"] for one in auctions] == [day["o"] for day in days]
    assert [one["c"][0]["p"] for one in auctions[:2]] == [day["c"] for day in days[:2]]
    assert auctions[2]["c"] == [], "today's session is not over"


def test_option_bars_and_trades_tell_the_same(exchange: Exchange) -> None:
    window = {
        "start": "2026-11-20T14:30:00Z",
        "end": "2026-11-20T14:59:59.999999Z",
        "limit": 10_000,
    }
    symbol = spy_option(exchange)
    trades = exchange.get("/v1beta1/options/trades", symbols=symbol, **window)["trades"][symbol]
    query = {"symbols": symbol, "timeframe": "1Hour", **window, "start": "2026-11-20T14:00:00Z"}
    bars = exchange.get("/v1beta1/options/bars", **query)["bars"][symbol]
    assert bars[0]["n"] == len(trades)
    assert bars[0]["v"] == sum(trade["s"] for trade in trades)
    assert (bars[0]["o"], bars[0]["c"]) == (trades[0]["p"], trades[-1]["p"])


def test_snapshots_of_named_contracts_have_the_bars_of_their_history(exchange: Exchange) -> None:
    symbol = spy_option(exchange)
    path, query = "/v1beta1/options/snapshots", {"symbols": symbol}
    shown = exchange.get(path, **query)["snapshots"][symbol]
    found = {}
    for name, timeframe in (("minuteBar", "1Min"), ("dailyBar", "1Day"), ("prevDailyBar", "1Day")):
        window = {"timeframe": timeframe, "start": "2026-11-16", "limit": 10_000}
        bars = exchange.get("/v1beta1/options/bars", **query, **window)["bars"][symbol]
        found[name] = bars[-2 if name == "prevDailyBar" else -1]
    assert {name: shown[name] for name in found} == found


def test_weekly_bars_are_made_of_daily_ones(exchange: Exchange) -> None:
    query = {"start": "2026-11-02", "end": "2026-11-13"}
    days = exchange.get("/v2/stocks/SPY/bars", timeframe="1Day", **query)["bars"]
    weeks = exchange.get("/v2/stocks/SPY/bars", timeframe="1Week", **query)["bars"]
    assert [week["v"] for week in weeks] == [
        sum(day["v"] for day in days[:5]),
        sum(day["v"] for day in days[5:]),
    ]
    assert [week["h"] for week in weeks] == [
        max(day["h"] for day in days[:5]),
        max(day["h"] for day in days[5:]),
    ]


def test_an_order_book_holds_the_quote(exchange: Exchange) -> None:
    book = exchange.get("/v1beta3/crypto/us/latest/orderbooks", symbols="BTC/USD")["orderbooks"]
    quote = exchange.get("/v1beta3/crypto/us/latest/quotes", symbols="BTC/USD")["quotes"]
    (ask,), (bid,) = book["BTC/USD"]["a"], book["BTC/USD"]["b"]
    assert (ask["p"], bid["p"]) == (quote["BTC/USD"]["ap"], quote["BTC/USD"]["bp"])


def test_news_is_of_sessions_that_have_opened_and_closed(exchange: Exchange) -> None:
    page = exchange.get("/v1beta1/news", limit=3)
    assert [one["created_at"] for one in page["news"]] == [
        "2026-11-20T14:30:00Z", "2026-11-19T21:00:00Z", "2026-11-19T14:30:00Z",
    ]  # fmt: skip
    following = exchange.get("/v1beta1/news", limit=3, page_token=page["next_page_token"])
    assert following["news"][0]["created_at"] == "2026-11-18T21:00:00Z"
    assert exchange.get("/v1beta1/news", symbols="XYZ")["news"] == []


@pytest.mark.parametrize(
    ("time", "phase", "until"),
    [
        ("2026-11-20T08:00:00Z", "closed", "2026-11-20T04:00:00-05:00"),
        ("2026-11-20T13:00:00Z", "pre", "2026-11-20T09:30:00-05:00"),
        ("2026-11-20T15:00:00Z", "core", "2026-11-20T16:00:00-05:00"),
        ("2026-11-20T22:00:00Z", "post", "2026-11-20T20:00:00-05:00"),
        ("2026-11-21T15:00:00Z", "closed", "2026-11-23T04:00:00-05:00"),
        ("2026-11-27T18:30:00Z", "post", "2026-11-27T20:00:00-05:00"),
    ],
)
def test_the_third_clock_knows_every_phase(
    exchange: Exchange, time: str, phase: str, until: str
) -> None:
    (clock,) = exchange.get("/v3/clock", markets="NYSE", time=time)["clocks"]
    assert (clock["phase"], clock["phase_until"]) == (phase, until)
    assert datetime.fromisoformat(clock["next_market_open"]) > datetime.fromisoformat(time)
    assert exchange.request("GET", "/v3/clock", query={"markets": "MARS"}).status == 404


def test_the_third_calendar_agrees_with_the_second(exchange: Exchange) -> None:
    query = {"start": "2026-11-23", "end": "2026-11-30"}
    days = exchange.get("/v3/calendar/NYSE", **query)["calendar"]
    before = exchange.get("/v2/calendar", **query)
    assert [(day["date"], day["core_end"][11:16]) for day in days] == [
        (day["date"], day["close"]) for day in before
    ]
    assert exchange.get("/v2/calendar", end="2000-01-01") == []


@pytest.mark.parametrize(
    ("path", "query", "empty"),
    [
        (
            "/v1/corporate-actions",
            {"types": "spin_off"},
            {"corporate_actions": {}, "next_page_token": None},
        ),
        ("/v1beta1/fixed_income/latest/quotes", {"isins": "US912797KJ59"}, {"quotes": {}}),
        ("/v1/locates", {}, {"locates": [], "next_page_token": None}),
    ],
)  # fmt: skip
def test_what_there_is_none_of_is_empty(
    exchange: Exchange, path: str, query: dict[str, str], empty: Any
) -> None:
    assert exchange.get(path, **query) == empty


def test_greeks_on_expiry_day_are_there_only_when_enhanced(
    exchange: Exchange, tmp_path: Path
) -> None:
    symbol = spy_option(exchange)
    path = "/v1beta1/options/snapshots"
    assert "greeks" not in exchange.get(path, symbols=symbol)["snapshots"][symbol]
    with Exchange.start(tmp_path, at="10:05", greeks="enhanced") as enhanced:
        found = enhanced.get(path, symbols=symbol)["snapshots"][symbol]
        assert 0 < found["greeks"]["delta"] < 1
        assert found["greeks"]["theta"] < 0 < found["greeks"]["gamma"]
        assert found["impliedVolatility"] > 0


def test_a_position_bought_today_still_has_a_price_of_yesterday(exchange: Exchange) -> None:
    trader = exchange.tenant()
    wanted = {"symbol": "SPY", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    assert trader.request("POST", "/v2/orders", wanted).status == 200
    (held,) = trader.positions()
    snapshot = exchange.get("/v2/stocks/SPY/snapshot")
    assert float(held["lastday_price"]) == snapshot["prevDailyBar"]["c"]
    assert float(held["change_today"]) == pytest.approx(
        float(held["current_price"]) / float(held["lastday_price"]) - 1, abs=1e-5
    )


def test_contracts_tell_what_they_closed_at(exchange: Exchange) -> None:
    listed = exchange.get("/v2/options/contracts", underlying_symbols="SPY", limit=1000)
    closes = [one for one in listed["option_contracts"] if "close_price" in one]
    assert len(closes) > len(listed["option_contracts"]) / 2
    assert {one["close_price_date"] for one in closes} == {"2026-11-19"}
    assert all(float(one["close_price"]) > 0 for one in closes)


def test_the_basic_plan_has_the_consolidated_feed_only_when_it_is_old(
    exchange: Exchange, tmp_path: Path
) -> None:
    asked = {"symbols": "SPY", "feed": "sip"}
    old = {**asked, "start": "2026-11-20T14:30:00Z", "end": "2026-11-20T14:45:00Z"}
    recent = {**asked, "start": "2026-11-20T14:30:00Z"}
    said = {"message": "subscription does not permit querying recent SIP data"}
    for path, query in (
        ("/v2/stocks/quotes/latest", asked),
        ("/v2/stocks/SPY/trades/latest", asked),
        ("/v2/stocks/snapshots", asked),
        ("/v2/stocks/trades", recent),
    ):
        answer = exchange.request("GET", path, query=query)
        assert (answer.status, answer.body) == (403, said)
        assert exchange.get(path, **{**query, "feed": "iex"})
        assert exchange.request("GET", path, query={**query, "feed": "x"}).status == 400
    assert exchange.get("/v2/stocks/trades", **old)["trades"]["SPY"]
    with Exchange.start(tmp_path, at="10:05", data_plan="plus") as plus:
        assert plus.get("/v2/stocks/quotes/latest", **asked)["quotes"]["SPY"]


@pytest.mark.filterwarnings("ignore:get_corporate_announcement:DeprecationWarning")
def test_dividends_are_announced_once_they_are_declared(exchange: Exchange) -> None:
    client = TradingClient(exchange.key, exchange.secret, url_override=exchange.url)

    def announced(**about: object) -> list[CorporateActionAnnouncement]:
        asked = GetCorporateAnnouncementsRequest(
            ca_types=[CorporateActionType.DIVIDEND],
            since=date(2026, 11, 1),
            until=date(2027, 1, 20),
            **about,  # type: ignore[arg-type]  # what its own fields say
        )
        found = client.get_corporate_announcements(asked)
        assert isinstance(found, list)
        return found

    everybody = announced()
    assert {one.initiating_symbol for one in everybody} == {
        "AAPL", "GOOG", "IWM", "MSFT", "QQQ", "SPY",
    }  # fmt: skip
    [spy] = announced(symbol="SPY")
    assert (spy.ex_date, spy.record_date, spy.payable_date, spy.cash) == (
        date(2026, 12, 18), date(2026, 12, 18), date(2027, 2, 1), 1.85,
    )  # fmt: skip
    assert client.get_corporate_announcement_by_id(spy.id) == spy
    [paid] = announced(date_type=CorporateActionDateType.PAYABLE_DATE, symbol="SPY")
    assert (paid.ex_date, paid.payable_date) == (date(2026, 9, 18), date(2026, 11, 2))


def test_corporate_actions_are_listed_by_the_day_they_are_paid(exchange: Exchange) -> None:
    def paid(**query: object) -> list[tuple[str, str]]:
        found = exchange.get("/v1/corporate-actions", **query)["corporate_actions"]
        return [(one["symbol"], one["process_date"]) for one in found.get("cash_dividends", [])]

    window = {"start": "2026-11-01", "end": "2026-11-30"}
    funds, stocks = "2026-11-02", "2026-11-19"
    assert paid(**window) == [
        *((symbol, funds) for symbol in ("IWM", "QQQ", "SPY")),
        *((symbol, stocks) for symbol in ("AAPL", "GOOG", "MSFT")),
    ]
    assert paid(**window, symbols="SPY,TSLA") == [("SPY", funds)]
    assert paid(**window, cusips="037833100") == [("AAPL", stocks)]
    assert paid(**window, limit=1, sort="desc") == [("MSFT", stocks)]
    assert paid(start="1900-01-01", end="1900-12-31") == []
    assert paid(start="9999-01-01", end="9999-12-31") == []
    assert exchange.request("GET", "/v1/corporate-actions", query={"types": "party"}).status == 400


def test_treasuries_are_quoted_at_prices_that_their_yields_mean(exchange: Exchange) -> None:
    query = {"isins": "US912810SK51,US912797KJ59"}
    quotes = exchange.get("/v1beta1/fixed_income/latest/quotes", **query)["quotes"]
    [(isin, quote)] = quotes.items()
    assert isin == "US912810SK51"
    assert 0 < quote["bp"] < quote["ap"] < 100  # its coupon is below today's yields
    assert quote["aytm"] < quote["bytm"]
    price = exchange.get("/v1beta1/fixed_income/latest/prices", **query)["prices"][isin]
    assert quote["bp"] < price["p"] < quote["ap"]
