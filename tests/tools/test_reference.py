"""What is listed, when it trades, what was announced, and the lists a person keeps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.walking import walked

NOBODYS = "00000000-0000-4000-8000-000000000000"
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("get_market_calendar", {"start_date": "soon"}),
    ("market_hours", {"day": "2026-02-30"}),
    ("get_asset_info", {"symbol": "no symbol at all"}),
    ("get_all_assets", {"status": "gone"}),
    ("get_all_assets", {"asset_class": "bonds"}),
    ("get_corporate_announcements", {"ca_types": "divorce"}),
    ("get_corporate_announcements", {"date_type": "birthday"}),
    ("get_corporate_announcements", {"cusip": "x" * 10}),
    ("get_news", {"limit": 51}),
    ("get_news", {"symbols": "IGNORE ALL"}),
    ("get_watchlists", {"watchlist_id": "mine"}),
    ("create_watchlist", {"symbols": "SPY", "name": ""}),
    ("create_watchlist", {"name": "mine", "symbols": ["not one"]}),
    ("update_watchlist", {"watchlist_id": "../orders"}),
    ("add_asset_to_watchlist_by_id", {"watchlist_id": NOBODYS, "symbol": "SPY,AAPL"}),
    ("remove_asset_from_watchlist_by_id", {"symbol": "SPY", "watchlist_id": 7}),
    ("delete_watchlist_by_id", {"watchlist_id": ""}),
]


async def test_arguments_out_of_bounds_are_refused_by_name_and_nothing_is_done(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        for tool, arguments in WRONG:
            told = await client.refusal(tool, **arguments)
            assert told.startswith(f"[bad_argument] {list(arguments)[-1]}"), (tool, told)
            assert ". Next: correct the " in told
    assert exchange.get("/v2/watchlists") == []


async def test_the_calendar_is_walked_and_early_closes_are_marked(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        span = {"start_date": "2026-11-01", "end_date": "2027-01-31"}
        rows = await walked(client, "get_market_calendar", "days", limit=20, **span)
        theirs = exchange.get("/v2/calendar", start="2026-11-01", end="2027-01-31")
        assert [(row["day"], row["open"], row["close"]) for row in rows] == [
            (day["date"], day["open"], day["close"]) for day in theirs
        ]
        assert [row["day"] for row in rows if row["early_close"]] == ["2026-11-27", "2026-12-24"]
        coming = await client.ask("get_market_calendar")
        assert coming["days"][0]["day"] == "2026-12-08"
        weekend = {"start_date": "2026-12-12", "end_date": "2026-12-13"}
        nothing = await client.ask("get_market_calendar", **weekend)
        assert (nothing["days"], nothing["reason"]) == ([], "no trading day in this time")
        told = await client.refusal("get_market_calendar", end_date="2026-01-01")
        assert told.startswith("[bad_argument] the end 2026-01-01 lies before the start")


async def test_hours_of_any_day(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        today = await client.ask("market_hours")
        assert (today["day"], today["is_trading_day"]) == ("2026-12-08", True)
        assert (today["open"], today["close"]) == ("09:30", "16:00")
        assert today["late_options_close"] == "16:15"
        eve = await client.ask("market_hours", day="2026-12-24")
        assert (eve["early_close"], eve["close"], eve["late_options_close"]) == (
            True, "13:00", "13:15"
        )  # fmt: skip
        holiday = await client.ask("market_hours", day="2026-12-25")
        assert (holiday["is_trading_day"], holiday["open"]) == (False, None)
        assert holiday["next_trading_day"]["day"] == "2026-12-28"


async def test_assets_are_walked_by_symbol_and_looked_up(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        rows = await walked(client, "get_all_assets", "assets", limit=4)
        theirs = {one["symbol"]: one for one in exchange.get("/v2/assets")}
        assert [row["symbol"] for row in rows] == sorted(theirs)
        assert all(row["untrusted_name"] == theirs[row["symbol"]]["name"] for row in rows)
        late = await client.ask("get_all_assets", attributes="options_late_close", exchange="arca")
        assert [row["symbol"] for row in late["assets"]] == ["IWM", "QQQ", "SPY"]
        assert late["total"] == 3
        coins = await client.ask("get_all_assets", asset_class="crypto", attributes=None)
        assert [row["symbol"] for row in coins["assets"]] == ["BTC/USD"]
        none = await client.ask("get_all_assets", status="inactive")
        assert (none["assets"], none["reason"]) == ([], "nothing is listed so")

        for symbol in ("SPY", "btc/usd"):
            asset = (await client.ask("get_asset_info", symbol=symbol))["asset"]
            told = theirs.get(symbol.upper()) or exchange.get(f"/v2/assets/{symbol.upper()}")
            assert (asset["symbol"], asset["exchange"]) == (told["symbol"], told["exchange"])
            assert asset["shortable"] is told["shortable"]
            assert Decimal(asset["margin_long"]) == Decimal(told["margin_requirement_long"])
        refused = await client.refusal("get_asset_info", symbol="ZZZZ")
        assert refused.startswith("[broker_refused] asset not found for ZZZZ")


async def test_announcements_are_those_of_the_time_and_the_kind(
    desk: Desk, exchange: Exchange
) -> None:
    span = {"since": "2026-12-01", "until": "2026-12-31"}
    async with desk.client() as client:
        await client.ready()
        rows = await walked(client, "get_corporate_announcements", "announcements", limit=1, **span)
        theirs = exchange.get("/v2/corporate_actions/announcements", ca_types="dividend", **span)
        assert {row["id"] for row in rows} == {one["id"] for one in theirs}
        assert [row["ex_date"] for row in rows] == sorted(one["ex_date"] for one in theirs)
        one = next(row for row in theirs if row["initiating_symbol"] == "SPY")
        for kinds in ("dividend", ["dividend", "split"], '["dividend"]'):
            mine = await client.ask(
                "get_corporate_announcements", ca_types=kinds, symbol="SPY", **span
            )
            [row] = mine["announcements"]
            assert Decimal(row["cash"]) == Decimal(one["cash"])
        none = await client.ask("get_corporate_announcements", ca_types="merger", **span)
        assert none["announcements"] == []
        assert "nothing of these kinds" in none["reason"]
        told = await client.refusal("get_corporate_announcements", until="2027-12-01")
        assert told.startswith("[bad_argument] until must lie 0 to 90 days after since")


async def test_a_watchlist_lives_and_every_change_may_be_repeated(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        for _ in range(2):
            made = await client.ask("create_watchlist", name="mornings", symbols="SPY,AAPL")
        listed = {"watchlist_id": made["watchlist"]["id"]}
        assert [one["name"] for one in exchange.get("/v2/watchlists")] == ["mornings"]
        other = await client.refusal("create_watchlist", name="mornings", symbols="QQQ")
        assert other.startswith("[broker_refused] watchlist name must be unique")

        for _ in range(2):
            added = await client.ask("add_asset_to_watchlist_by_id", **listed, symbol="BTC/USD")
            assert added["watchlist"]["symbols"] == ["SPY", "AAPL", "BTC/USD"]
        for _ in range(2):
            left = await client.ask("remove_asset_from_watchlist_by_id", **listed, symbol="AAPL")
            assert left["watchlist"]["symbols"] == ["SPY", "BTC/USD"]
        renamed = await client.ask("update_watchlist", **listed, name="evenings")
        assert renamed["watchlist"]["untrusted_name"] == "evenings"
        assert renamed["watchlist"]["symbols"] == ["SPY", "BTC/USD"]
        swapped = await client.ask("update_watchlist", **listed, symbols=["QQQ"])
        assert swapped["watchlist"]["symbols"] == ["QQQ"]
        nothing = await client.refusal("update_watchlist", **listed)
        assert nothing.startswith("[bad_argument] neither name nor symbols is given")

        await client.ask("create_watchlist", name="more", symbols=[])
        rows = await walked(client, "get_watchlists", "watchlists", limit=1)
        assert {row["untrusted_name"] for row in rows} == {"evenings", "more"}
        [shown] = (await client.ask("get_watchlists", **listed))["watchlists"]
        assert shown["symbols"] == ["QQQ"]

        for row in rows:
            gone = await client.ask("delete_watchlist_by_id", watchlist_id=row["id"])
            assert (gone["status"], gone["watchlist"]["id"]) == ("deleted", row["id"])
        assert exchange.get("/v2/watchlists") == []
        empty = await client.ask("get_watchlists")
        assert (empty["watchlists"], empty["reason"]) == ([], "there is no watchlist")
        refused = await client.refusal("get_watchlists", watchlist_id=NOBODYS)
        assert refused.startswith("[broker_refused] watchlist not found")


async def test_news_is_newest_first_and_walked(desk: Desk, exchange: Exchange) -> None:
    span = {"start": "2026-12-01", "end": "2026-12-08"}
    async with desk.client() as client:
        await client.ready()
        rows = await walked(client, "get_news", "articles", symbols="SPY", limit=4, **span)
        theirs = exchange.get("/v1beta1/news", symbols="SPY", limit=50, **span)["news"]
        assert [row["id"] for row in rows] == [str(one["id"]) for one in theirs]
        assert [row["untrusted_headline"] for row in rows] == [one["headline"] for one in theirs]
        whole = await client.ask("get_news", include_content=True, limit=1)
        assert whole["articles"][0]["untrusted_content"].startswith("The session of 2026-12-08")
        nothing = await client.ask("get_news", symbols="ZZZZ")
        assert (nothing["articles"], nothing["reason"]) == ([], "no news of these in this time")
