"""Posted orders: what is read, what is refused, and that nothing crashes the reader."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import OrderId
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.refusals import Refused
from paper_exchange.wire import submission
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


def command(**changes: Any) -> SubmitOrder:
    return submission.to_command(posted(**changes), OrderId("7"))


def test_an_order_as_the_sdk_sends_it_is_read_exactly() -> None:
    order = command(extended_hours=False)
    assert order.order_id == "7"
    assert order.order_class is OrderClass.MLEG
    assert order.type is OrderType.LIMIT
    assert (order.qty, order.notional, order.limit_price) == (Decimal(2), None, Decimal("-0.47"))
    assert order.time_in_force is TimeInForce.DAY
    assert order.client_order_id == "x1"
    assert [leg.ratio for leg in order.legs] == [1, 1]
    assert [leg.side for leg in order.legs] == [Side.SELL, Side.SELL]
    assert [leg.position_intent for leg in order.legs] == [PositionIntent.SELL_TO_OPEN, None]


def test_numbers_may_be_text_and_words_of_any_case() -> None:
    order = command(qty="2", limit_price="-0.47", type="LIMIT", notional="1.50", legs=None)
    assert [order.qty, order.notional, order.limit_price] == [
        Decimal(2),
        Decimal("1.5"),
        Decimal("-0.47"),
    ]
    assert command(symbol="spy").symbol == "SPY"


@pytest.mark.parametrize(
    "field",
    ["qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent"],
)
@pytest.mark.parametrize(
    "value", [1e30, -1e30, "abc", "", "NaN", "Infinity", True, "1_000", "٣", 1e-300, "1e-99"]
)
def test_what_is_no_number_of_ours_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(BadParameter, match=field):
        command(**{field: value})


def test_a_leg_may_name_its_side_by_its_intent_alone() -> None:
    leg = {"symbol": "X", "position_intent": "buy_to_open"}
    assert command(legs=[leg]).legs[0].side is Side.BUY
    with pytest.raises(BadParameter, match="side"):
        command(legs=[{"symbol": "X"}])


@pytest.mark.parametrize("field", ["advanced_instructions"])
def test_what_is_not_served_is_refused_and_never_dropped(field: str) -> None:
    with pytest.raises(Refused, match=field):
        posted(**{field: "1"})


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("order_class", "basket", submission.order_class),
        ("type", "oracle", submission.order_type),
        ("time_in_force", "never", submission.time_in_force),
    ],
)
def test_kinds_of_order_that_are_not_served_are_named(field: str, value: str, read: Any) -> None:
    with pytest.raises(Refused, match=field):
        read(posted(**{field: value}))


@pytest.mark.parametrize("text", ["x" * 129, "a\nb", "a\x00"])
def test_a_client_order_id_is_bounded_and_printable(text: str) -> None:
    with pytest.raises(BadParameter, match="client_order_id"):
        submission.client_order_id(posted(client_order_id=text))


@pytest.mark.parametrize("ratio", [1.5, "x", None, 1e30])
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
    with contextlib.suppress(BadParameter, Refused):
        submission.to_command(submission.posted(body), OrderId("1"))
