from __future__ import annotations

from dataclasses import replace

import pytest

from common.contracts import Right
from common.quotes import ChainRow, ChainSnapshot
from services.portfolio.greeks import greeks_of_positions
from tests.builders import DAY, contract, make_chain, make_position

CHAIN = make_chain()
CALL, PUT = contract(673, Right.CALL), contract(667, Right.PUT)


def with_delta(chain: ChainSnapshot, row: ChainRow, delta: float) -> ChainSnapshot:
    assert row.greeks is not None
    changed = replace(row, greeks=replace(row.greeks, delta=delta))
    return replace(chain, rows=tuple(changed if r is row else r for r in chain.rows))


def test_portfolio_delta_in_share_equivalents() -> None:
    """Long 2 x 0.30 calls, short 1 x -0.25 put, 10 shares: 60 + 25 + 10."""
    chain = with_delta(CHAIN, CHAIN.row(CALL), 0.30)
    chain = with_delta(chain, chain.row(PUT), -0.25)
    held = [make_position(CALL, 2), make_position(PUT, -1), make_position("SPY", 10, price="670")]

    report = greeks_of_positions(held, chain)

    assert report.total is not None
    assert report.total.delta == pytest.approx(95)
    assert report.total.delta_dollars == pytest.approx(95 * 670)
    assert [h.sensitivity.delta for h in report.holdings if h.sensitivity] == pytest.approx(
        [60, 25, 10]
    )
    assert report.unknown == ()


def test_totals_are_the_sum_of_the_holdings() -> None:
    held = [make_position(CALL, 2), make_position(PUT, -3)]
    report = greeks_of_positions(held, CHAIN)
    assert report.total is not None
    for name in ("delta", "gamma", "theta", "vega", "delta_dollars", "gamma_percent"):
        parts = [getattr(h.sensitivity, name) for h in report.holdings]
        assert getattr(report.total, name) == pytest.approx(sum(parts), abs=1e-9)


def test_a_wing_nobody_bids_for_is_priced_on_the_smile_and_marked() -> None:
    wing = contract(690, Right.CALL)
    assert CHAIN.row(wing).greeks is None

    report = greeks_of_positions([make_position(wing, 10)], CHAIN)

    [held] = report.holdings
    assert held.estimated
    assert report.total is not None
    assert 0 < report.total.delta < 5


def test_beyond_the_smile_its_outermost_volatility_is_carried_on() -> None:
    near = replace(CHAIN, strikes=CHAIN.strikes[20:40], total_vols=CHAIN.total_vols[20:40])
    wing = contract(690, Right.CALL)
    report = greeks_of_positions([make_position(wing, 10)], near)
    assert report.total is not None
    assert 0 <= report.total.delta < 5


def test_without_greeks_or_smile_the_total_is_unknown_never_zero() -> None:
    bare = replace(CHAIN, strikes=(), total_vols=())
    report = greeks_of_positions(
        [make_position(CALL, 1), make_position(contract(690, Right.CALL), 1)], bare
    )
    assert report.total is None
    assert report.unknown == ("SPY261120C00690000: no greeks",)


def test_without_a_chain_or_in_another_expiry_nothing_is_guessed() -> None:
    assert greeks_of_positions([make_position(CALL, 1)], None).total is None
    other = contract(673, Right.CALL, expiry=DAY.replace(day=23))
    assert greeks_of_positions([make_position(other, 1)], CHAIN).total is None
    over = replace(CHAIN, minutes=0.0)
    assert greeks_of_positions([make_position(contract(690, Right.CALL), 1)], over).total is None


def test_an_empty_account_leans_nowhere() -> None:
    report = greeks_of_positions([], CHAIN)
    assert report.total is not None
    assert report.total.delta == 0


def test_other_shares_count_by_their_value() -> None:
    report = greeks_of_positions([make_position("AAPL", 10, price="335")], CHAIN)
    assert report.total is not None
    assert report.total.delta == pytest.approx(5)
    unpriced = greeks_of_positions([make_position("AAPL", 10, price=None)], CHAIN)
    assert unpriced.total is None
