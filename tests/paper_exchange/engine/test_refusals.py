"""What the account may not or cannot pay is refused, by its exact status, code and words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from common.orders import PositionIntent, Side
from paper_exchange.engine.commands import CancelOrder, ClosePosition, Command
from tests.paper_exchange.builders import FOLLOWING, SESSION, Trader, occ
from tests.paper_exchange.engine.acting import (
    CALL,
    HIGHER,
    LOWER,
    LOWEST,
    PUT,
    WING,
    Case,
    refusal,
    refused_whole,
)

BUY, SELL = Side.BUY, Side.SELL


FUNDS: dict[str, Case] = {
    "stock beyond buying power": (
        lambda t: t.simple("AAPL", qty=1000), 403, 40310000, "insufficient buying power",
    ),
    "calls beyond buying power": (
        lambda t: t.simple(CALL, qty=400), 403, 40310000, "insufficient options buying power",
    ),
    "spread beyond buying power": (
        lambda t: t.spread((HIGHER, -1), (WING, 1), qty=500), 403, 40310000,
        "insufficient options buying power",
    ),
    "coins beyond cash": (
        lambda t: t.simple("BTC/USD", qty=2), 403, 40310000,
        "insufficient balance for USD (requested: 180470.05, available: 100000)",
    ),
    "coins not held": (
        lambda t: t.simple("BTC/USD", SELL, 2), 403, 40310000,
        "insufficient balance for BTC (requested: 2, available: 0)",
    ),
    "put without the cash": (
        lambda t: t.simple(LOWER, SELL, 2), 403, 40310000,
        "insufficient options buying power for cash-secured put "
        "(required: 118760.12, available: 100000)",
    ),
    "call without the shares": (
        lambda t: t.simple(HIGHER, SELL), 403, 40310000,
        "insufficient underlying qty available for covered call (required: 100, available: 0)",
    ),
    "short straddle": (
        lambda t: t.spread((CALL, -1), (PUT, -1)), 403, 40310000,
        "account not eligible to trade uncovered option contracts",
    ),
    "ratio spread": (
        lambda t: t.spread((CALL, 1), (HIGHER, -2)), 403, 40310000,
        "account not eligible to trade uncovered option contracts",
    ),
    "short calendar": (
        lambda t: t.spread((CALL, 1), (occ(600, expiry=FOLLOWING.day), -1)), 403, 40310000,
        "account not eligible to trade uncovered option contracts",
    ),
    "part of a share short": (
        lambda t: t.simple("AAPL", SELL, "0.5"), 422, 42210000,
        "fractional orders cannot be sold short",
    ),
    "intent against holdings": (
        lambda t: t.simple(CALL, SELL, intent=PositionIntent.SELL_TO_CLOSE), 422, 42210000,
        "position intent mismatch, inferred: sell_to_open, specified: sell_to_close",
    ),
    "unknown order": (
        lambda t: CancelOrder(order_id=t.order_id()), 404, 40410000, "order not found",
    ),
    "nothing to close": (
        lambda t: ClosePosition(order_id=t.order_id(), symbol="AAPL"), 404, 40410000,
        "position does not exist",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FUNDS.values(), ids=FUNDS.keys())
def test_refused_in_these_words_and_nothing_changed(case: Case) -> None:
    refused_whole(case)


def test_a_client_order_id_is_taken_for_ever() -> None:
    trader = Trader()
    trader.submit(trader.simple("AAPL", client_order_id="mine"))
    again = refusal(trader, trader.simple("AAPL", client_order_id="mine"))
    assert (again.http_status, again.code) == (422, 40010001)
    assert again.message == "client_order_id must be unique"


def test_the_extras_tell_what_was_missing() -> None:
    trader = Trader()
    poor = refusal(trader, trader.simple("AAPL", qty=1000))
    assert poor.extras == {"buying_power": "200000", "cost_basis": "200100"}


def test_selling_more_than_is_free_names_the_orders_in_the_way() -> None:
    trader = Trader()
    trader.buy("AAPL", 10)
    resting = trader.sell("AAPL", 8, "250")
    refused = refusal(trader, trader.simple("AAPL", SELL, 3, "260"))
    assert refused.message == "insufficient qty available for order (requested: 3, available: 2)"
    assert refused.extras["related_orders"] == [resting.id]
    assert refused.extras["held_for_orders"] == "8"


def test_no_order_flips_a_position() -> None:
    trader = Trader()
    trader.buy("AAPL", 10)
    refused = refusal(trader, trader.simple("AAPL", SELL, 11))
    assert refused.message == "insufficient qty available for order (requested: 11, available: 10)"


def test_selling_more_options_than_held_would_be_naked() -> None:
    trader = Trader()
    trader.buy(CALL)
    refused = refusal(trader, trader.simple(CALL, SELL, 2))
    assert refused.message == "account not eligible to trade uncovered option contracts"


@pytest.mark.parametrize("legs", [((HIGHER, -1), (WING, 1)), ((LOWER, -1), (LOWEST, 1))])
def test_the_long_leg_of_a_credit_spread_cannot_leave_first(
    legs: tuple[tuple[str, int], tuple[str, int]],
) -> None:
    trader = Trader()
    trader.submit(trader.spread(*legs))
    refused = refusal(trader, trader.simple(legs[1][0], SELL))
    assert refused.message == "account not eligible to trade uncovered option contracts"
    trader.buy(legs[0][0])
    assert trader.sell(legs[1][0]).status.value == "filled"


def test_cover_promised_to_one_working_order_is_not_there_for_another() -> None:
    trader = Trader()
    trader.buy(CALL, 2)
    trader.submit(trader.spread((HIGHER, -1), (WING, 1)))
    trader.sell(WING, 1, "9.00")  # two 600 calls still cover the short
    trader.sell(CALL, 1, "9.00")
    refused = refusal(trader, trader.simple(CALL, SELL, 1, "9.00"))
    assert refused.message == "account not eligible to trade uncovered option contracts"


def test_shares_that_cover_a_call_stay() -> None:
    trader = Trader("200000")
    trader.buy("SPY", 150)
    assert trader.sell(HIGHER).status.value == "filled"
    refused = refusal(trader, trader.simple("SPY", SELL, 51))
    assert refused.message == "insufficient qty available for order (requested: 51, available: 50)"
    assert trader.sell("SPY", 50).status.value == "filled"


@pytest.mark.parametrize(
    ("level", "make", "message"),
    [
        (0, lambda t: t.simple(CALL), "account not authorized to trade options"),
        (1, lambda t: t.simple(CALL), "account not eligible for level2 options trading"),
        (2, lambda t: t.spread((CALL, 1), (HIGHER, -1)),
         "account not eligible for level3 options trading"),
    ],
)  # fmt: skip
def test_options_need_their_level(
    level: int, make: Callable[[Trader], Command], message: str
) -> None:
    trader = Trader(level=level)
    refused = refusal(trader, make(trader))
    assert (refused.http_status, refused.code, refused.message) == (403, 40310000, message)


def test_market_orders_in_options_wait_for_nobody() -> None:
    trader = Trader()
    trader.now = SESSION.open - timedelta(minutes=1)
    for command in (trader.simple(CALL), trader.spread((CALL, 1), (HIGHER, -1))):
        refused = refusal(trader, command)
        assert refused.message == "options market orders are only allowed during market hours"
        assert (refused.http_status, refused.code) == (422, 42210000)


def test_after_the_cut_off_only_closing_is_possible() -> None:
    trader = Trader()
    trader.buy(CALL)
    trader.now = SESSION.close - timedelta(minutes=30)
    refused = refusal(trader, trader.simple(HIGHER, limit="0.50"))
    assert (refused.http_status, refused.code) == (422, 42210000)
    assert refused.message == (f'contract "{HIGHER}" expires soon, unable to open new positions')
    assert "expires soon" in refusal(trader, trader.spread((CALL, -1), (HIGHER, 1))).message
    assert trader.buy(occ(600, expiry=FOLLOWING.day)).status.value == "filled"
    assert trader.sell(CALL).status.value == "filled"


def test_the_cut_off_is_not_reached_a_second_early() -> None:
    trader = Trader()
    trader.now = SESSION.close - timedelta(minutes=30, seconds=1)
    assert trader.buy(CALL).status.value == "filled"


def test_what_has_ended_cannot_be_canceled_but_canceled_stays_so() -> None:
    trader = Trader()
    filled = trader.buy("AAPL")
    refused = refusal(trader, CancelOrder(order_id=filled.id))
    assert refused.message == 'order is already in "filled" state'
    resting = trader.buy("AAPL", 1, "150")
    assert trader.do(CancelOrder(order_id=resting.id))
    assert trader.do(CancelOrder(order_id=resting.id)) == []


def test_an_account_does_not_trade_with_itself() -> None:
    trader = Trader()
    trader.buy("AAPL", 5)
    resting = trader.sell("AAPL", 1, "210")
    limit = refusal(trader, trader.simple("AAPL", BUY, 1, "210"))
    assert limit.message == "potential wash trade detected. use complex orders"
    assert limit.extras["existing_order_id"] == resting.id
    at_market = refusal(trader, trader.simple("AAPL"))
    assert at_market.extras["reject_reason"] == "opposite side market/stop order exists"
    assert trader.buy("AAPL", 1, "205").status.value == "filled"


def test_opposite_openings_of_one_symbol_exclude_each_other() -> None:
    trader = Trader()
    trader.sell("AAPL", 1, "260")
    refused = refusal(trader, trader.simple("AAPL"))
    assert refused.message == "cannot open a long buy while a short sell order is open"


@pytest.mark.parametrize("percentage", ["0", "-1", "100.1"])
def test_a_percentage_is_one(percentage: str) -> None:
    trader = Trader()
    trader.buy("AAPL", 10)
    command = ClosePosition(
        order_id=trader.order_id(), symbol="AAPL", percentage=Decimal(percentage)
    )
    assert refusal(trader, command).http_status == 422
