"""Long lists are read once and shown in pages; a list that was made unheard is found again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common.clock import FrozenClock
from common.errors import BadArgument, BrokerRefused
from services.broker.library import Assets
from services.market.reference import KEPT, Announced, ReferenceData
from services.market.watchlists import Watchlists
from tests.services.broker import fault_server as faults
from tests.services.broker.connecting import against
from tests.services.broker.fault_server import reply

NOW = datetime(2026, 11, 20, 15, 5, tzinfo=UTC)
STOCKS = Assets(asset_class="us_equity")
TAKEN = reply(422, {"code": 40010001, "message": "watchlist name must be unique"})


def asset(symbol: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "name": symbol,
        "class": "us_equity",
        "exchange": "NYSE",
        "status": "active",
        "tradable": True,
    }


def watchlist(*symbols: str) -> dict[str, Any]:
    listed = [{"symbol": symbol} for symbol in symbols]
    return {"id": "7c1e", "name": "mine", "assets": listed, "updated_at": None}


async def test_the_pages_of_all_assets_are_of_one_reading_until_it_is_old() -> None:
    told = reply(200, [asset(symbol) for symbol in "CAB"])
    async with against(told) as (connection, server):
        clock = FrozenClock(NOW)
        reference = ReferenceData(connection.library, connection.reader, clock, clock)
        first = await reference.assets(STOCKS, 2)
        assert [one.symbol for one in first.rows] == ["A", "B"]
        assert (first.total, first.cursor) == (3, "B")
        rest = await reference.assets(STOCKS, 2, first.cursor)
        assert ([one.symbol for one in rest.rows], rest.cursor) == (["C"], None)
        assert server.count("GET") == 1
        await reference.assets(Assets(asset_class="crypto"), 2)
        clock.advance(KEPT + timedelta(seconds=1))
        await reference.assets(Assets(asset_class="crypto"), 2)
        assert server.count("GET") == 3


async def test_announcements_of_too_long_a_time_are_not_asked_for() -> None:
    async with against(reply(200, [])) as (connection, server):
        clock = FrozenClock(NOW)
        reference = ReferenceData(connection.library, connection.reader, clock, clock)
        for until in (date(2026, 11, 19), date(2027, 2, 19)):
            with pytest.raises(BadArgument, match="0 to 90 days after since, 2026-11-20"):
                await reference.announcements(Announced(until=until))
        assert (await reference.announcements(Announced(until=date(2027, 2, 18)))).rows == ()
        assert server.heard[0].query["ca_types"] == "dividend,merger,spinoff,split"


async def test_a_list_that_was_made_though_nobody_heard_is_returned() -> None:
    answers = faults.reset, TAKEN, reply(200, [watchlist()]), reply(200, watchlist("QQQ", "SPY"))
    async with against(*answers) as (connection, server):
        made = await Watchlists(connection.watchlists).create("mine", ["SPY", "QQQ"])
        assert made.symbols == ("QQQ", "SPY")
        assert [heard.method for heard in server.heard] == ["POST", "POST", "GET", "GET"]


async def test_a_list_of_that_name_with_other_symbols_is_a_refusal() -> None:
    answers = TAKEN, reply(200, [watchlist()]), reply(200, watchlist("IWM"))
    async with against(*answers) as (connection, _):
        with pytest.raises(BrokerRefused, match="must be unique"):
            await Watchlists(connection.watchlists).create("mine", ["SPY"])


async def test_a_symbol_that_is_not_on_a_list_needs_no_taking_off() -> None:
    async with against(reply(200, watchlist("SPY"))) as (connection, server):
        left = await Watchlists(connection.watchlists).drop("7c1e", "QQQ")
        assert left.symbols == ("SPY",)
        assert server.count("DELETE") == 0
