"""Orders in stocks and coins in the desk's memory: kept exactly, folded in any order, halted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadArgument, Halted
from common.ids import ClientOrderId, ExecutionId, OrderId, Principal
from common.limits import Halt
from common.orders import Fill, Order, OrderLeg, OrderStatus, OrderType, Side, TimeInForce
from common.shares import ShareIntent
from services.execution.share_records import ShareRecord
from services.execution.store import DeskStore
from tests.services.execution.orders import AT, DAY

S = OrderStatus


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DeskStore]:
    store = DeskStore(tmp_path / "desk.sqlite")
    yield store
    await store.close()


def record(name: str = "spy0-a", side: Side = Side.BUY, *, opens: bool = True) -> ShareRecord:
    """Return an order at a limit that is on its way."""
    return ShareRecord(
        client_order_id=ClientOrderId(name),
        intent=ShareIntent(
            symbol="BTC/USD",
            side=side,
            qty=Decimal("0.123456789"),
            type=OrderType.LIMIT,
            limit=Decimal("93070.123456789"),
            tif=TimeInForce.GTC,
            opens=opens,
        ),
        principal=Principal("local"),
        day=DAY,
        reference=Decimal("93070.123456789"),
        mid=Decimal("93000.5"),
        status=S.SUBMITTING,
        created_at=AT,
        updated_at=AT,
        held=Decimal(0),
        basis=None if opens else Decimal(90_000),
    )


def told(of: ShareRecord, status: OrderStatus, filled: str, seconds: int = 1) -> Order:
    """Return what the broker says of an order; a sale's prices are negative there."""
    sign, qty = of.intent.side.sign, Decimal(filled)
    return Order(
        id=OrderId("7f1c"),
        client_order_id=of.client_order_id,
        status=status,
        broker_status=status.value,
        legs=(
            OrderLeg(
                symbol=of.intent.symbol,
                side=of.intent.side,
                intent=None,
                ratio=1,
                filled_qty=qty,
                filled_avg_price=None,
            ),
        ),
        qty=of.intent.qty or qty,
        limit=None if of.intent.limit is None else sign * of.intent.limit,
        filled_qty=qty,
        filled_avg_price=sign * Decimal(93_000) if qty else None,
        submitted_at=AT,
        updated_at=AT + timedelta(seconds=seconds),
    )


async def test_an_order_is_read_back_as_it_was_written(store: DeskStore) -> None:
    first, second = record(), replace(record("mine"), held=None, mid=None)
    await store.shares.record(first, Halt.ACTIVE)
    await store.shares.record(second, Halt.ACTIVE)
    assert store.shares.working() == (first, second)
    assert store.shares.order(first.client_order_id) == first
    filled = replace(
        first.after(told(first, S.FILLED, "0.123456789")), reason="r", working=Decimal("1.00000001")
    )
    fill = Fill(
        execution_id=ExecutionId("x1"),
        client_order_id=first.client_order_id,
        qty=Decimal("0.123456789"),
        price=Decimal("93000.00000001"),
        at=AT,
    )
    await store.shares.update(filled, fill)
    await store.shares.update(filled, fill)
    assert store.shares.order(first.client_order_id) == filled
    assert store.shares.by_broker_id(OrderId("7f1c")) == filled
    assert store.shares.fills(first.client_order_id) == (fill,)
    assert store.shares.working() == (second,)
    assert store.shares.of_day(DAY) == (filled, second)
    assert store.shares.symbols() == ("BTC/USD",)
    assert store.shares.of_symbol("BTC/USD") == (filled, second)  # the first knew what was held
    third = record("spy0-c")
    await store.shares.record(third, Halt.ACTIVE)
    assert store.shares.of_symbol("BTC/USD") == (third,)
    assert store.working() == ()


async def test_a_halt_stops_what_opens_and_a_name_is_used_once(store: DeskStore) -> None:
    await store.shares.record(record("mine"), Halt.ACTIVE)
    with pytest.raises(BadArgument, match="an order mine was sent before"):
        await store.shares.record(record("mine"), Halt.ACTIVE)
    await store.set_halt(Halt.HALTED, who="test", reason="drill", at=AT)
    with pytest.raises(Halted, match="nothing was sent"):
        await store.shares.record(record(), Halt.ACTIVE)
    sale = record("spy0-b", Side.SELL, opens=False)
    await store.shares.record(sale, Halt.HALTED)
    assert [one.client_order_id for one in store.shares.working()] == ["mine", "spy0-b"]


@given(st.data(), st.sampled_from(Side))
def test_news_in_any_order_and_number_lead_to_the_same_end(data: st.DataObject, side: Side) -> None:
    first = record(side=side)
    history = [
        told(first, S.ACCEPTED, "0", 1),
        told(first, S.PARTIALLY_FILLED, "0.05", 2),
        told(first, S.PARTIALLY_FILLED, "0.1", 3),
    ]
    heard = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history)))))
    last = first
    for order in heard:
        before, last = last, last.after(order)
        assert last.filled_qty >= before.filled_qty
    assert (last.status, last.filled_qty) == (S.PARTIALLY_FILLED, Decimal("0.1"))
    assert last.filled_avg_price == Decimal(93_000)
    assert last.working == first.intent.limit
    assert last.updated_at == AT + timedelta(seconds=3)
    ended = last.after(told(first, S.CANCELED, "0.1", 4))
    assert (ended.status, ended.after(told(first, S.ACCEPTED, "0"))) == (S.CANCELED, ended)


@given(st.integers(0, 123_456_789).map(lambda n: Decimal(n) / 10**9))
def test_what_may_still_fill_shrinks_with_every_fill_and_ends_with_the_order(
    filled: Decimal,
) -> None:
    first = record()
    partly = first.after(told(first, S.PARTIALLY_FILLED, str(filled)))
    pending, whole = partly.pending, first.pending
    assert pending is not None
    assert whole is not None
    assert pending.qty == Decimal("0.123456789") - partly.filled_qty
    assert 0 <= pending.worst <= whole.worst
    assert partly.after(told(first, S.CANCELED, str(filled))).pending is None
    assert record(side=Side.SELL, opens=False).pending is None


def test_a_closing_order_tells_what_it_made_and_a_refused_one_never_entered() -> None:
    sale = record(side=Side.SELL, opens=False)
    done = sale.after(told(sale, S.FILLED, "0.1"))
    assert done.trade.result == 300
    assert done.trade.closed_at == done.updated_at
    assert done.slippage == Decimal("0.5")
    back = replace(record(opens=False), basis=Decimal(90_000))
    assert back.after(told(back, S.FILLED, "0.1")).trade.result == -300
    refused = record().moved(S.REJECTED, "no", AT)
    assert not refused.trade.entered
    assert record().trade.entered
