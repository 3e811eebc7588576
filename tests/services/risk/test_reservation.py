"""Whatever is approved one after the other and whichever of it fills, the cap holds at expiry."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import Right
from common.fees import round_trip_fees
from common.limits import Halt
from common.money import ZERO
from common.orders import OrderIntent
from services.portfolio.book import Book
from services.portfolio.exposure import build_exposure
from services.risk.manager import RiskManager
from services.strategies.iron_condor import IronCondor
from tests.builders import DAY, contract, make_account, make_intent
from tests.services.risk.cases import LIMITS, OPEN, QUIET, VIEW, long_call

CAP = 500
SPOTS = range(600, 741)
ROOMY = RiskManager(LIMITS)

WANTED = st.one_of(
    st.builds(
        lambda width, qty: IronCondor(width=width, qty=qty).propose(VIEW).intent,
        st.integers(1, 5),
        st.integers(1, 3),
    ),
    st.builds(lambda qty: long_call(qty=qty), st.integers(1, 3)),
    st.builds(
        lambda qty: make_intent((contract(667, Right.PUT), OPEN), limit="1.25", qty=qty),
        st.integers(1, 3),
    ),
)


def made(order: OrderIntent, spot: int) -> Decimal:
    """Return what an order filled at its limit makes when all expires at a price."""
    paid = sum(
        (
            leg.signed_ratio
            * max(
                (spot - leg.contract.strike) * (1 if leg.contract.is_call else -1),
                ZERO,
            )
            for leg in order.legs
        ),
        ZERO,
    )
    return (paid - order.limit) * 100 * order.qty - round_trip_fees(order, DAY)


@settings(max_examples=25, deadline=None)
@given(
    wanted=st.lists(WANTED, min_size=2, max_size=8),
    lost=st.integers(0, CAP),
    fills=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_no_subset_of_what_was_approved_can_lose_more_than_the_cap(
    wanted: list[OrderIntent], lost: int, fills: list[bool]
) -> None:
    book = Book(
        day=DAY,
        account=make_account(cash=Decimal(100_000 - lost)),
        positions=(),
        chain=VIEW.chain,
        quotes={},
        opening_equity=Decimal(100_000),
    )
    approved: list[OrderIntent] = []
    for order in wanted:  # each sees those before it as pending, as confirmations in a lane do
        found = ROOMY.check(build_exposure(book, approved), VIEW, Halt.ACTIVE, QUIET, order)
        if all(limit.ok for limit in found if limit.name in {"daily_loss", "exposure"}):
            approved.append(order)
    filled = [order for order, fill in zip(approved, fills, strict=False) if fill]
    worst = min(sum((made(order, spot) for order in filled), ZERO) for spot in SPOTS)
    assert -lost + min(worst, ZERO) >= -CAP
