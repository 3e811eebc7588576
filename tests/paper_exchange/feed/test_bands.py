"""Limit up and limit down by the plan: references, widths, and when a band is a new one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.quotes import Trade
from common.session import Session
from paper_exchange.feed.bands import Band, DayBands, Tier, Why, tier_of, width

SESSION = Session.regular(date(2026, 11, 20))
LAST = SESSION.close - timedelta(minutes=25)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def printed(price: str, after: float) -> Trade:
    return Trade(price=Decimal(price), size=100, at=SESSION.open + seconds(after))


def bands(tier: Tier = Tier.ONE, close: str = "100") -> DayBands:
    return DayBands(SESSION, tier, Decimal(close))


def shown(found: list[Band]) -> list[tuple[str, str, str]]:
    return [(str(band.lower), str(band.upper), band.why.value) for band in found]


@pytest.mark.parametrize(
    ("tier", "close", "reference", "usual", "last"),
    [
        (Tier.ONE, "670", "670", "33.50", "67.00"),
        (Tier.TWO, "670", "670", "67.00", "67.00"),
        (Tier.ONE, "3.00", "3.00", "0.60", "1.20"),
        (Tier.TWO, "3.00", "3.00", "0.60", "1.20"),
        (Tier.TWO, "3.01", "3.01", "0.301", "0.301"),
        (Tier.TWO, "0.75", "0.75", "0.15", "0.30"),
        (Tier.ONE, "0.60", "0.60", "0.15", "0.30"),
        (Tier.ONE, "0.10", "0.10", "0.075", "0.15"),
        (Tier.ONE, "5.00", "2.00", "0.10", "0.20"),
    ],
)
def test_the_width_is_the_plans(
    tier: Tier, close: str, reference: str, usual: str, last: str
) -> None:
    prices = Decimal(close), Decimal(reference)
    assert width(tier, *prices, last=False) == Decimal(usual)
    assert width(tier, *prices, last=True) == Decimal(last)


def test_the_opening_price_is_the_first_reference() -> None:
    found = bands().advance([printed("101.00", 1), printed("101.50", 2)], SESSION.open + seconds(9))
    assert shown(found) == [("95.95", "106.05", "A")]
    assert found[0].at == SESSION.open + seconds(1)


def test_less_than_a_percent_changes_nothing() -> None:
    day = bands()
    prints = [printed("100.00", 0), *(printed("100.99", second) for second in range(1, 900))]
    assert len(day.advance(prints, prints[-1].at)) == 1


def test_a_mean_that_moved_a_percent_is_the_new_reference() -> None:
    prints = [printed("100.00", 0), printed("102.00", 60), printed("102.00", 120)]
    found = bands().advance(prints, prints[-1].at)
    assert shown(found) == [("95.00", "105.00", "A"), ("95.95", "106.05", "B")]


def test_a_reference_holds_for_half_a_minute() -> None:
    prints = [printed("100.00", 0), printed("110.00", 29), printed("110.00", 30)]
    found = bands().advance(prints, prints[-1].at)
    assert [band.at - SESSION.open for band in found] == [seconds(0), seconds(30)]


def test_prints_of_five_minutes_count_and_no_older_ones() -> None:
    day = bands()
    day.advance([printed("100.00", 0)], SESSION.open)
    found = day.advance([printed("102.00", 300)], SESSION.open + seconds(300))
    assert shown(found) == [("96.90", "107.10", "B")]


@pytest.mark.parametrize(("tier", "doubled"), [(Tier.ONE, True), (Tier.TWO, False)])
def test_the_last_minutes_are_wider_for_tier_one(tier: Tier, doubled: bool) -> None:
    day = bands(tier)
    day.advance([printed("100.00", 0)], LAST - seconds(1))
    found = day.advance([], LAST + seconds(5))
    assert shown(found) == ([("90.00", "110.00", "B")] if doubled else [])
    assert day.advance([], SESSION.close + timedelta(hours=1)) == []


def test_after_a_halt_the_next_print_is_the_reference() -> None:
    day = bands()
    day.advance([printed("100.00", 0)], SESSION.open)
    day.reopen()
    assert day.standing(SESSION.open) is None
    found = day.advance([printed("90.00", 600)], SESSION.open + seconds(600))
    assert shown(found) == [("85.50", "94.50", "E")]


def test_prints_outside_the_session_do_not_count() -> None:
    assert bands().advance([printed("100", -1)], SESSION.open - seconds(1)) == []


def test_only_what_is_known_is_of_the_first_tier() -> None:
    assert [tier_of(symbol) for symbol in ("SPY", "NVDA", "XYZ")] == [Tier.ONE, Tier.ONE, Tier.TWO]


@given(st.lists(st.tuples(st.integers(1, 90), st.integers(9000, 11_000)), min_size=1, max_size=60))
def test_every_band_is_around_the_mean_of_five_minutes(steps: list[tuple[int, int]]) -> None:
    """Worked out again the slow way, and however the prints are cut into looks."""
    prints, after = [], 0
    for wait, cents in steps:
        after += wait
        prints.append(printed(str(Decimal(cents) / 100), after))
    whole = bands().advance(prints, prints[-1].at)
    day = bands()
    assert [band for one in prints for band in day.advance([one], one.at)] == whole
    for band in whole[1:]:
        window = [one for one in prints if band.at - timedelta(minutes=5) < one.at <= band.at]
        mean = sum((Fraction(one.price) for one in window), Fraction(0)) / len(window)
        assert abs(Fraction(band.upper) - mean * Fraction(105, 100)) <= Fraction(1, 200)
        assert band.why is Why.INTRADAY
    for one, two in pairwise(whole):
        assert two.at - one.at >= seconds(30)
