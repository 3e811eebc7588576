"""At which prices exits fire: the same arithmetic for bought and sold, whole and by side."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import BadArgument
from common.exits import ExitTerms, parse_exit
from common.orders import OrderStatus
from common.quotes import Quote
from services.execution.attribution import attribute
from services.execution.closing import unwinds_of
from services.execution.exit_judge import Fired, Standing, fired
from services.execution.exit_prices import (
    Entry,
    closing_price,
    give_back,
    lines,
    require_sense,
    stop_price,
    target_price,
)
from services.execution.records import OrderRecord
from services.execution.walker import Net
from tests.services.execution.orders import AT, CONDOR, condor_intent, condor_record

PRICES = st.decimals(Decimal("0.05"), Decimal(20), places=2)
SHARES = st.integers(1, 99).map(lambda share: f"{share}%")


def entry(price: str | Decimal, qty: int = 1) -> Entry:
    return Entry.of(condor_intent(qty=qty), Decimal(price))


def terms(**texts: str) -> ExitTerms:
    return ExitTerms().overridden(**texts)


def quotes(*pairs: tuple[str, str]) -> dict[str, Quote]:
    """Quote the condor's four legs."""
    return {
        symbol: Quote(bid=Decimal(bid), ask=Decimal(ask), bid_size=9, ask_size=9, at=AT)
        for (symbol, _), (bid, ask) in zip(CONDOR, pairs, strict=True)
    }


def filled(qty: int = 2, at: str = "-0.80") -> OrderRecord:
    record = condor_record(qty=qty, status=OrderStatus.FILLED)
    return replace(record, filled_qty=qty, filled_avg_price=Decimal(at))


def standing(record: OrderRecord, *closings: OrderRecord) -> Standing:
    owned = attribute([record], closings, None).of(record.client_order_id)
    found = Standing.of(record, owned, closings)
    assert found is not None
    return found


@given(PRICES, st.sampled_from([1, -1]), SHARES, st.integers(1, 50))
def test_a_share_is_lost_at_the_stop_and_won_at_the_target(
    price: Decimal, sign: int, share: str, qty: int
) -> None:
    opened = entry(price * sign, qty)
    condition = parse_exit(share).conditions[0]
    stop, target = stop_price(condition, opened), target_price(condition, opened)
    assert stop is not None
    assert target is not None
    basis = price * 100 * qty * condition.share
    assert (opened.result(stop), opened.result(target)) == (-basis, basis)


@given(PRICES, st.sampled_from([1, -1]), st.integers(1, 500), st.integers(1, 50))
def test_dollars_are_of_the_whole_order_whatever_part_of_it_filled(
    price: Decimal, sign: int, dollars: int, qty: int
) -> None:
    opened = entry(price * sign, qty)
    condition = parse_exit(f"${dollars}").conditions[0]
    stop = stop_price(condition, opened)
    assert stop is not None
    assert round(opened.result(stop), 9) == -dollars


def test_a_multiple_is_of_what_was_paid_or_received() -> None:
    twice, half = parse_exit("2x").conditions[0], parse_exit("0.5x").conditions[0]
    assert stop_price(twice, entry("-0.80")) == Decimal("1.60")
    assert target_price(half, entry("-0.80")) == Decimal("0.40")
    assert stop_price(half, entry("1.50")) == Decimal("-0.75")
    assert target_price(twice, entry("1.50")) == Decimal("-3.00")


def test_a_trail_is_of_the_best_value_bought_and_of_the_credit_sold() -> None:
    quarter = parse_exit("25%").conditions[0]
    assert give_back(quarter, entry("1.00"), Decimal("-4.00")) == Decimal("1.00")
    assert give_back(quarter, entry("-0.80"), Decimal("0.04")) == Decimal("0.20")
    assert give_back(parse_exit("$50").conditions[0], entry("1", 5), Decimal(-2)) == Decimal("0.1")


@pytest.mark.parametrize(
    ("price", "texts", "why"),
    [
        ("1.00", {"stop": "150%"}, "more than the premium"),
        ("1.00", {"stop": "1x"}, "at the entry price"),
        ("1.00", {"target": "0.9x"}, "at the entry price"),
        ("-0.80", {"stop": "1x"}, "at the entry price"),
        ("-0.80", {"target": "120%"}, "more than the credit"),
        ("-0.80", {"trail": "2x"}, "a percentage or dollars"),
        ("1.00", {"stop": "QQQ<400"}, "the position is in SPY"),
        ("1.00", {"stop": "SPY<700"}, "it would fire at once"),
        ("1.00", {"target": "SPY>600"}, "it would fire at once"),
    ],
)
def test_an_exit_that_cannot_be_meant_is_refused(
    price: str, texts: dict[str, str], why: str
) -> None:
    with pytest.raises(BadArgument, match=why):
        require_sense(terms(**texts), entry(price), Decimal(650))


def test_sides_need_a_credit_on_both() -> None:
    with pytest.raises(BadArgument, match="per_side"):
        require_sense(replace(terms(stop="1x"), per_side=True), entry("1.00"))
    require_sense(replace(terms(stop="1x"), per_side=True), entry("-0.80"))


def test_the_preview_tells_prices_and_dollars() -> None:
    told = lines(terms(stop="2x", target="50%", trail="$40"), entry("-0.80", 2))
    assert [(line.kind, line.closing, line.result) for line in told] == [
        ("stop", Decimal("1.60"), Decimal(-160)),
        ("target", Decimal("0.40"), Decimal(80)),
        ("trail", Decimal("1.00"), Decimal(-40)),
    ]


QUIET = (("0.20", "0.22"), ("0.50", "0.52"), ("0.50", "0.52"), ("0.20", "0.22"))
PUTS_RUN = (("1.50", "1.60"), ("2.40", "2.50"), ("0.05", "0.06"), ("0.00", "0.01"))


def judged(
    wanted: ExitTerms, at: Standing, told: dict[str, Quote], **more: Decimal
) -> Fired | None:
    return fired(wanted, at, told, spot=more.get("spot"), best=more.get("best"))


def test_a_side_that_costs_the_whole_credit_goes_alone() -> None:
    wanted = replace(terms(stop="1x"), per_side=True)
    found = standing(filled())
    assert judged(wanted, found, quotes(*QUIET)) is None
    assert judged(wanted, found, quotes(*PUTS_RUN)) == Fired("stop 1x of the put side", Right.PUT)


def test_what_a_closed_side_cost_counts_against_the_rest() -> None:
    record = filled()
    closing = condor_record(qty=2, closing=True, status=OrderStatus.FILLED)
    puts = tuple(leg for leg in closing.intent.legs if leg.contract.right is Right.PUT)
    closed = replace(
        closing,
        intent=replace(closing.intent, legs=puts),
        filled_qty=2,
        filled_avg_price=Decimal("0.60"),
        parent=record.client_order_id,
    )
    left = standing(record, closed)
    assert (left.sides, left.entry.even) == ((Right.CALL,), Decimal("0.20"))
    assert judged(terms(target="20%"), left, quotes(*QUIET)) is None
    gone = (*PUTS_RUN[:2], ("0.01", "0.02"), ("0.00", "0.01"))
    assert judged(terms(target="20%"), left, quotes(*gone)) == Fired("target 20%")


@given(st.integers(2, 50), st.data())
def test_a_part_that_filled_fires_at_the_same_price_and_closes_no_more_than_itself(
    qty: int, data: st.DataObject
) -> None:
    part = data.draw(st.integers(1, qty - 1))
    whole = filled(qty)
    record = replace(whole, filled_qty=part, status=OrderStatus.PARTIALLY_FILLED)
    wanted = terms(stop="$10", target="30%")
    for told in (quotes(*QUIET), quotes(*PUTS_RUN)):
        assert judged(wanted, standing(record), told) == judged(wanted, standing(whole), told)
    account = {leg.contract: leg.signed_ratio * part for leg in record.intent.legs}
    own = attribute([record], [], account).of(record.client_order_id)
    [unwind] = unwinds_of(record, own, account)
    assert unwind.qty == part


def test_stops_go_before_trails_and_targets_and_levels_need_a_fresh_spot() -> None:
    found = standing(filled())
    level = terms(stop="SPY<640", target="SPY>660")
    assert judged(level, found, quotes(*QUIET)) is None
    assert judged(level, found, quotes(*QUIET), spot=Decimal(639)) == Fired("stop SPY<640")
    assert judged(level, found, quotes(*QUIET), spot=Decimal(661)) == Fired("target SPY>660")
    both = terms(stop="25%", trail="10%", target="SPY>600")
    worst = judged(both, found, quotes(*PUTS_RUN), spot=Decimal(650), best=Decimal("0.10"))
    assert worst == Fired("stop 25%")


QUOTES = st.tuples(st.integers(0, 300), st.integers(1, 30)).map(
    lambda pair: (str(Decimal(pair[0]) / 100), str(Decimal(sum(pair)) / 100))
)


@given(st.tuples(QUOTES, QUOTES, QUOTES, QUOTES))
def test_a_walk_goes_from_the_mid_to_natural_on_ticks_and_never_past_the_limit(
    told: tuple[tuple[str, str], ...],
) -> None:
    intent = condor_intent()
    net = Net.of(intent, quotes(*told))
    for limit in (net.natural, net.natural + 1, net.mid, net.mid - 1):
        order = replace(intent, limit=limit.quantize(Decimal("0.01")))
        steps = [net.step(order, number) for number in range(5)]
        assert steps == sorted(steps)
        assert all(step <= min(net.natural, order.limit) for step in steps)
        assert all(step * 100 == int(step * 100) for step in steps)
        assert steps[4] == min(net.natural, order.limit)


@given(st.tuples(QUOTES, QUOTES, QUOTES, QUOTES))
def test_closing_costs_what_the_far_touches_ask(told: tuple[tuple[str, str], ...]) -> None:
    found = quotes(*told)
    legs = condor_intent().legs
    signed = [found[leg.contract.symbol] for leg in legs]
    costs = [
        -quote.bid if leg.side.sign > 0 else quote.ask
        for leg, quote in zip(legs, signed, strict=True)
    ]
    assert closing_price(legs, found) == sum(costs)
