"""Unwinding takes off exactly what is held, spreads as spreads, shorts before their cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from common.contracts import OptionContract, Right
from common.ids import ClientOrderId
from common.orders import OrderStatus, Side
from common.portfolio import Position
from common.quotes import Quote
from services.execution.attribution import attribute, held_of
from services.execution.closing import Unwind, plan_unwinds, unwinds_of
from services.execution.records import OrderRecord
from services.risk.reduce_only import reduce_only
from tests.services.execution.orders import AT, CONDOR, condor_record

SYMBOLS = [symbol for symbol, _ in CONDOR]


def position(symbol: str, qty: int) -> Position:
    return Position(
        symbol=symbol,
        qty=Decimal(qty),
        qty_available=Decimal(qty),
        avg_entry_price=Decimal("0.50"),
        current_price=Decimal("0.50"),
        market_value=Decimal(50 * qty),
        cost_basis=Decimal(50 * qty),
        unrealized_pl=Decimal(0),
    )


def filled(qty: int, name: str = "spy0-opening", second: int = 0) -> OrderRecord:
    record = condor_record(qty=qty, status=OrderStatus.FILLED)
    at = AT + timedelta(seconds=second)
    cid = ClientOrderId(name)
    return replace(record, filled_qty=qty, client_order_id=cid, created_at=at)


def closed(parent: str, qty: int, right: Right | None = None) -> OrderRecord:
    """Return a filled order that closes so many units, or one side of them."""
    record = condor_record(qty=qty, closing=True, status=OrderStatus.FILLED)
    legs = tuple(leg for leg in record.intent.legs if right in (None, leg.contract.right))
    intent = replace(record.intent, legs=legs)
    return replace(record, intent=intent, filled_qty=qty, parent=ClientOrderId(parent))


def own(openings: Sequence[OrderRecord], closings: Sequence[OrderRecord], units: int) -> list[int]:
    """Return how many units each opening order still holds, None where legs differ."""
    owned = attribute(openings, closings, held_of(held(units)))
    found = []
    for record in openings:
        mine = owned.of(record.client_order_id)
        [qty] = {mine[leg.contract] * leg.side.sign for leg in record.intent.legs}
        found.append(qty)
    return found


def held(units: int) -> list[Position]:
    return [position(symbol, units * intent.side.sign) for symbol, intent in CONDOR if units]


def after(positions: Sequence[Position], unwinds: Sequence[Unwind]) -> dict[str, int]:
    left = Counter({p.symbol: int(p.qty) for p in positions})
    for unwind in unwinds:
        for leg in unwind.legs:
            left[leg.contract.symbol] += leg.signed_ratio * unwind.qty
    return {symbol: qty for symbol, qty in left.items() if qty}


def quote(bid: str, ask: str) -> Quote:
    return Quote(bid=Decimal(bid), ask=Decimal(ask), bid_size=9, ask_size=9, at=AT)


def test_a_condor_goes_as_the_one_order_it_came_as() -> None:
    [unwind] = plan_unwinds(held(2), [filled(2)])
    assert (len(unwind.legs), unwind.qty, unwind.parent) == (4, 2, "spy0-opening")
    assert not any(leg.intent.opens for leg in unwind.legs)


def test_without_a_record_shorts_are_bought_back_before_longs_are_sold() -> None:
    unwinds = plan_unwinds(held(1), [])
    sides = [unwind.legs[0].side for unwind in unwinds]
    assert sides == [Side.BUY, Side.BUY, Side.SELL, Side.SELL]


@given(
    st.lists(st.integers(-5, 5), min_size=4, max_size=4),
    st.lists(st.integers(0, 6), max_size=3),
)
def test_unwinding_ends_flat_and_never_turns_a_position_over(
    quantities: list[int], opened: list[int]
) -> None:
    positions = [position(s, q) for s, q in zip(SYMBOLS, quantities, strict=True) if q]
    unwinds = plan_unwinds(
        positions, [filled(qty, f"spy0-{n}", n) for n, qty in enumerate(opened) if qty]
    )
    assert after(positions, unwinds) == {}
    traded: Counter[str] = Counter()
    for unwind in unwinds:
        for leg in unwind.legs:
            traded[leg.contract.symbol] += leg.ratio * unwind.qty
    assert traded == {p.symbol: abs(int(p.qty)) for p in positions}


@given(st.integers(1, 5))
def test_what_is_planned_passes_the_reduce_only_gate(units: int) -> None:
    quotes = dict.fromkeys(SYMBOLS, quote("0.40", "0.42"))
    for unwind in plan_unwinds(held(units), [filled(units)]):
        intent = unwind.priced(quotes, Decimal("0.05"))
        assert intent is not None
        assert reduce_only(intent, held(units)) == ()


def test_the_limit_is_natural_worsened_by_the_collar_and_widens_with_it() -> None:
    quotes = {
        SYMBOLS[0]: quote("0.20", "0.22"),
        SYMBOLS[1]: quote("0.60", "0.64"),
        SYMBOLS[2]: quote("0.60", "0.64"),
        SYMBOLS[3]: quote("0.20", "0.22"),
    }
    [unwind] = plan_unwinds(held(1), [filled(1)])
    limits = [unwind.priced(quotes, Decimal(collar)) for collar in ("0.05", "0.50")]
    # Buying back at 0.64 + 0.64 and selling the wings at 0.20 + 0.20 costs 0.88.
    assert [intent and intent.limit for intent in limits] == [Decimal("0.93"), Decimal("1.32")]


def test_a_spread_is_never_bought_back_for_more_than_it_can_come_to_owe() -> None:
    wild = dict.fromkeys(SYMBOLS, quote("0.10", "3.00"))
    [unwind] = plan_unwinds(held(1), [filled(1)])
    limits = [unwind.priced(wild, Decimal(collar)) for collar in ("0.05", "1.00")]
    assert [intent and intent.limit for intent in limits] == [Decimal(2), Decimal(2)]
    assert unwind.dear(wild)
    assert not unwind.dear(dict.fromkeys(SYMBOLS, quote("0.50", "0.52")))


def test_a_lone_long_without_a_bid_is_offered_at_the_least_price_there_is() -> None:
    [unwind] = plan_unwinds([position(SYMBOLS[0], 1)], [])
    quotes = {SYMBOLS[0]: quote("0", "0.01")}
    intent = unwind.priced(quotes, Decimal("1.00"))
    assert intent is not None
    assert (intent.limit, unwind.unbid(quotes)) == (Decimal("-0.01"), True)


def test_a_wing_without_a_bid_still_leaves_with_its_spread() -> None:
    quotes = dict.fromkeys(SYMBOLS, quote("0.30", "0.31")) | {SYMBOLS[0]: quote("0", "0.01")}
    [unwind] = plan_unwinds(held(1), [filled(1)])
    assert unwind.priced(quotes, Decimal("0.05")) is not None


def test_a_sale_never_asks_for_a_price_of_zero_or_less() -> None:
    contract = OptionContract.from_occ(SYMBOLS[0])
    [unwind] = plan_unwinds([position(contract.symbol, 3)], [])
    intent = unwind.priced({contract.symbol: quote("0.01", "0.02")}, Decimal("1.00"))
    assert intent is not None
    assert intent.limit == Decimal("-0.01")


def test_of_two_equal_openings_the_one_that_closed_is_the_one_that_is_gone() -> None:
    pair = [filled(1, "spy0-a"), filled(1, "spy0-b", 1)]
    assert own(pair, [closed("spy0-b", 1)], 1) == [1, 0]
    assert own(pair, [closed("spy0-a", 1)], 1) == [0, 1]
    [unwind] = plan_unwinds(held(1), pair, [closed("spy0-a", 1)])
    assert unwind.parent == "spy0-b"


def test_what_somebody_else_closed_is_taken_from_the_oldest() -> None:
    pair = [filled(2, "spy0-a"), filled(1, "spy0-b", 1)]
    assert own(pair, [], 2) == [1, 1]
    assert own(pair, [], 0) == [0, 0]
    assert own(pair, [], 5) == [2, 1]  # more than ours is not ours


def test_a_condor_that_lost_one_side_keeps_the_other_as_a_vertical() -> None:
    record = filled(2)
    calls = [p for p in held(2) if p.contract is not None and p.contract.is_call]
    closings = [closed("spy0-opening", 2, Right.PUT)]
    [left] = plan_unwinds(calls, [record], closings)
    assert [leg.contract.right for leg in left.legs] == [Right.CALL, Right.CALL]
    assert (left.qty, left.parent) == (2, "spy0-opening")


def test_one_side_is_closed_alone_when_asked() -> None:
    record, account = filled(1), held_of(held(1))
    owned = attribute([record], [], account)
    mine = owned.of(record.client_order_id)
    [puts] = unwinds_of(record, mine, account, Right.PUT)
    assert {leg.contract.right for leg in puts.legs} == {Right.PUT}


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_attributed_contracts_never_exceed_what_is_held(
    sizes: list[int], data: st.DataObject
) -> None:
    openings = [filled(qty, f"spy0-{n}", n) for n, qty in enumerate(sizes)]
    closings = [closed(f"spy0-{n}", data.draw(st.integers(0, qty))) for n, qty in enumerate(sizes)]
    units = data.draw(st.integers(0, sum(sizes)))
    found = own(openings, closings, units)
    assert sum(found) == min(units, sum(sizes) - sum(c.filled_qty for c in closings))
    assert all(0 <= mine <= qty for mine, qty in zip(found, sizes, strict=True))
