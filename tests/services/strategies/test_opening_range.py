from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import (
    MarketDataMissing,
    NoSuchContract,
    NotTriggered,
    QuoteUnusable,
    RangeIncomplete,
)
from common.orders import PositionIntent
from common.quotes import MarketView
from services.strategies.opening_range import OpeningRangeBreakout
from tests.builders import SESSION, at, contract, make_bars, make_chain, make_quote, make_view
from tests.builders import requoted as requote

CALL = OpeningRangeBreakout(right=Right.CALL)
PUT = OpeningRangeBreakout(right=Right.PUT)
BASE = make_view(spot=601.0, now=at(10, 40))


def morning(*after: float, now: datetime | None = None, range_minutes: int = 15) -> MarketView:
    """A range of 600.10 to 601.30 followed by minutes closing as given, seen as they close."""
    closes = [600.20, 601.20, *[600.70] * (range_minutes - 2), *after]
    bars = make_bars(closes)
    when = now or SESSION.open + timedelta(minutes=len(closes), seconds=2)
    return make_view(now=when, spot=closes[-1], bars=bars)


def test_a_close_above_the_buffered_high_buys_the_call_nearest_thirty_delta_expiring_today() -> (
    None
):
    proposal = CALL.propose(morning(600.90, 601.40))

    [leg] = proposal.intent.legs
    assert leg.contract.right is Right.CALL
    assert leg.contract.expiry == SESSION.day
    assert leg.intent is PositionIntent.BUY_TO_OPEN
    facts = dict(proposal.facts)
    assert facts["range"].startswith("600.10 to 601.30")
    assert "601.36" in facts["trigger"]
    assert "601.40 at 09:47" in facts["trigger bar"]
    delta = float(facts["delta"].split(",")[0])
    assert abs(delta - 0.30) < 0.05
    assert len(facts["strikes near"].split(",")) == 3


def test_it_buys_at_the_ask_and_never_above_it() -> None:
    view = morning(601.40)
    intent = CALL.propose(view).intent

    quote = view.chain.row(intent.legs[0].contract).quote
    assert quote is not None
    assert intent.limit == quote.ask


def test_without_a_close_beyond_it_says_the_level_and_the_last_close() -> None:
    with pytest.raises(NotTriggered) as refused:
        CALL.propose(morning(601.32))
    assert "needs a 1-minute close above 601.36" in str(refused.value)
    assert "last close 601.32 at 09:46" in str(refused.value)


def test_a_wick_beyond_the_level_is_no_break() -> None:
    view = morning(601.30)
    spiked = replace(view.bars[-1], high=Decimal(605))
    with pytest.raises(NotTriggered):
        CALL.propose(replace(view, bars=(*view.bars[:-1], spiked)))


def test_a_bar_that_has_not_closed_is_no_break() -> None:
    view = morning(601.30, 601.90)
    with pytest.raises(NotTriggered, match=r"last close 601\.30"):
        CALL.propose(replace(view, now=view.now - timedelta(seconds=10)))


def test_a_break_that_fell_back_is_over() -> None:
    with pytest.raises(NotTriggered, match=r"last close 601\.00"):
        CALL.propose(morning(601.90, 601.00))


def test_the_put_is_the_mirror_on_the_low() -> None:
    [leg] = PUT.propose(morning(600.00)).intent.legs
    assert leg.contract.right is Right.PUT
    with pytest.raises(NotTriggered, match=r"needs a 1-minute close below 600\.04"):
        PUT.propose(morning(600.06))


@pytest.mark.parametrize("strategy", [CALL, PUT])
def test_each_direction_ignores_the_other(strategy: OpeningRangeBreakout) -> None:
    other = 599.0 if strategy is CALL else 602.5
    with pytest.raises(NotTriggered):
        strategy.propose(morning(other))


@pytest.mark.parametrize(("minutes", "until"), [(5, "09:35"), (15, "09:45"), (30, "10:00")])
def test_before_the_range_ends_it_says_until_when(minutes: int, until: str) -> None:
    hour, minute = map(int, until.split(":"))
    early = at(hour, minute) - timedelta(seconds=1)
    view = morning(now=early, range_minutes=minutes)
    strategy = replace(CALL, minutes=minutes)
    with pytest.raises(RangeIncomplete, match=f"not complete until 2026-11-20 {until}:00 EST"):
        strategy.propose(view)


def test_a_missing_minute_of_the_range_is_not_made_up() -> None:
    view = morning(601.90)
    with pytest.raises(RangeIncomplete, match="1 of the 15 one-minute bars"):
        CALL.propose(replace(view, bars=view.bars[:4] + view.bars[5:]))


def test_bars_that_stopped_coming_trigger_nothing() -> None:
    view = morning(601.90)
    with pytest.raises(MarketDataMissing, match="last closed one-minute bar"):
        CALL.propose(replace(view, now=view.now + timedelta(minutes=3)))


def test_from_noon_in_new_york_nothing_is_entered() -> None:
    closes = [600.20, 601.20, *[600.70] * 147, 601.90]
    bars = make_bars(closes)
    noon = at(12, 0)
    chain = make_chain(spot=601.90, now=noon)
    before = make_view(now=noon - timedelta(seconds=1), spot=601.90, bars=bars[:-1], chain=chain)
    with pytest.raises(NotTriggered, match="last close"):
        CALL.propose(before)
    with pytest.raises(
        NotTriggered, match="entry window of the breakout ended at 2026-11-20 12:00"
    ):
        CALL.propose(make_view(now=noon, spot=601.90, bars=bars, chain=chain))


def test_the_buffer_grows_with_the_range() -> None:
    view = morning(601.40)
    wide = make_bars([600.0, 604.0, *[602.0] * 13, 604.25])
    with pytest.raises(NotTriggered, match=r"above 604\.31"):  # 4.20 wide: 21 cents
        CALL.propose(replace(view, bars=wide))


def test_a_chain_of_another_day_is_never_chosen_from() -> None:
    view = morning(601.90)
    with pytest.raises(MarketDataMissing, match="2026-11-19"):
        CALL.propose(replace(view, chain=replace(view.chain, expiry=date(2026, 11, 19))))


def test_it_refuses_a_delta_too_far_from_the_wanted_one_and_shows_the_neighbours() -> None:
    view = morning(601.90)
    coarse = replace(
        view.chain,
        rows=tuple(row for row in view.chain.rows if row.contract.strike % 10 == 0),
    )
    with pytest.raises(NoSuchContract, match=r"within 0\.10 of \+0\.30 delta .*600 at .*610 at"):
        CALL.propose(replace(view, chain=coarse))


def test_a_contract_without_greeks_is_not_taken_for_a_small_delta() -> None:
    view = morning(601.90)
    wanted = CALL.propose(view).intent.legs[0].contract
    blind = requote(view.chain, {wanted: {"greeks": None}})
    chosen = CALL.propose(replace(view, chain=blind)).intent.legs[0].contract
    assert abs(chosen.strike - wanted.strike) == 1


def test_without_an_ask_there_is_no_price() -> None:
    view = morning(601.90)
    wanted = CALL.propose(view).intent.legs[0].contract
    chain = requote(view.chain, {wanted: {"quote": make_quote("1.00", 0), "flag": "no_quote"}})
    with pytest.raises(QuoteUnusable, match="no_quote"):
        CALL.propose(replace(view, chain=chain))


def test_warnings_name_what_a_trader_would_ask_about() -> None:
    view = morning(601.90)
    fallback = replace(view, chain=replace(view.chain, forward_source="spot_rejected"))
    warnings = " ".join(CALL.propose(fallback).warnings)
    assert "no proven edge" in warnings
    assert "spot_rejected" in warnings


def test_it_offers_fewer_contracts_nearest_first() -> None:
    view = morning(601.90)
    offered = list(replace(CALL, qty=3).propose(view).alternatives(view))
    assert [(terms, intent.qty) for terms, intent in offered] == [
        ("contracts=2", 2),
        ("contracts=1", 1),
    ]


@pytest.mark.parametrize(
    "wrong", [{"minutes": 7}, {"qty": 0}, {"delta": 0.0}, {"delta": 1.0}, {"delta": float("nan")}]
)
def test_parameters_that_are_no_breakout_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"not an? (opening-range breakout|size)"):
        OpeningRangeBreakout(right=Right.CALL, **wrong)  # type: ignore[arg-type]


def test_names_and_equality_are_what_a_preview_is_bound_to() -> None:
    assert (CALL.name, PUT.name) == ("orb_long_call", "orb_long_put")
    assert OpeningRangeBreakout(right=Right.CALL, minutes=15) == CALL != replace(CALL, minutes=30)


def test_the_target_delta_is_followed() -> None:
    view = morning(601.90)
    far = replace(CALL, delta=0.15).propose(view).intent.legs[0].contract
    near = replace(CALL, delta=0.45).propose(view).intent.legs[0].contract
    assert far.strike > near.strike
    assert contract(str(far.strike), Right.CALL) == far


def test_it_stops_at_the_other_side_and_aims_twice_as_far() -> None:
    up, down = CALL.propose(morning(601.40)).exits, PUT.propose(morning(600.00)).exits
    assert str(up.stop) == "SPY<600.1 or 50%"
    assert str(up.target) == "SPY>604"  # 601.40 and twice the 1.30 down to 600.10
    assert str(down.stop) == "SPY>601.3 or 50%"
    assert str(down.target) == "SPY<597.4"
    said = replace(CALL, stop="40%", trail="30%").propose(morning(601.40)).exits
    assert (str(said.stop), str(said.target), str(said.trail)) == ("40%", "SPY>604", "30%")


def test_it_enters_once_a_session_in_each_direction() -> None:
    assert CALL.propose(morning(601.40)).entries_max == 1
    assert replace(CALL, entries_max=3).propose(morning(601.40)).entries_max == 3
    assert CALL.name != PUT.name  # what the entries are counted by


def test_it_tells_when_the_range_was_first_broken_and_that_it_is_late() -> None:
    soon = CALL.propose(morning(601.40))
    assert dict(soon.facts)["first break"] == "09:46 New York"
    assert not any("late" in warning for warning in soon.warnings)
    after = CALL.propose(morning(601.40, *[600.90] * 15, 601.50))
    assert dict(after.facts)["first break"] == "09:46 New York"
    assert any("first broken at 09:46" in warning for warning in after.warnings)


def test_a_refusal_says_how_far_away_the_level_is() -> None:
    with pytest.raises(NotTriggered, match=r"last close 601\.32 at 09:46, 0\.04 away"):
        CALL.propose(morning(601.32))


@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
@given(closes=st.lists(st.integers(59_900, 60_300), min_size=61, max_size=90))
def test_it_triggers_on_a_close_beyond_the_level_and_on_nothing_else(
    minutes: int, closes: list[int]
) -> None:
    bars = make_bars([cents / 100 for cents in closes])
    now = SESSION.open + timedelta(minutes=len(closes), seconds=1)
    view = replace(BASE, now=now, bars=bars)
    inside = bars[:minutes]
    high, low = max(bar.high for bar in inside), min(bar.low for bar in inside)
    buffer = max(Decimal("0.05"), (high - low) * Decimal("0.05"))
    last = bars[-1].close
    for strategy, broken in (
        (CALL, last > high + buffer.quantize(Decimal("0.01"), ROUND_CEILING)),
        (PUT, last < low - buffer.quantize(Decimal("0.01"), ROUND_CEILING)),
    ):
        wanted = replace(strategy, minutes=minutes)
        if broken:
            assert wanted.propose(view).intent.legs[0].contract.right is strategy.right
        else:
            with pytest.raises(NotTriggered, match=f"the {minutes}-minute range is {low:.2f} to"):
                wanted.propose(view)
