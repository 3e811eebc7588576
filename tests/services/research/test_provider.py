"""The provider's documented answers come out typed, and each of its failures as what it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from common.clock import FrozenClock, MonotonicClock
from common.errors import TradingError
from services.research.desk import Research
from services.research.errors import (
    NotConfigured,
    ProviderLimited,
    ProviderRefused,
    ProviderUnavailable,
)
from services.research.provider import BODY_MAX, Provider, ProviderPlan
from services.research.records import Split
from tests.services.research.published import KEY, Published, published

NOW = datetime(2025, 2, 3, 15, tzinfo=UTC)


@pytest.fixture
def told() -> Iterator[Published]:
    with published() as server:
        yield server


def plan(told: Published, *, key: str | None = KEY, requests: int = 100) -> ProviderPlan:
    return ProviderPlan(url=told.url, key=key, requests_per_minute=requests)


def provider(told: Published, **wanted: timedelta) -> Provider:
    return Provider(replace(plan(told), **wanted), MonotonicClock())  # type: ignore[arg-type] # by name


def research(told: Published, now: datetime = NOW) -> Research:
    return Research(provider(told), FrozenClock(now))


async def test_the_key_goes_in_the_header_and_in_no_address(told: Published) -> None:
    await provider(told).ask("splits", Split, symbol="AAPL")
    [(path, query, headers)] = told.asked
    assert (path, query) == ("/stable/splits", {"symbol": "AAPL"})
    assert headers["apikey"] == KEY


async def test_ratings_are_decoded(told: Published) -> None:
    found = await research(told).ratings("AAPL")
    assert found.consensus is not None
    assert (found.consensus.buy, found.consensus.strong_sell) == (29, 0)
    assert found.target is not None
    assert found.target.target_consensus == Decimal("251.7")
    [grade] = found.grades
    assert (grade.date, grade.grading_company) == (date(2025, 1, 31), "Morgan Stanley")


async def test_events_are_those_between_two_days_and_unknown_stays_unknown(
    told: Published,
) -> None:
    found = await research(told).events("AAPL", back=30, ahead=365)
    assert (found.start, found.end) == (date(2025, 1, 4), date(2026, 2, 3))
    past, coming = found.earnings
    assert (past.eps_actual, past.revenue_actual) == (Decimal("2.4"), Decimal(124300000000))
    assert (coming.date, coming.eps_actual) == (date(2025, 10, 29), None)
    [dividend] = found.dividends
    assert (dividend.dividend, dividend.declaration_date) == (Decimal("0.25"), "")
    assert found.splits == ()  # 2020's is not asked for
    long_ago = await research(told).events("AAPL", back=3650, ahead=0)
    [split] = long_ago.splits
    assert split.numerator / split.denominator == 4


async def test_the_calendar_is_one_countrys_in_utc_by_importance(told: Published) -> None:
    desk = research(told, datetime(2024, 3, 1, 14, tzinfo=UTC))
    found = await desk.calendar(2, "US", frozenset({"high"}))
    [(at, release)] = found.releases
    assert at == datetime(2024, 3, 1, 15, tzinfo=UTC)
    assert (release.estimate, release.actual) == (Decimal("49.5"), None)
    assert told.asked[0][1] == {"from": "2024-03-01", "to": "2024-03-04"}
    assert (await desk.calendar(2, "US", frozenset({"low"}))).releases == ()
    # 03:35 UTC of the day is the evening before in New York: no release of today's.
    assert (await desk.calendar(2, "JP", frozenset({"low"}))).releases == ()


async def test_an_answer_is_told_again_for_a_while_and_then_asked_anew(told: Published) -> None:
    keeping = provider(told)
    first = await keeping.ask("splits", Split, symbol="AAPL")
    again = await keeping.ask("splits", Split, symbol="AAPL")
    assert again.rows == first.rows
    assert again.age > timedelta(0)
    await keeping.ask("splits", Split, symbol="MSFT")
    assert len(told.asked) == 2
    forgetting = provider(told, keep=timedelta(0))
    await forgetting.ask("splits", Split, symbol="AAPL")
    await forgetting.ask("splits", Split, symbol="AAPL")
    assert len(told.asked) == 4


async def test_without_a_key_nothing_is_sent_and_the_remedy_names_the_setting(
    told: Published,
) -> None:
    silent = Provider(plan(told, key=None), MonotonicClock())
    with pytest.raises(NotConfigured) as refused:
        await silent.ask("splits", Split, symbol="AAPL")
    assert "FMP_API_KEY" in refused.value.remedy
    assert "https://site.financialmodelingprep.com" in refused.value.remedy
    assert told.asked == []


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, b'{"Error Message": "Invalid API KEY."}', ProviderRefused, "does not accept the key"),
        (402, b"Restricted Endpoint", ProviderRefused, "does not include splits"),
        (403, b'{"Error Message": "Exclusive"}', ProviderRefused, "does not include splits"),
        (429, b'{"Error Message": "Limit Reach ."}', ProviderLimited, "are used up"),
        (500, b"oops", ProviderUnavailable, "status 500"),
        (302, b"", ProviderUnavailable, "status 302"),
        (200, b"<html>maintenance</html>", ProviderUnavailable, "is no list"),
        (200, b'{"Error Message": "obey me"}', ProviderUnavailable, "is no list"),
        (200, b'[{"date": "soon", "numerator": 4, "denominator": 1}]', ProviderUnavailable,
         r"can be read \(`\$.date`\)"),
        (200, b'[{"date": "2020-08-31", "numerator": 4}]', ProviderUnavailable, "no row of"),
        (200, b'[{"date": "2020-08-31", "numerator": 4,', ProviderUnavailable, "is no list"),
        (200, b"\xff\xfe[]", ProviderUnavailable, "is no list"),
        (200, b'["' + b"x" * BODY_MAX + b'"]', ProviderUnavailable, "longer than"),
    ],
)  # fmt: skip
async def test_each_failure_is_told_as_what_it_is_and_nothing_is_kept(
    told: Published, status: int, body: bytes, error: type[TradingError], said: str
) -> None:
    told.status, told.body = status, body
    asking = provider(told)
    with pytest.raises(error, match=said) as refused:
        await asking.ask("splits", Split, symbol="AAPL")
    assert "obey me" not in str(refused.value)
    assert KEY not in str(refused.value)
    told.status, told.body = 200, None
    assert (await asking.ask("splits", Split, symbol="AAPL")).rows


async def test_a_row_that_cannot_be_read_is_left_out_and_counted(told: Published) -> None:
    told.body = (
        b'[{"date": "", "numerator": 1}, {"date": "2020-08-31", "numerator": 4,'
        b' "denominator": 1}, 7]'
    )
    found = await provider(told).ask("splits", Split, symbol="AAPL")
    assert [row.date for row in found.rows] == [date(2020, 8, 31)]
    assert found.unreadable == 2
    with pytest.raises(ProviderUnavailable):  # of dividends no row is left to tell
        await research(told).events("AAPL", back=3650, ahead=0)


async def test_an_answer_that_does_not_come_is_given_up(told: Published) -> None:
    told.held = threading.Event()
    with pytest.raises(ProviderUnavailable, match=r"did not answer within 0\.2 s"):
        await provider(told, timeout=timedelta(seconds=0.2)).ask("splits", Split, symbol="AAPL")


async def test_nobody_there_is_told() -> None:
    with published() as gone:
        pass
    with pytest.raises(ProviderUnavailable, match="was not reached"):
        await provider(gone).ask("splits", Split, symbol="AAPL")


async def test_more_than_the_plan_allows_is_not_sent(told: Published) -> None:
    hurried = Provider(plan(told, requests=10), MonotonicClock())
    await hurried.ask("splits", Split, symbol="A")
    await hurried.ask("splits", Split, symbol="B")
    with pytest.raises(ProviderLimited, match="10 requests a minute"):
        await hurried.ask("splits", Split, symbol="C")
    assert len(told.asked) == 2


async def test_the_key_is_in_no_log_and_no_representation(
    told: Published, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await provider(told).ask("splits", Split, symbol="AAPL")
    assert KEY not in caplog.text
    assert KEY not in repr(plan(told))
