"""Posted orders: what is read, what is refused, and that nothing crashes the reader."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import OrderId
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce
from paper_exchange.wire import submission
from paper_exchange.engine.refusals import Refused
from paper_exchange.wire.errors import BadParameter

LEG = {"symbol": "SPY261120C00680000", "ratio_qty": 1.0, "side": "sell"}
CONDOR = {
    "qty": 2.0,
    "type": "limit",
    "time_in_force": "day",
    "order_class": "mleg",
    "client_order_id": "x1",
    "legs": [LEG | {"position_intent": "sell_to_open"}, LEG],
    "limit_price": -0.47,
}


def posted(**changes: Any) -> submission.PostedOrder:
    return submission.posted(json.dumps(CONDOR | changes).encode())


def test_an_order_as_the_sdk_sends_it_is_read_exactly() -> None:
    order = posted()
    assert submission.quantity(order) == (2, None)
    assert submission.order_class(order) is OrderClass.MLEG
    kind = submission.order_type(order)
    assert kind is OrderType.LIMIT
    assert submission.limit_price(order, kind) == Decimal("-0.47")
    assert submission.time_in_force(order) is TimeInForce.DAY
    assert submission.client_order_id(order) == "x1"
    assert order.legs is not None
    assert [submission.ratio(leg) for leg in order.legs] == [1, 1]
    assert submission.side(order.legs[0].side) is Side.SELL
    assert submission.intent(order.legs[0].position_intent) is PositionIntent.SELL_TO_OPEN


def test_numbers_may_be_text() -> None:
    order = posted(qty="2", limit_price="-0.47", type="LIMIT")
    assert submission.quantity(order) == (2, None)
    assert submission.limit_price(order, submission.order_type(order)) == Decimal("-0.47")


@pytest.mark.parametrize("qty", [0, -1, 1e30, "abc", "", "NaN", True, "1_000", "٣", 1e-300])
def test_a_quantity_that_is_none_is_refused_by_name(qty: object) -> None:
    with pytest.raises(BadParameter, match="qty"):
        submission.quantity(posted(qty=qty))


@pytest.mark.parametrize(
    "field", ["stop_price", "trail_price", "trail_percent", "take_profit", "stop_loss"]
)
def test_what_is_not_served_is_refused_and_never_dropped(field: str) -> None:
    with pytest.raises(Refused, match=field):
        posted(**{field: "1"})


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("order_class", "bracket", submission.order_class),
        ("type", "stop", submission.order_type),
        ("time_in_force", "fok", submission.time_in_force),
    ],
)
def test_kinds_of_order_that_are_not_served_are_named(field: str, value: str, read: Any) -> None:
    with pytest.raises(Refused, match=field):
        read(posted(**{field: value}))


def test_qty_and_notional_exclude_each_other() -> None:
    assert submission.quantity(posted(qty=None, notional="250.50")) == (None, Decimal("250.50"))
    for change in ({"notional": 1}, {"qty": None}):
        with pytest.raises(BadParameter, match="notional"):
            submission.quantity(posted(**change))


def test_a_command_carries_every_field() -> None:
    command = submission.to_command(posted(extended_hours=False), OrderId("7"))
    assert command.order_id == "7"
    assert (command.qty, command.limit_price) == (2, Decimal("-0.47"))
    assert [leg.position_intent for leg in command.legs] == [PositionIntent.SELL_TO_OPEN, None]
    assert [leg.side for leg in command.legs] == [Side.SELL, Side.SELL]


def test_a_leg_without_side_or_intent_is_refused() -> None:
    with pytest.raises(BadParameter, match="side"):
        submission.to_command(posted(legs=[{"symbol": "X"}]), OrderId("7"))


def test_a_market_order_has_no_limit_and_a_limit_order_must() -> None:
    with pytest.raises(BadParameter, match="limit price"):
        submission.limit_price(posted(limit_price=None), OrderType.LIMIT)
    with pytest.raises(BadParameter, match="limit price"):
        submission.limit_price(posted(), OrderType.MARKET)


@pytest.mark.parametrize("text", ["x" * 129, "a\nb", "a\x00"])
def test_a_client_order_id_is_bounded_and_printable(text: str) -> None:
    with pytest.raises(BadParameter, match="client_order_id"):
        submission.client_order_id(posted(client_order_id=text))


@pytest.mark.parametrize("ratio", [0, -1, 1.5, "x", None])
def test_a_leg_ratio_is_a_whole_number(ratio: object) -> None:
    order = posted(legs=[LEG | {"ratio_qty": ratio}])
    assert order.legs is not None
    with pytest.raises(BadParameter, match="ratio_qty"):
        submission.ratio(order.legs[0])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"[" * 100_000, b'{"qty":1e999}', b'{"legs":{}}',
     b'{"symbol":5}', b"\xff\xfe", b'{"symbol":"\xff"}', b'{"symbol":"\\ud800"}'],
)  # fmt: skip
def test_a_broken_body_is_refused(body: bytes) -> None:
    with pytest.raises((BadParameter, Refused)):
        submission.to_command(submission.posted(body), OrderId("1"))


@given(st.binary(max_size=100))
def test_no_bytes_make_the_reader_fail_otherwise(body: bytes) -> None:
    try:
        submission.to_command(submission.posted(body), OrderId("1"))
    except (BadParameter, Refused):
        pass
