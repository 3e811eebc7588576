from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import MarketClosed, NoSuchContract, NotTriggered, QuoteUnusable
from common.orders import PositionIntent
from common.quotes import MarketView
from common.session import CutOffs, Session, new_york
from services.strategies.lotto import Lotto, odds_of
from tests.builders import SESSION, at, make_chain, make_quote, make_view, requoted
from tests.services.strategies.zones import said_anywhere

CALL = Lotto(right=Right.CALL)
HALF_DAY = Session.regular(date(2026, 11, 27), close=time(13))
# The days after the clocks change, and one a year between: the distance to the close is the same.
MORNING = make_view()
DAYS = (date(2026, 3, 6), date(2026, 3, 9), date(2026, 10, 30), date(2026, 11, 2))


def late(now: datetime, session: Session = SESSION) -> MarketView:
    return make_view(now=now, session=session)


def wall(hour: int, minute: int, session: Session = SESSION) -> datetime:
    return new_york(session.day, time(hour, minute))


def test_in_its_window_it_buys_the_contract_nearest_five_delta_that_expires_today() -> None:
    view = late(at(15, 5))
    proposal = CALL.propose(view)

    [leg] = proposal.intent.legs
    assert leg.intent is PositionIntent.BUY_TO_OPEN
    assert leg.contract.expiry == SESSION.day
    greeks = view.chain.row(leg.contract).greeks
    assert greeks is not None
    others = [abs(row.greeks.delta - 0.05) for row in view.chain.side(Right.CALL) if row.greeks]
    assert abs(greeks.delta - 0.05) == min(others)
    quote = view.chain.row(leg.contract).quote
    assert quote is not None
    assert proposal.intent.limit == quote.ask


@pytest.mark.parametrize(
    ("session", "hour", "minute", "error"),
    [
        (SESSION, 14, 59, NotTriggered),
        (SESSION, 15, 5, None),
        (SESSION, 15, 31, MarketClosed),
        (HALF_DAY, 11, 59, NotTriggered),
        (HALF_DAY, 12, 5, None),
        (HALF_DAY, 12, 31, MarketClosed),
    ],
)
def test_the_window_is_counted_from_the_sessions_own_close(
    session: Session, hour: int, minute: int, error: type[Exception] | None
) -> None:
    view = late(wall(hour, minute, session), session)
    if error is None:
        assert CALL.propose(view).intent.qty == 1
        return
    with pytest.raises(error) as refused:
        CALL.propose(view)
    if error is MarketClosed:
        cut = "15:30:00" if session is SESSION else "12:30:00"
        assert f"the broker's cut-off for contracts expiring today was {session.day} {cut}" in str(
            refused.value
        )


@given(
    day=st.sampled_from(DAYS),
    closes=st.sampled_from([time(13), time(16)]),
    last=st.integers(min_value=16, max_value=45),
    seconds=st.integers(min_value=-7200, max_value=7200),
)
def test_the_windows_edges_are_exact_whatever_the_day_its_close_and_the_cut_off(
    day: date, closes: time, last: int, seconds: int
) -> None:
    session = Session.regular(day, close=closes)
    wanted = replace(CALL, cut_offs=CutOffs(last_order_late_close=timedelta(minutes=last)))
    opens, ends = wanted.window(session, "SPY")
    assert (session.close - opens, session.close - ends) == (
        timedelta(minutes=60),
        timedelta(minutes=last),
    )
    now = opens + timedelta(seconds=seconds)
    view = replace(MORNING, now=now, session=session)
    if opens <= now < ends:
        assert wanted.require_window(view) == (opens, ends)
    else:
        with pytest.raises(NotTriggered if now < opens else MarketClosed):
            wanted.require_window(view)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_the_machines_zone_changes_nothing(zone: str) -> None:
    program = (
        "from tests.services.strategies.test_lotto import CALL, HALF_DAY, SESSION, wall, late\n"
        "print(CALL.window(SESSION, 'SPY'), CALL.window(HALF_DAY, 'SPY'))\n"
        "print(CALL.propose(late(wall(15, 5))))\n"
    )
    assert "2026, 11, 27, 17, 0" in said_anywhere(program, zone)


def test_what_nobody_bids_for_is_not_bought() -> None:
    view = late(at(15, 5))
    wanted = CALL.propose(view).intent.legs[0].contract
    chain = requoted(view.chain, {wanted: {"quote": make_quote(0, "0.05"), "flag": "zero_bid"}})
    with pytest.raises(QuoteUnusable, match="zero_bid"):
        CALL.propose(replace(view, chain=chain))


def test_what_is_too_cheap_to_be_sold_again_is_not_bought() -> None:
    view = late(at(15, 5))
    wanted = CALL.propose(view).intent.legs[0].contract
    chain = requoted(view.chain, {wanted: {"quote": make_quote("0.01", "0.02")}})
    with pytest.raises(NotTriggered, match=r"costs 0\.02, less than the 0\.03"):
        CALL.propose(replace(view, chain=chain))


def test_strikes_too_coarse_for_so_small_a_delta_are_refused() -> None:
    view = late(at(15, 5))
    coarse = replace(
        view.chain, rows=tuple(row for row in view.chain.rows if row.contract.strike % 10 == 0)
    )
    with pytest.raises(NoSuchContract, match=r"within 0\.05 of \+0\.05 delta"):
        CALL.propose(replace(view, chain=coarse))


@pytest.mark.parametrize("right", list(Right))
def test_it_tells_how_likely_it_ends_worthless_and_is_touched(right: Right) -> None:
    view = late(at(15, 5))
    proposal = replace(CALL, right=right).propose(view)
    facts = dict(proposal.facts)
    worthless, touch = odds_of(view, proposal.intent.legs[0].contract)
    assert facts["expires worthless"] == f"{worthless:.1%}, risk-neutral"
    assert facts["strike is touched"] == f"{touch:.1%}, risk-neutral"
    greeks = view.chain.row(proposal.intent.legs[0].contract).greeks
    assert greeks is not None
    assert worthless == pytest.approx(1 - abs(greeks.delta), abs=0.03)
    assert touch == pytest.approx(2 * (1 - worthless), abs=1e-9)
    assert any("most such options expire worthless" in warning for warning in proposal.warnings)


def test_beyond_the_smile_the_odds_are_unknown_and_said_to_be() -> None:
    view = late(at(15, 5))
    blind = replace(view, chain=replace(view.chain, strikes=(), total_vols=()))
    facts = dict(CALL.propose(blind).facts)
    assert facts["expires worthless"] == facts["strike is touched"] == "unknown: beyond the smile"


def test_its_exit_is_three_times_the_premium_unless_said_otherwise() -> None:
    view = late(at(15, 5))
    assert str(CALL.propose(view).exits.target) == "200%"
    assert CALL.propose(view).exits.stop is None
    assert str(replace(CALL, target="400%").propose(view).exits.target) == "400%"
    assert replace(CALL, target="none").propose(view).exits.target is None


@pytest.mark.parametrize(
    "wrong", [{"delta": 0.0}, {"premium_min": Decimal(0)}, {"opens": timedelta(0)}, {"qty": 0}]
)
def test_parameters_that_are_no_lotto_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"not a (lotto|size)"):
        Lotto(right=Right.CALL, **wrong)  # type: ignore[arg-type]


def test_the_chain_of_a_half_day_is_priced_for_its_own_close() -> None:
    now = wall(12, 5, HALF_DAY)
    chain = make_chain(now=now, session=HALF_DAY)
    assert chain.minutes == 55
    view = make_view(now=now, session=HALF_DAY, chain=chain)
    assert CALL.propose(view).intent.legs[0].contract.expiry == HALF_DAY.day
