"""Orders in stocks and coins on the wire: exact text, one send, and a doubt that is said."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.errors import BrokerRefused, Halted, OrderUncertain
from common.ids import ClientOrderId
from common.orders import Approved, OrderType, Side, TimeInForce
from common.shares import ShareIntent
from services.broker.fields import Unreadable
from services.broker.share_codec import asset, order_request
from tests.services.broker.connecting import LONG, against
from tests.services.broker.fault_server import Answer, hang, reply, reset

NAME = ClientOrderId("spy0-1")
BUY = ShareIntent(symbol="AAPL", side=Side.BUY, qty=Decimal("0.123456789"))


@pytest.mark.parametrize(
    ("intent", "body"),
    [
        (BUY, {"qty": "0.123456789", "type": "market", "position_intent": "buy_to_open"}),
        (
            ShareIntent(
                symbol="AAPL",
                side=Side.SELL,
                qty=Decimal("1E+2"),
                type=OrderType.STOP_LIMIT,
                limit=Decimal("9.50"),
                stop=Decimal("9.60"),
                tif=TimeInForce.GTC,
                opens=False,
            ),
            {
                "qty": "100",
                "type": "stop_limit",
                "limit_price": "9.5",
                "stop_price": "9.6",
                "time_in_force": "gtc",
                "position_intent": "sell_to_close",
            },
        ),
        (
            ShareIntent(
                symbol="AAPL",
                side=Side.BUY,
                qty=Decimal(1),
                type=OrderType.TRAILING_STOP,
                trail_percent=Decimal("1.50"),
            ),
            {"type": "trailing_stop", "trail_percent": "1.5"},
        ),
        (
            ShareIntent(
                symbol="AAPL",
                side=Side.BUY,
                qty=Decimal(1),
                type=OrderType.LIMIT,
                limit=Decimal("0.0001"),
                extended_hours=True,
            ),
            {"limit_price": "0.0001", "extended_hours": True, "order_class": "simple"},
        ),
        (
            ShareIntent(
                symbol="AAPL",
                side=Side.BUY,
                qty=Decimal(1),
                take_profit=Decimal("20.50"),
                stop_loss=Decimal(9),
                stop_loss_limit=Decimal("8.90"),
            ),
            {
                "order_class": "bracket",
                "take_profit": {"limit_price": "20.5"},
                "stop_loss": {"stop_price": "9", "limit_price": "8.9"},
            },
        ),
        (
            ShareIntent(symbol="AAPL", side=Side.SELL, qty=Decimal(1), stop_loss=Decimal(9)),
            {"order_class": "oto", "stop_loss": {"stop_price": "9"}},
        ),
    ],
)
def test_a_request_says_exactly_what_is_wanted(intent: ShareIntent, body: dict[str, Any]) -> None:
    sent = order_request(intent, NAME)
    assert sent | body == sent
    assert json.loads(json.dumps(sent)) == sent  # every number is text


def test_a_coins_request_has_dollars_and_no_word_of_opening() -> None:
    coin = ShareIntent(
        symbol="BTC/USD", side=Side.BUY, notional=Decimal("100.50"), tif=TimeInForce.GTC
    )
    assert order_request(coin, NAME) == {
        "client_order_id": "spy0-1",
        "symbol": "BTC/USD",
        "side": "buy",
        "type": "market",
        "time_in_force": "gtc",
        "order_class": "simple",
        "notional": "100.5",
    }


def test_what_an_asset_does_not_say_is_not_allowed() -> None:
    told = {"symbol": "AAPL", "class": "us_equity"}
    found = asset(told)
    assert (found.tradable, found.fractionable, found.shortable) == (False, False, False)
    listed = told | {"tradable": True, "status": "active", "shortable": True}
    assert asset(listed).tradable
    assert not asset(listed).shortable  # nobody said that it is easy to borrow
    assert not asset(listed | {"status": "inactive"}).tradable
    with pytest.raises(Unreadable):
        asset({"symbol": "AAPL", "class": "bond"})


UNCERTAIN: dict[str, tuple[Answer, timedelta]] = {
    "a gateway's error": (reply(504, {"message": "gateway timeout"}), LONG),
    "no answer at all": (hang, timedelta(seconds=1)),
    "the connection dies": (reset, LONG),
}


@pytest.mark.parametrize("case", UNCERTAIN)
async def test_an_unclear_answer_is_uncertain_and_never_sent_again(case: str) -> None:
    answer, patience = UNCERTAIN[case]
    async with against(answer, patience=patience) as (connection, server):
        with pytest.raises(OrderUncertain) as raised:
            await connection.broker.submit_share(Approved(BUY), NAME, lambda: None)
        assert raised.value.client_order_id == NAME
        assert server.count("POST") == 1


async def test_a_clear_no_and_a_halt_at_the_socket_leave_nothing_open() -> None:
    refusal = reply(403, {"code": 40310000, "message": "insufficient buying power"})
    async with against(refusal) as (connection, server):
        with pytest.raises(BrokerRefused, match="insufficient buying power"):
            await connection.broker.submit_share(Approved(BUY), NAME, lambda: None)

        def halted() -> None:
            raise Halted("now")

        with pytest.raises(Halted):
            await connection.broker.submit_share(Approved(BUY), NAME, halted)
        assert server.count("POST") == 1
