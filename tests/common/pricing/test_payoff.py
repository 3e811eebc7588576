"""Exact payoffs: against brute force over prices, and against examples on paper."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.pricing.payoff import UNLIMITED, Payoff, PayoffLeg, universal_spread_margin

CALL, PUT = Right.CALL, Right.PUT


def option(qty: int, right: Right, strike: str, price: str = "0") -> PayoffLeg:
    return PayoffLeg(qty=qty, right=right, strike=Decimal(strike), price=Decimal(price))


def payoff(*legs: PayoffLeg, fees: str = "0") -> Payoff:
    return Payoff(legs=legs, fees=Decimal(fees))


CONDOR = payoff(
    option(1, PUT, "593", "0.30"),
    option(-1, PUT, "595", "0.55"),
    option(-1, CALL, "605", "0.50"),
    option(1, CALL, "607", "0.27"),
)

strikes = st.integers(1, 12).map(Decimal)
prices = st.integers(0, 500).map(lambda cents: Decimal(cents) / 100)
quantities = st.integers(-3, 3).filter(bool)
options = st.builds(
    PayoffLeg, qty=quantities, right=st.sampled_from(Right), strike=strikes, price=prices
)
stocks = st.builds(PayoffLeg.stock, qty=st.sampled_from([-200, -100, 100, 200]), price=prices)
combos = st.builds(
    Payoff,
    legs=st.lists(st.one_of(options, options, options, stocks), min_size=1, max_size=5).map(tuple),
    fees=st.integers(0, 300).map(lambda cents: Decimal(cents) / 100),
)


def test_condor_on_paper() -> None:
    assert CONDOR.net_cost == Decimal("-48.00")
    assert CONDOR.max_profit == Decimal("48.00")
    assert CONDOR.max_loss == Decimal("152.00")
    assert CONDOR.breakevens == (Decimal("594.52"), Decimal("605.48"))
    assert CONDOR.at(Decimal(600)) == Decimal("48.00")
    assert CONDOR.at(Decimal(0)) == CONDOR.at(Decimal(9999)) == Decimal("-152.00")


def test_fees_come_off_everywhere() -> None:
    dear = payoff(*CONDOR.legs, fees="0.40")
    assert (dear.max_profit, dear.max_loss) == (Decimal("47.60"), Decimal("152.40"))
    assert dear.breakevens == (Decimal("594.524"), Decimal("605.476"))


@given(st.integers(1, 5), st.integers(1, 5), prices, st.integers(1, 4))
def test_condor_loses_at_most_its_widest_wing_less_the_credit(
    put_width: int, call_width: int, credit: Decimal, qty: int
) -> None:
    condor = payoff(
        option(qty, PUT, str(95 - put_width)),
        option(-qty, PUT, "95", str(credit)),
        option(-qty, CALL, "105"),
        option(qty, CALL, str(105 + call_width)),
    )
    widest = max(put_width, call_width)
    assert condor.max_loss == max((widest - credit) * 100 * qty, Decimal(0))
    assert condor.max_profit == max(credit * 100 * qty, Decimal(0))


@given(combos)
def test_extremes_and_breakevens_against_every_price(combo: Payoff) -> None:
    """Strikes are whole dollars: eighths up to far beyond them see every straight piece."""
    spots = [Decimal(eighth) / 8 for eighth in range(8 * 40 + 1)]
    profits = [combo.at(spot) for spot in spots]
    assert combo.worst is None or combo.worst == min(profits)
    assert combo.best is None or combo.best == max(profits)
    assert combo.unlimited_loss == (profits[-1] < profits[-2])
    assert combo.unlimited_profit == (profits[-1] > profits[-2])
    for low, high in pairwise(range(len(spots))):
        crossed = profits[low] * profits[high] < 0
        roots = [root for root in combo.breakevens if spots[low] <= root <= spots[high]]
        if crossed:
            assert len(roots) == 1
    for root in combo.breakevens:
        assert abs(combo.at(root)) < Decimal("1e-20")


@given(combos)
def test_stretches_cover_every_price_once_and_never_change_sign(combo: Payoff) -> None:
    stretches = list(combo.stretches())
    assert stretches[0][0] == 0
    assert stretches[-1][1] is None
    for (_, end, _, _), (start, _, _, _) in pairwise(stretches):
        assert end == start
    for low, high, _, _ in stretches:
        top = low + 1000 if high is None else high
        inner = [combo.at(low + (top - low) * step / 8) for step in range(1, 8)]
        assert not (min(inner) < 0 < max(inner))


@pytest.mark.parametrize(
    ("combo", "loss", "profit"),
    [
        (payoff(option(-1, CALL, "600", "2")), None, Decimal(200)),
        (payoff(option(1, CALL, "600", "2")), Decimal(200), None),
        (payoff(option(-1, PUT, "600", "2")), Decimal(59800), Decimal(200)),
        (payoff(option(1, PUT, "600", "2")), Decimal(200), Decimal(59800)),
        (payoff(option(1, CALL, "600", "2"), option(1, PUT, "600", "1")), Decimal(300), None),
        (payoff(option(1, CALL, "600", "3"), option(-2, CALL, "605", "2")), None, Decimal(600)),
        (
            payoff(PayoffLeg.stock(qty=100, price=Decimal(598)), option(-1, CALL, "600", "2")),
            Decimal(59600),
            Decimal(400),
        ),
        (payoff(PayoffLeg.stock(qty=-100, price=Decimal(598))), None, Decimal(59800)),
        (
            payoff(PayoffLeg.stock(qty=-100, price=Decimal(598)), option(1, CALL, "600", "2")),
            Decimal(400),
            Decimal(59600),
        ),
    ],
)
def test_what_is_unlimited_is_none_and_nothing_else(
    combo: Payoff, loss: Decimal | None, profit: Decimal | None
) -> None:
    assert (combo.max_loss, combo.max_profit) == (loss, profit)
    assert combo.unlimited_loss == (loss is None)
    assert combo.unlimited_profit == (profit is None)


def test_a_breakeven_beyond_the_last_strike_and_a_flat_one() -> None:
    assert payoff(option(1, CALL, "600", "2.37")).breakevens == (Decimal("602.37"),)
    free = payoff(option(1, CALL, "600"))
    assert free.breakevens == (Decimal(0), Decimal(600))
    assert payoff(option(1, CALL, "600"), fees="1").breakevens == (Decimal("600.01"),)


def test_a_sure_gain_has_no_loss_and_a_sure_loss_no_profit() -> None:
    box = (option(1, CALL, "600"), option(-1, CALL, "601"), option(1, PUT, "601"))
    gain = payoff(*box, option(-1, PUT, "600", "0.10"))
    assert (gain.max_loss, gain.worst, gain.breakevens) == (Decimal(0), Decimal(110), ())
    loss = payoff(*box, option(-1, PUT, "600", "-1.20"))
    assert (loss.max_profit, loss.best) == (Decimal(0), Decimal(-20))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"strike": None}, "right and a strike"),
        ({"right": None}, "right and a strike"),
        ({"strike": Decimal("NaN")}, "strike"),
        ({"strike": Decimal(0)}, "strike"),
        ({"price": Decimal("Infinity")}, "price"),
        ({"qty": 0}, "qty"),
        ({"multiplier": 0}, "multiplier"),
    ],
)
def test_what_is_no_holding_is_refused(changes: dict[str, object], complaint: str) -> None:
    leg: dict[str, object] = {
        "qty": 1,
        "right": CALL,
        "strike": Decimal(600),
        "price": Decimal(1),
    }
    with pytest.raises(ValueError, match=complaint):
        PayoffLeg(**{**leg, **changes})  # type: ignore[arg-type] # wrong on purpose


def test_no_legs_and_negative_fees_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        payoff()
    with pytest.raises(ValueError, match="fees"):
        payoff(option(1, CALL, "600"), fees="-1")


@pytest.mark.parametrize(
    ("legs", "margin"),
    [
        ([], "0"),
        ([(-1, CALL, 190), (1, CALL, 200)], "1000"),
        ([(1, CALL, 100), (-1, CALL, 110), (-1, CALL, 190), (1, CALL, 200)], "0"),
        ([(1, PUT, 593), (-1, PUT, 595), (-1, CALL, 605), (1, CALL, 607)], "200"),
        ([(2, PUT, 590), (-2, PUT, 595), (-2, CALL, 605), (2, CALL, 607)], "1000"),
        ([(1, CALL, 600)], "0"),
        ([(-1, PUT, 50)], "5000"),
        ([(-1, PUT, 50), (1, PUT, 45)], "500"),
        ([(1, PUT, 50), (-1, PUT, 45)], "0"),
    ],
)
def test_margin_of_examples(legs: list[tuple[int, Right, int]], margin: str) -> None:
    required = universal_spread_margin([(qty, right, Decimal(k)) for qty, right, k in legs])
    assert str(required) == margin


def test_margin_of_an_uncovered_call_is_unlimited() -> None:
    assert universal_spread_margin([(-1, CALL, Decimal(600))]) == UNLIMITED
    covered = [(-2, CALL, Decimal(600)), (1, CALL, Decimal(590)), (1, CALL, Decimal(700))]
    assert universal_spread_margin(covered) == Decimal(100 * 90)


@given(st.lists(st.tuples(quantities, st.sampled_from(Right), strikes), max_size=6))
def test_margin_is_the_worst_of_the_payoff_without_premium(
    legs: list[tuple[int, Right, Decimal]],
) -> None:
    margin = universal_spread_margin(legs)
    if not legs:
        assert margin == 0
        return
    zero = Decimal(0)
    combo = payoff(
        *(PayoffLeg(qty=qty, right=right, strike=k, price=zero) for qty, right, k in legs)
    )
    assert margin == (UNLIMITED if combo.max_loss is None else combo.max_loss)
    assert universal_spread_margin(legs, multiplier=1) * 100 == margin
