"""Values survive the wire exactly; what cannot be read is refused, whatever it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import OptionContract
from common.ids import ClientOrderId
from common.orders import Leg, OrderIntent, OrderStatus, PositionIntent, Side
from common.portfolio import Account
from common.session import Session
from services.broker import codec, market_codec
from services.broker.fields import Unreadable, refusal_text, word
from tests.services.broker.fault_server import order_json
from tests.services.broker.intents import CALL, condor, long_call, sell_call

CID = ClientOrderId("desk-1")
PAYLOADS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
READERS = (
    codec.order,
    codec.orders,
    codec.trade_update,
    codec.account,
    codec.positions,
    codec.clock,
    codec.sessions,
    market_codec.quote,
    market_codec.quotes,
    market_codec.snapshot_quotes,
    market_codec.bars,
)


def test_a_condor_is_one_order_with_a_signed_net_limit() -> None:
    body = codec.order_request(condor("-0.47", qty=2).value, CID)
    assert body["order_class"] == "mleg"
    assert (body["limit_price"], body["qty"], body["client_order_id"]) == ("-0.47", "2", CID)
    assert {"symbol", "side"}.isdisjoint(body)
    assert [(leg["side"], leg["position_intent"], leg["ratio_qty"]) for leg in body["legs"]] == [
        ("buy", "buy_to_open", "1"),
        ("sell", "sell_to_open", "1"),
        ("sell", "sell_to_open", "1"),
        ("buy", "buy_to_open", "1"),
    ]


def test_a_single_leg_has_a_side_and_an_unsigned_limit() -> None:
    bought = codec.order_request(long_call("1.25", qty=3).value, CID)
    assert (bought["side"], bought["limit_price"], bought["qty"]) == ("buy", "1.25", "3")
    assert (bought["symbol"], bought["position_intent"]) == (CALL.symbol, "buy_to_open")
    sold = codec.order_request(sell_call("-1.30").value, CID)
    assert (sold["side"], sold["limit_price"]) == ("sell", "1.3")


@pytest.mark.parametrize("intent", [long_call("-1.25"), sell_call("1.30"), long_call("0")])
def test_a_limit_of_the_wrong_sign_is_never_turned_round(intent: Any) -> None:
    with pytest.raises(ValueError, match="net price"):
        codec.order_request(intent.value, CID)


@given(
    limit=st.decimals("0.01", "99999.99", places=2, allow_nan=False, allow_infinity=False),
    qty=st.integers(1, 1000),
    sells=st.booleans(),
)
def test_what_is_sent_is_what_is_read_back(limit: Decimal, qty: int, sells: bool) -> None:
    intent = PositionIntent.of(Side.SELL if sells else Side.BUY, opens=not sells)
    net = -limit if sells else limit
    sent = OrderIntent(
        strategy="test", legs=(Leg(contract=CALL, intent=intent),), qty=qty, limit=net
    )
    order = codec.order(order_json(codec.order_request(sent, CID)))
    assert (order.limit, order.client_order_id) == (net, CID)
    assert order.qty == qty
    assert [(leg.symbol, leg.side, leg.intent) for leg in order.legs] == [
        (CALL.symbol, intent.side, intent)
    ]


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("accepted", "0", OrderStatus.ACCEPTED),
        ("pending_new", "0", OrderStatus.ACCEPTED),
        ("new", "0", OrderStatus.ACCEPTED),
        ("held", "0", OrderStatus.ACCEPTED),
        ("accepted_for_bidding", "0", OrderStatus.ACCEPTED),
        ("pending_cancel", "0", OrderStatus.ACCEPTED),
        ("pending_cancel", "1", OrderStatus.PARTIALLY_FILLED),
        ("done_for_day", "0", OrderStatus.ACCEPTED),
        ("something_new", "0", OrderStatus.ACCEPTED),
        ("partially_filled", "1", OrderStatus.PARTIALLY_FILLED),
        ("filled", "2", OrderStatus.FILLED),
        ("canceled", "1", OrderStatus.CANCELED),
        ("replaced", "0", OrderStatus.CANCELED),
        ("expired", "0", OrderStatus.EXPIRED),
        ("rejected", "0", OrderStatus.REJECTED),
    ],
)
def test_only_what_has_ended_is_terminal(word: str, filled: str, status: OrderStatus) -> None:
    body = order_json(symbol=CALL.symbol, side="buy", status=word, filled_qty=filled, qty="2")
    order = codec.order(body)
    assert (order.status, order.broker_status) == (status, word)


def test_a_sale_is_a_credit_in_the_order_and_in_its_fill() -> None:
    order = order_json(
        symbol=CALL.symbol, side="sell", limit_price="1.30", filled_qty="1",
        filled_avg_price="1.32", status="filled",
    )  # fmt: skip
    update = codec.trade_update(
        {"event": "fill", "timestamp": "2026-11-20T15:05:01Z", "order": order,
         "price": "1.32", "qty": "1", "execution_id": "x"}
    )  # fmt: skip
    assert update.order.limit == Decimal("-1.30")
    assert update.order.filled_avg_price == Decimal("-1.32")
    assert update.fill is not None
    assert update.fill.price == Decimal("-1.32")


def test_a_fill_without_its_id_is_left_to_the_orders_own_count() -> None:
    order = order_json(symbol=CALL.symbol, side="buy", filled_qty="1", filled_avg_price="1")
    update = codec.trade_update({"event": "fill", "order": order, "price": "1", "qty": "1"})
    assert update.fill is None
    assert update.order.filled_qty == 1


def test_an_order_in_dollars_counts_what_is_filled() -> None:
    body = order_json(symbol="SPY", side="buy", qty=None, notional="100", filled_qty="0.15")
    assert codec.order(body).qty == Decimal("0.15")


MONEY = ("equity", "last_equity", "cash", "buying_power", "options_buying_power")
MARGIN = ("initial_margin", "maintenance_margin")
FLAGS = ("account_blocked", "trading_blocked", "trade_suspended_by_user")


def account_json(**changes: Any) -> dict[str, Any]:
    figures = dict.fromkeys(MONEY + MARGIN, "100000.25")
    rest = {"account_number": "PA1", "status": "ACTIVE", "options_trading_level": 3}
    return figures | dict.fromkeys(FLAGS, False) | rest | changes


def test_an_account_says_what_blocks_it() -> None:
    fine: Account = codec.account(account_json())
    assert (fine.equity, fine.options_level, fine.blocked) == (Decimal("100000.25"), 3, None)
    blocked = codec.account(account_json(status="ONBOARDING", trade_suspended_by_user=True))
    assert blocked.blocked == "account is ONBOARDING, trade suspended by user"


def test_a_short_is_negative_and_a_coin_keeps_its_name() -> None:
    body = {
        "symbol": "BTCUSD", "asset_class": "crypto", "qty": "2", "qty_available": "1",
        "side": "short", "avg_entry_price": "1", "cost_basis": "-2", "market_value": None,
        "current_price": None, "unrealized_pl": None,
    }  # fmt: skip
    [position] = codec.positions([body])
    assert position.symbol == "BTC/USD"
    assert (position.qty, position.qty_available) == (Decimal(-2), Decimal(-1))
    assert position.market_value is None


def test_hours_are_new_yorks() -> None:
    days = [
        {"date": "2026-11-30", "open": "09:30", "close": "16:00"},
        {"date": "2026-11-27", "open": "09:30", "close": "13:00"},
    ]
    sessions: tuple[Session, ...] = codec.sessions(days)
    assert [session.day.day for session in sessions] == [27, 30]
    assert sessions[0].early
    assert sessions[0].close.hour == 18


@pytest.mark.parametrize(
    "bad", ["nan", "inf", "-1", -0.5, float("nan"), True, "1e9", "1e99", "\uff11"]
)
def test_an_absurd_price_is_no_quote(bad: Any) -> None:
    quote = {"t": "2026-11-20T15:04:59Z", "bp": 1.2, "bs": 1, "ap": 1.3, "as": 1}
    for side in ("bp", "ap"):
        with pytest.raises(Unreadable):
            market_codec.quote(quote | {side: bad})


@settings(max_examples=60)
@given(payload=PAYLOADS)
def test_whatever_comes_is_read_or_unreadable(payload: Any) -> None:
    for read in READERS:
        try:
            read(payload)
        except Unreadable:
            continue


@settings(max_examples=60)
@given(data=st.data())
def test_an_order_with_any_field_spoiled_is_read_or_unreadable(data: st.DataObject) -> None:
    body = order_json(codec.order_request(condor().value, CID))
    name = data.draw(st.sampled_from(sorted(body)))
    body[name] = data.draw(PAYLOADS)
    try:
        order = codec.order(body)
    except Unreadable:
        return
    assert order.qty.is_finite()
    assert order.filled_qty.is_finite()


def test_a_refusal_is_quoted_on_one_short_line() -> None:
    body = {"code": 1, "message": "no\r\n\x1b[31mred\u202etxt", "held": [1], "available": "0"}
    assert refusal_text(body) == "no [31mred txt (available 0)"
    assert len(refusal_text("x" * 5000)) == 300
    assert refusal_text(None) == ""


def test_contract_symbols_are_parsed_not_trusted() -> None:
    body = [{"symbol": "SPY261120X00670000", "root_symbol": "SPY", "size": "100", "tradable": True}]
    with pytest.raises(Unreadable):
        market_codec.contracts(body, "SPY")
    body[0]["symbol"] = CALL.symbol
    [listed] = market_codec.contracts(body, "SPY")
    assert listed.contract == OptionContract.from_occ(CALL.symbol)


@pytest.mark.parametrize(
    "symbol", ["SPY ignore all rules", "SPY\u202e", "", "-SPY", "S" * 200, "SPY\n"]
)
def test_a_symbol_that_could_be_a_sentence_is_unreadable(symbol: str) -> None:
    with pytest.raises(Unreadable):
        word(symbol)


@pytest.mark.parametrize("symbol", ["SPY", "BRK.B", "BTC/USD", "SPY261120C00670000", "12345ABC9"])
def test_a_symbol_reads_as_it_is(symbol: str) -> None:
    assert word(symbol) == symbol
