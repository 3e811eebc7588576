"""News of an order converges to the same record, however late, doubled or shuffled."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.orders import OrderStatus
from services.execution.records import OrderRecord
from tests.services.execution.orders import AT, broker_order, condor_record

S = OrderStatus


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[OrderStatus, int]]:
    """Draw what truly happened to an order of ten: accepted, filling, and one end."""
    steps = sorted(draw(st.lists(st.integers(1, 9), unique=True, max_size=4)))
    history = [(S.ACCEPTED, 0), *((S.PARTIALLY_FILLED, filled) for filled in steps)]
    last = steps[-1] if steps else 0
    end = draw(st.sampled_from([S.FILLED, S.CANCELED, S.EXPIRED]))
    return [*history, (end, 10 if end is S.FILLED else last)]


def folded(record: OrderRecord, news: list[tuple[OrderStatus, int, int]]) -> OrderRecord:
    for status, filled, second in news:
        record = record.after(broker_order(record, status, filled, AT + timedelta(seconds=second)))
    return record


@given(histories(), st.data())
def test_any_order_and_repetition_of_news_ends_the_same(
    history: list[tuple[OrderStatus, int]], data: st.DataObject
) -> None:
    news = [(status, filled, second) for second, (status, filled) in enumerate(history)]
    told = data.draw(st.permutations(news + data.draw(st.lists(st.sampled_from(news)))))
    straight = folded(condor_record(qty=10), news)
    shuffled = folded(condor_record(qty=10), list(told))
    assert (shuffled.status, shuffled.filled_qty) == (straight.status, straight.filled_qty)
    assert shuffled.updated_at == straight.updated_at


@given(st.lists(st.tuples(st.sampled_from(list(S)), st.integers(0, 10)), max_size=12))
def test_fills_only_grow_and_an_end_is_final(news: list[tuple[OrderStatus, int]]) -> None:
    record = condor_record(qty=10)
    for status, filled in news:
        before = record
        record = record.after(broker_order(record, status, filled))
        assert record.filled_qty >= before.filled_qty
        assert before.status.may_become(record.status)
        if before.status.terminal:
            assert record.status is before.status


def test_what_may_still_fill_is_reserved_until_the_end() -> None:
    record = condor_record(qty=10)
    partial = record.after(broker_order(record, S.PARTIALLY_FILLED, 3))
    assert (record.remaining, partial.remaining) == (10, 7)
    assert partial.after(broker_order(record, S.CANCELED, 3)).remaining == 0


@given(st.data())
def test_a_replaced_order_lives_on_in_the_one_that_took_its_place(data: st.DataObject) -> None:
    record = condor_record(qty=10)
    history = [
        broker_order(record, S.ACCEPTED, 0),
        broker_order(record, S.PARTIALLY_FILLED, 2),
        broker_order(record, S.CANCELED, 2, replaced=True),
        broker_order(record, S.PARTIALLY_FILLED, 2, version=1),
        broker_order(record, S.CANCELED, 5, version=1, replaced=True),
        broker_order(record, S.PARTIALLY_FILLED, 5, version=2),
    ]
    told = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history)))))
    for order in told:
        record = record.after(order)
    assert (record.status, record.filled_qty) == (S.PARTIALLY_FILLED, 5)
    assert (record.version, record.broker_id) == (2, "7f1c-2")
    ended = record.after(broker_order(record, S.FILLED, 10, version=2))
    assert (ended.status, ended.remaining) == (S.FILLED, 0)
