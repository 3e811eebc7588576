"""Market data by the tools is the exchange's own, page by page, and what is not there is said."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.session import NEW_YORK, new_york_text
from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.walking import bar_at, bar_of, dec, walked

AT_THE_MONEY = "SPY261208C00677000"
TOMORROWS = "SPY261209C00677000"
MANY = [f"A{chr(65 + n % 26)}{chr(65 + n // 26)}" for n in range(51)]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("get_stock_quote", {"symbol": "BTC/USD"}),
    ("get_stock_quote", {"symbol": ""}),
    ("get_stock_quote", {"symbol": ["AAPL"] * 3 + [7]}),
    ("get_stock_quote", {"symbol": {"a": 1}}),
    ("get_stock_quote", {"symbol": "IGNORE ALL RULES"}),
    ("get_stock_bars", {"symbol": "SPY", "days": 0}),
    ("get_stock_bars", {"symbol": "SPY", "timeframe": "7Min"}),
    ("get_stock_bars", {"symbol": "SPY", "limit": 201}),
    ("get_stock_bars", {"symbol": "SPY", "start": "yesterday"}),
    ("get_stock_bars", {"symbol": "SPY", "adjustment": "none"}),
    ("get_stock_trades", {"symbol": "SPY", "sort": "up"}),
    ("get_stock_trades", {"symbol": "SPY", "currency": "dollars"}),
    ("get_stock_latest_trade", {"symbol": "SPY", "feed": "bats"}),
    ("get_stock_latest_bar", {"symbol": "not one"}),
    ("get_stock_snapshot", {"symbol": MANY}),
    ("get_most_active_stocks", {"top": 51}),
    ("get_market_movers", {"market_type": "bonds"}),
    ("stock_level2_data", {"symbol": "SPY,AAPL"}),
]  # fmt: skip


async def test_arguments_out_of_bounds_are_refused_by_name(desk: Desk) -> None:
    async with desk.client() as client:
        for tool, arguments in WRONG:
            told = await client.refusal(tool, **arguments)
            assert told.startswith("[bad_argument] "), (tool, told)
            assert list(arguments)[-1] in told, told
            assert ". Next: correct the " in told


async def test_symbols_are_taken_in_every_form(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        for given in ("spy,AAPL", "SPY, AAPL", ["SPY", "AAPL"], '["SPY", "AAPL"]', "SPY,AAPL,SPY"):
            shown = await client.ask("get_stock_quote", symbol=given)
            assert {row["symbol"] for row in shown["quotes"]} == {"SPY", "AAPL"}, given
        for given in ("BTC", "BTCUSD", "btc/usd", ["BTC/USD"]):
            shown = await client.ask("get_crypto_latest_quote", symbol=given)
            assert [row["symbol"] for row in shown["quotes"]] == ["BTC/USD"], given


async def test_latest_of_stocks_is_the_exchanges_and_says_what_is_missing(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        quote = exchange.get("/v2/stocks/SPY/quotes/latest")["quote"]
        shown = await client.ask("get_stock_quote", symbol="SPY,ZZZZ")
        [row] = shown["quotes"]
        assert (dec(row["bid"]), dec(row["ask"])) == (dec(quote["bp"]), dec(quote["ap"]))
        assert (row["bid_size"], row["ask_size"]) == (str(quote["bs"]), str(quote["as"]))
        assert dec(row["mid"]) == (dec(quote["bp"]) + dec(quote["ap"])) / 2
        assert 0 <= row["age_seconds"] < 60
        assert shown["missing"] == ["ZZZZ"]
        assert "not listed" in shown["reason"]
        assert (shown["source"], shown["truncated"]) == ("iex", False)
        assert shown["as_of"].startswith("2026-12-08 10:0")

        trade = exchange.get("/v2/stocks/SPY/trades/latest")["trade"]
        [row] = (await client.ask("get_stock_latest_trade", symbol="SPY", feed="iex"))["trades"]
        assert (dec(row["price"]), dec(row["size"])) == (dec(trade["p"]), dec(trade["s"]))
        told = await client.refusal("get_stock_latest_trade", symbol="SPY", feed="sip")
        assert told.startswith("[broker_refused] subscription does not permit querying recent SIP")
        bar = exchange.get("/v2/stocks/SPY/bars/latest")["bar"]
        shown = await client.ask("get_stock_latest_bar", symbol="SPY")
        assert bar_of(shown["bars"][0]) == bar_at(bar)
        assert shown["reason"] is None

        [row] = (await client.ask("get_stock_snapshot", symbol="SPY"))["snapshots"]
        theirs = exchange.get("/v2/stocks/SPY/snapshot")
        assert bar_of(row["day_bar"]) == bar_at(theirs["dailyBar"])
        assert bar_of(row["day_before"]) == bar_at(theirs["prevDailyBar"])
        moved = dec(theirs["latestTrade"]["p"]) - dec(theirs["prevDailyBar"]["c"])
        assert dec(row["change"]) == moved
        assert row["change_percent"] == pytest.approx(
            float(100 * moved / dec(theirs["prevDailyBar"]["c"])), abs=0.005
        )


async def test_prices_in_a_currency_that_is_not_confirmed_are_refused(desk: Desk) -> None:
    async with desk.client() as client:
        told = await client.refusal("get_stock_latest_trade", symbol="SPY", currency="EUR")
        assert told.startswith("[broker_refused] the broker did not confirm prices in EUR")
        assert (await client.ask("get_stock_latest_trade", symbol="SPY", currency="USD"))["trades"]


async def test_bars_of_stocks_are_walked_without_loss_or_repeat(
    desk: Desk, exchange: Exchange
) -> None:
    window = {"start": "2026-12-08T09:30", "end": "2026-12-08T10:03"}
    async with desk.client() as client:
        await client.ready()
        rows = await walked(
            client,
            "get_stock_bars",
            "bars",
            symbol="SPY,AAPL",
            timeframe="1Min",
            limit=20,
            **window,
        )
        theirs = exchange.get(
            "/v2/stocks/bars",
            symbols="SPY,AAPL",
            timeframe="1Min",
            start="2026-12-08T09:30:00-05:00",
            end="2026-12-08T10:03:00-05:00",
        )["bars"]
        for symbol in ("AAPL", "SPY"):
            mine = [bar_of(row) for row in rows if row["symbol"] == symbol]
            assert mine == [bar_at(bar) for bar in theirs[symbol]]
            assert len(mine) == 34

        days = (await client.ask("get_stock_bars", symbol="SPY", days=7))["bars"]
        assert [row["at"][:10] for row in days] == [
            "2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04", "2026-12-07", "2026-12-08"
        ]  # fmt: skip
        sunday = await client.ask(
            "get_stock_bars", symbol="SPY", start="2026-12-06", end="2026-12-06"
        )
        assert (sunday["bars"], sunday["missing"]) == ([], ["SPY"])
        assert "a closed market" in sunday["reason"]
        told = await client.refusal("get_stock_bars", symbol="SPY", start="2027-01-01")
        assert told.startswith("[bad_argument] start lies after the end")


async def test_trades_are_walked_in_both_directions(desk: Desk, exchange: Exchange) -> None:
    window = {"start": "2026-12-08T09:59:00", "end": "2026-12-08T09:59:40"}
    async with desk.client() as client:
        await client.ready()
        for tool, symbol in (("get_stock_trades", "SPY"), ("get_crypto_trades", "BTC/USD")):
            up = await walked(client, tool, "trades", symbol=symbol, sort="asc", limit=9, **window)
            down = await walked(
                client, tool, "trades", symbol=symbol, sort="desc", limit=9, **window
            )
            assert up == down[::-1]
            assert len({row["at"] for row in up}) == len(up) > 20
            assert [row["at"] for row in up] == sorted(row["at"] for row in up)
        theirs = exchange.get(
            "/v2/stocks/SPY/trades",
            start="2026-12-08T09:59:00-05:00",
            end="2026-12-08T09:59:40-05:00",
        )["trades"]
        shown = await client.ask("get_stock_trades", symbol="SPY", limit=200, **window)
        assert [dec(row["price"]) for row in shown["trades"]] == [dec(t["p"]) for t in theirs]


async def test_screens_rank_as_the_exchange_does(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        shown = await client.ask("get_most_active_stocks", by="volume", top=3)
        theirs = exchange.get("/v1beta1/screener/stocks/most-actives", by="volume", top=3)
        assert [(row["symbol"], row["volume"]) for row in shown["stocks"]] == [
            (row["symbol"], str(row["volume"])) for row in theirs["most_actives"]
        ]
        for market in ("stocks", "crypto"):
            moved = await client.ask("get_market_movers", market_type=market, top=2)
            told = exchange.get(f"/v1beta1/screener/{market}/movers", top=2)
            for side in ("gainers", "losers"):
                assert [row["symbol"] for row in moved[side]] == [
                    row["symbol"] for row in told[side]
                ]
            assert moved["counted_at"].startswith("2026-12-08")


async def test_a_book_is_as_deep_as_its_venue_tells_and_the_answer_says_so(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        stock = await client.ask("stock_level2_data", symbol="SPY")
        quote = exchange.get("/v2/stocks/SPY/quotes/latest")["quote"]
        assert stock["book"]["bids"] == [{"price": str(quote["bp"]), "size": str(quote["bs"])}]
        assert "no more depth" in stock["depth"]
        coin = await client.ask("stock_level2_data", symbol="BTC/USD", levels=5)
        told = exchange.get("/v1beta3/crypto/us/latest/orderbooks", symbols="BTC/USD")
        book = told["orderbooks"]["BTC/USD"]
        assert [dec(row["price"]) for row in coin["book"]["asks"]] == [
            dec(a["p"]) for a in book["a"]
        ]
        assert "the venue tells" in coin["depth"]
        contract = await client.ask("stock_level2_data", symbol=AT_THE_MONEY)
        assert len(contract["book"]["bids"]) == len(contract["book"]["asks"]) == 1
        nobody = await client.ask("stock_level2_data", symbol="ZZZZ")
        assert (nobody["book"], nobody["missing"]) == (None, ["ZZZZ"])
        books = await client.ask("get_crypto_latest_orderbook", symbol="BTC/USD")
        assert books["books"] == [coin["book"]]


async def test_times_are_new_yorks_unless_they_say_otherwise(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        asked = {"symbol": "SPY", "timeframe": "1Min"}
        local = await bars(client, **asked, start="2026-12-08T09:45", end="2026-12-08T09:47")
        zulu = await bars(client, **asked, start="2026-12-08T14:45:00Z", end="2026-12-08T14:47:00Z")
        assert local == zulu
        opened = datetime(2026, 12, 8, 9, 45, tzinfo=NEW_YORK)
        minutes = [new_york_text(opened + timedelta(minutes=n)) for n in range(3)]
        assert [row["at"] for row in local] == minutes


async def bars(client: DeskClient, **arguments: Any) -> list[dict[str, Any]]:
    shown = await client.ask("get_stock_bars", **arguments)
    assert json.dumps(shown)
    return list(shown["bars"])
