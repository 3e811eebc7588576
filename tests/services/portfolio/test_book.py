from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from common.contracts import Right
from common.ids import ClientOrderId, OrderId
from common.orders import Order, OrderLeg, OrderStatus, PositionIntent, Side
from common.portfolio import Account, Position
from common.quotes import ChainSnapshot
from services.portfolio.book import Book, agrees
from services.portfolio.exposure import build_exposure
from services.portfolio.pnl import opening_equity_of, session_pnl
from services.portfolio.worst_case import order_worst_case
from services.strategies.iron_condor import IronCondor
from tests.builders import (
    DAY,
    at,
    contract,
    make_account,
    make_chain,
    make_intent,
    make_position,
    make_quote,
    make_view,
    requoted,
)

CHAIN = make_chain()
CALL, WING = contract(673, Right.CALL), contract(677, Right.CALL)
QUOTED = requoted(
    CHAIN,
    {CALL: {"quote": make_quote("0.90", "1.00")}, WING: {"quote": make_quote("0.20", "0.24")}},
)
SPREAD = (make_position(CALL, -1, entry="1.10"), make_position(WING, 1, entry="0.30"))


def book(
    positions: Sequence[Position] = SPREAD,
    *,
    account: Account | None = None,
    chain: ChainSnapshot | None = QUOTED,
    opening: str | None = "100000",
    torn: str | None = None,
) -> Book:
    return Book(
        day=DAY,
        account=account or make_account(cash=Decimal("100079.50"), equity=Decimal(100007)),
        positions=tuple(positions),
        chain=chain,
        quotes={},
        opening_equity=None if opening is None else Decimal(opening),
        torn=torn,
    )


def test_session_result_is_at_the_touch_each_holding_would_leave_at() -> None:
    """Sold at 1.10, bought at 0.30, 50 cents of fees; leaving costs 1.00 and brings 0.20."""
    pnl = session_pnl(book(), None)
    assert pnl.session == Decimal("79.50") - 100 + 20
    assert pnl.session_mid == Decimal("79.50") - 95 + 22
    assert pnl.open_natural == Decimal(0)
    assert pnl.open_mid == Decimal(7)
    assert pnl.realized == Decimal("-0.50")
    assert pnl.realized + pnl.open_natural == pnl.session
    assert [p.open_mid for p in pnl.positions] == [Decimal(15), Decimal(-8)]


def test_exposure_of_a_spread() -> None:
    exposure = build_exposure(book())
    assert exposure.session_pnl == Decimal("-0.50")
    assert exposure.at_risk == 320  # from 80 to leave down to the width
    assert exposure.worst_pnl == Decimal("-320.50")
    assert exposure.delta is not None
    assert exposure.delta < 0
    assert exposure.unknown == ()


def test_a_long_wing_nobody_bids_for_is_worth_nothing_to_leave() -> None:
    chain = requoted(QUOTED, {WING: {"quote": make_quote(0, "0.02"), "flag": "zero_bid"}})
    exposure = build_exposure(book(chain=chain))
    assert exposure.session_pnl == Decimal("-20.50")
    assert exposure.at_risk == 300


def test_a_spread_never_counts_for_less_than_it_can_come_to_owe() -> None:
    """A fast market asks 9.00 for a spread four dollars wide: it can be held, and owes 400."""
    wild = {CALL: {"quote": make_quote("0.10", "9.00")}, WING: {"quote": make_quote(0, "9.00")}}
    exposure = build_exposure(book(chain=requoted(QUOTED, wild)))
    assert exposure.session_pnl == Decimal("79.50") - 400
    assert exposure.at_risk == 0
    naked = build_exposure(book(SPREAD[:1], chain=requoted(QUOTED, wild)))
    assert naked.session_pnl == Decimal("79.50") - 900


@pytest.mark.parametrize(
    ("change", "symbol"),
    [
        ({"quote": None, "flag": "no_quote"}, CALL),
        ({"quote": make_quote("0.90", 0)}, CALL),
        ({"quote": make_quote("1.10", "1.00"), "flag": "crossed"}, CALL),
        ({"flag": "stale"}, WING),
    ],
)
def test_a_holding_that_cannot_be_priced_makes_all_of_it_unknown(
    change: dict[str, object], symbol: object
) -> None:
    which = CALL if symbol is CALL else WING
    exposure = build_exposure(book(chain=requoted(QUOTED, {which: change})))
    assert exposure.session_pnl is None
    assert exposure.at_risk is None
    assert exposure.worst_pnl is None
    assert any(which.symbol in reason for reason in exposure.unknown)


def test_without_chain_baseline_or_matching_reads_the_result_is_unknown() -> None:
    for broken in (book(chain=None), book(opening=None), book(torn="torn")):
        exposure = build_exposure(broken)
        assert exposure.session_pnl is None
        assert exposure.unknown
        assert session_pnl(broken, ()).session is None
    assert build_exposure(book((), chain=None)).session_pnl == Decimal("79.50")


def test_pending_orders_are_reserved_at_their_worst_and_lean_by_their_sign() -> None:
    view = make_view()
    condor = IronCondor(width=2).propose(view).intent
    call = make_intent((CALL, PositionIntent.BUY_TO_OPEN), limit="0.96")
    put = make_intent((contract(667, Right.PUT), PositionIntent.BUY_TO_OPEN), limit="1.07")

    exposure = build_exposure(book((), chain=view.chain), (condor, call, put))

    losses = [order_worst_case(order, DAY) for order in (condor, call, put)]
    assert exposure.reserved == sum(loss for loss in losses if loss is not None)
    down, up = exposure.pending_delta
    assert down == pytest.approx(-29.5, abs=3)
    assert up == pytest.approx(28.7, abs=3)
    assert exposure.delta == 0


def test_a_pending_order_without_bound_makes_the_exposure_unknown() -> None:
    naked = make_intent((CALL, PositionIntent.SELL_TO_OPEN), limit="-0.93")
    exposure = build_exposure(book(()), (naked,))
    assert exposure.at_risk is None
    assert exposure.worst_pnl is None


def test_a_pending_order_of_unknown_delta_makes_the_delta_unknown() -> None:
    later = contract(673, Right.CALL, expiry=DAY + timedelta(days=3))
    pending = make_intent((later, PositionIntent.BUY_TO_OPEN), limit="3")
    exposure = build_exposure(book(()), (pending,))
    assert exposure.delta is None
    assert any(later.symbol in reason for reason in exposure.unknown)


def test_fees_are_the_cash_that_left_beyond_the_fills() -> None:
    assert session_pnl(book(), (filled(),)).fees == Decimal("0.50")


def test_fees_are_not_guessed() -> None:
    explained = filled()
    short_of_one = replace(explained, legs=explained.legs[:1])
    assert session_pnl(book(), (short_of_one,)).fees is None  # something came from before
    unpriced = replace(
        explained, legs=tuple(replace(leg, filled_avg_price=None) for leg in explained.legs)
    )
    assert session_pnl(book(), (unpriced,)).fees is None
    paid_in = make_account(cash=Decimal(105_000))
    assert session_pnl(book(account=paid_in), (explained,)).fees is None
    assert session_pnl(book(), None).fees is None


def test_account_and_positions_of_two_sides_of_a_fill_do_not_agree() -> None:
    before = make_account()
    after = make_account(cash=Decimal(99_700), equity=Decimal(99_990))
    held = (make_position(CALL, 3, price="0.97"),)
    assert agrees(before, ())
    assert agrees(after, held)
    assert not agrees(before, held)
    assert not agrees(after, ())
    assert not agrees(after, (make_position(CALL, 3, price=None),))


def test_a_session_is_measured_from_the_previous_close() -> None:
    assert opening_equity_of(make_account(equity=Decimal(99_600))) == 100_000
    new = make_account(last_equity=Decimal(0), equity=Decimal(5_000))
    assert opening_equity_of(new) == 5_000


def filled() -> Order:
    """The credit spread of SPREAD, sold at 1.10 and covered at 0.30."""
    return Order(
        id=OrderId("1"),
        client_order_id=ClientOrderId("c"),
        status=OrderStatus.FILLED,
        broker_status="filled",
        legs=(
            OrderLeg(
                symbol=CALL.symbol,
                side=Side.SELL,
                intent=PositionIntent.SELL_TO_OPEN,
                ratio=1,
                filled_qty=Decimal(1),
                filled_avg_price=Decimal("1.10"),
            ),
            OrderLeg(
                symbol=WING.symbol,
                side=Side.BUY,
                intent=PositionIntent.BUY_TO_OPEN,
                ratio=1,
                filled_qty=Decimal(1),
                filled_avg_price=Decimal("0.30"),
            ),
        ),
        qty=Decimal(1),
        limit=Decimal("-0.80"),
        filled_qty=Decimal(1),
        filled_avg_price=Decimal("-0.80"),
        submitted_at=at(10, 5),
        updated_at=at(10, 5),
    )
