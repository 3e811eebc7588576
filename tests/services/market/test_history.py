"""Past sessions, read from a running exchange, kept on disk and believed only while they agree."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.clock import FrozenClock
from common.quotes import ExDividend
from common.session import Session
from services.broker.alpaca import Connection
from services.market.dividends import DividendCalendar
from services.market.history import HistoryPlan, MinuteHistory, minute_prices
from tests.builders import make_bars
from tests.exchange import Exchange
from tests.services.broker.connecting import against, trading_on
from tests.services.broker.fault_server import reply
from tests.services.broker.waiting import until

DAY = date(2026, 12, 8)
NOW = Session.regular(DAY).open + timedelta(minutes=35)
PLAN = HistoryPlan(symbol="SPY", sessions=8, pace=timedelta(0))


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    folder = tmp_path_factory.mktemp("exchange")
    with Exchange.start(folder, clock="stepped", day=DAY, at="10:05", seed=7) as found:
        yield found


@pytest.fixture
async def desk(exchange: Exchange) -> AsyncIterator[Connection]:
    async with trading_on(exchange) as connection:
        yield connection


def reads(connection: Connection, file: Path, plan: HistoryPlan = PLAN) -> MinuteHistory:
    return MinuteHistory(connection.reader, file, FrozenClock(NOW), plan)


async def test_the_last_full_sessions_are_read_and_half_days_left_out(
    desk: Connection, tmp_path: Path
) -> None:
    history = reads(desk, tmp_path / "bars.npz")
    assert not history.moves
    await history.read()
    assert history.moves
    told = [day.isoformat()[5:] for day in history.moves.days]
    # 27 November closes at 13:00, the 26th is Thanksgiving, today has not ended.
    assert told == ["11-24", "11-25", "11-30", "12-01", "12-02", "12-03", "12-04", "12-07"]
    assert history.moves.prices.shape == (8, 391)
    assert np.isfinite(history.moves.prices).all()
    session = Session.regular(date(2026, 12, 7))
    bars = await desk.reader.bars("SPY", session.open, session.close)
    assert history.moves.prices[-1, 0] == float(bars[0].open)
    assert history.moves.prices[-1, 390] == float(bars[-1].close)


async def test_what_is_on_disk_is_not_asked_for_again(desk: Connection, tmp_path: Path) -> None:
    file = tmp_path / "bars.npz"
    await reads(desk, file).read()
    wider = reads(desk, file, HistoryPlan(symbol="SPY", sessions=10, pace=timedelta(0)))
    asked: list[date] = []
    read_day = wider._read_day

    async def counted(session: Session) -> Any:
        asked.append(session.day)
        return await read_day(session)

    wider._read_day = counted  # type: ignore[method-assign]  # to count what reaches the broker
    await wider.read()
    assert asked == [date(2026, 12, 7), date(2026, 11, 23), date(2026, 11, 20)]
    assert wider.moves is not None
    assert len(wider.moves.days) == 10


async def test_days_of_another_market_are_thrown_away(
    desk: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "bars.npz"
    await reads(desk, file).read()
    with np.load(file) as stored:
        days, prices = stored["days"], stored["prices"] + 1.0
    np.savez_compressed(file, days=days, prices=prices)
    again = reads(desk, file)
    with caplog.at_level(logging.WARNING):
        await again.read()
    assert "another market" in caplog.text
    assert again.moves is not None
    assert np.array_equal(again.moves.prices, prices - 1.0)


@pytest.mark.parametrize("torn", [b"", b"torn", b"PK\x03\x04 torn"])
async def test_a_file_that_cannot_be_read_is_read_from_the_broker_again(
    desk: Connection, tmp_path: Path, torn: bytes
) -> None:
    file = tmp_path / "bars.npz"
    file.write_bytes(torn)
    history = reads(desk, file, HistoryPlan(symbol="SPY", sessions=2, pace=timedelta(0)))
    await history.read()
    assert history.moves is not None
    assert len(history.moves.days) == 2


def test_a_minute_without_a_bar_is_not_made_up() -> None:
    bars = make_bars([670.0, 671.0, 672.0])
    prices = minute_prices(bars[0].at, (bars[0], bars[2]))
    assert prices[:2].tolist() == [670.0, 670.0]
    assert np.isnan(prices[2])
    assert prices[3] == 672.0
    assert np.isnan(prices[4:]).all()


def test_history_takes_a_fifth_of_the_request_budget() -> None:
    assert HistoryPlan.of("SPY", 500, 200).pace == timedelta(seconds=1.5)
    assert HistoryPlan.of("SPY", 500, 6000).pace == timedelta(seconds=1)


async def test_ex_dividend_days_are_those_of_the_symbol_alone() -> None:
    body = {
        "corporate_actions": {
            "cash_dividends": [
                {"symbol": "SPY", "ex_date": "2026-12-18", "rate": 1.99, "special": False},
                {"symbol": "XYZ", "ex_date": "2026-12-10", "rate": 0.5, "special": False},
            ]
        },
        "next_page_token": None,
    }
    async with against(reply(200, body)) as (connection, _):
        found = await connection.reader.ex_dividends("SPY", DAY, DAY + timedelta(days=10))
    assert found == (ExDividend(ex_date=date(2026, 12, 18), amount=Decimal("1.99")),)


async def test_dividends_are_not_known_until_they_were_asked_for(desk: Connection) -> None:
    clock = FrozenClock(NOW)
    calendar = DividendCalendar(desk.reader, "SPY", clock)
    known = [calendar.coming]
    await calendar.read()
    known.append(calendar.coming)
    clock.advance(timedelta(days=1))
    known.append(calendar.coming)
    quarterly = ExDividend(ex_date=date(2026, 12, 18), amount=Decimal("1.85"))
    assert known == [None, (quarterly,), None]


async def test_a_broker_that_will_not_tell_the_past_holds_nothing_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refused = reply(403, {"code": 40310000, "message": "subscription does not permit this"})
    async with against(refused, refused) as (connection, _):
        history = reads(connection, tmp_path / "bars.npz")
        jobs = [
            asyncio.create_task(history.keep()),
            asyncio.create_task(
                DividendCalendar(connection.reader, "SPY", FrozenClock(NOW)).keep()
            ),
        ]
        await until(lambda: caplog.text.count("subscription does not permit") == 2)
        assert not any(job.done() for job in jobs)
        assert history.moves is None
        for job in jobs:
            job.cancel()
