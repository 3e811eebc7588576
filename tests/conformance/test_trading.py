"""alpaca-py's TradingClient, unmodified but for its address."""

from __future__ import annotations

import uuid

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetClass,
    ContractType,
    OrderClass,
    OrderSide,
    OrderStatus,
    PositionIntent,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOptionContractsRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    OptionLegRequest,
)

from tests.conformance.conftest import Chain, Client

ENDED = {OrderStatus.FILLED, OrderStatus.CANCELED}


def market(symbol: str, qty: float, side: OrderSide = OrderSide.BUY) -> MarketOrderRequest:
    return MarketOrderRequest(
        symbol=symbol, qty=qty, side=side, time_in_force=TimeInForce.DAY,
        client_order_id=str(uuid.uuid4()),
    )  # fmt: skip


def far_below(symbol: str = "AAPL") -> LimitOrderRequest:
    return LimitOrderRequest(
        symbol=symbol, qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=1,
        client_order_id=str(uuid.uuid4()),
    )  # fmt: skip


def condor(chain: Chain, limit: float | None, qty: int = 1) -> LimitOrderRequest:
    legs = [
        (ContractType.PUT, -8, OrderSide.BUY),
        (ContractType.PUT, -5, OrderSide.SELL),
        (ContractType.CALL, 5, OrderSide.SELL),
        (ContractType.CALL, 8, OrderSide.BUY),
    ]
    return LimitOrderRequest(
        qty=qty,
        time_in_force=TimeInForce.DAY,
        order_class=OrderClass.MLEG,
        limit_price=limit,
        client_order_id=str(uuid.uuid4()),
        legs=[
            OptionLegRequest(symbol=chain.near(right, away), ratio_qty=1, side=side)
            for right, away, side in legs
        ],
    )


def test_the_account_has_its_money(trading: Client) -> None:
    account = trading.get_account()
    assert float(account.equity or 0) > 0
    assert account.options_trading_level == 3
    assert account.currency == "USD"
    assert not account.trading_blocked


def test_clock_calendar_and_assets(trading: Client) -> None:
    clock = trading.get_clock()
    assert clock.is_open
    assert clock.timestamp < clock.next_close < clock.next_open
    today = clock.timestamp.date()
    (day,) = trading.get_calendar(GetCalendarRequest(start=today, end=today))
    assert (day.date, day.open.hour, day.open.minute) == (today, 9, 30)
    assets = trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.US_EQUITY))
    assert {"SPY", "QQQ", "IWM", "AAPL", "TSLA"} <= {asset.symbol for asset in assets}
    spy = trading.get_asset("SPY")
    assert trading.get_asset(spy.id).symbol == "SPY"
    assert trading.get_asset("BTC/USD").asset_class is AssetClass.CRYPTO


def test_contracts_come_in_pages(trading: Client) -> None:
    wanted = GetOptionContractsRequest(underlying_symbols=["SPY"], limit=100)
    symbols: list[str] = []
    while True:
        page = trading.get_option_contracts(wanted)
        symbols += [contract.symbol for contract in page.option_contracts]
        if page.next_page_token is None:
            break
        wanted.page_token = page.next_page_token
    assert len(symbols) == len(set(symbols)) > 200
    assert trading.get_option_contract(symbols[0]).symbol == symbols[0]
    by_id = trading.get_option_contract(symbols[0]).id
    assert trading.get_option_contract(by_id).symbol == symbols[0]


def test_a_stock_is_bought_held_and_closed_in_parts(flat: Client) -> None:
    order = flat.submit_order(market("AAPL", 10))
    held = flat.get_order_by_id(order.id)
    assert held.status is OrderStatus.FILLED
    assert float(held.filled_qty or 0) == 10
    position = flat.get_open_position("AAPL")
    assert float(position.qty) == 10
    assert flat.get_open_position(position.asset_id).symbol == "AAPL"
    flat.close_position("AAPL", ClosePositionRequest(percentage="40"))
    assert float(flat.get_open_position("AAPL").qty) == 6
    flat.close_position("AAPL", ClosePositionRequest(qty="2"))
    assert float(flat.get_open_position("AAPL").qty) == 4
    flat.close_position("AAPL")
    with pytest.raises(APIError) as caught:
        flat.get_open_position("AAPL")
    assert caught.value.code == 40410000


def test_an_order_waits_is_found_and_canceled(flat: Client) -> None:
    order = flat.submit_order(far_below())
    assert flat.get_order_by_id(order.id).status is OrderStatus.NEW
    assert flat.get_order_by_client_id(order.client_order_id).id == order.id
    assert order.id in {found.id for found in flat.get_orders()}
    flat.cancel_order_by_id(order.id)
    assert flat.get_order_by_id(order.id).status is OrderStatus.CANCELED
    closed = flat.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED, symbols=["AAPL"]))
    assert order.id in {found.id for found in closed}


def test_all_orders_are_canceled_at_once(flat: Client) -> None:
    orders = {flat.submit_order(far_below(symbol)).id for symbol in ("AAPL", "MSFT", "SPY")}
    answer = flat.cancel_orders()
    assert {line.id for line in answer} == orders
    assert {line.status for line in answer} == {200}
    assert flat.get_orders() == []


def test_a_condor_is_one_order_with_four_legs(flat: Client, chain: Chain) -> None:
    order = flat.submit_order(condor(chain, limit=-0.01))
    assert order.order_class is OrderClass.MLEG
    held = flat.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))
    assert held.status is OrderStatus.FILLED
    assert float(held.filled_avg_price or 0) <= -0.01
    assert held.legs is not None
    assert [leg.position_intent for leg in held.legs] == [
        PositionIntent.BUY_TO_OPEN,
        PositionIntent.SELL_TO_OPEN,
        PositionIntent.SELL_TO_OPEN,
        PositionIntent.BUY_TO_OPEN,
    ]
    positions = {position.symbol: float(position.qty) for position in flat.get_all_positions()}
    assert sorted(positions.values()) == [-1, -1, 1, 1]
    answer = flat.close_all_positions(cancel_orders=True)
    assert {line.status for line in answer} == {200}
    assert flat.get_all_positions() == []


def test_a_condor_that_asks_too_much_waits(flat: Client, chain: Chain) -> None:
    order = flat.submit_order(condor(chain, limit=-2.9))
    found = flat.get_order_by_client_id(order.client_order_id)
    assert found.status is OrderStatus.NEW
    assert found.legs is not None
    assert len(found.legs) == 4
    flat.cancel_order_by_id(order.id)


def test_an_order_id_is_used_once(flat: Client) -> None:
    order = far_below()
    flat.submit_order(order)
    with pytest.raises(APIError, match="client_order_id must be unique") as caught:
        flat.submit_order(order)
    assert caught.value.status_code == 422


def test_what_costs_too_much_says_what_there_is(flat: Client) -> None:
    with pytest.raises(APIError, match="insufficient buying power") as caught:
        flat.submit_order(market("SPY", 900_000))
    assert caught.value.status_code == 403
    assert '"buying_power"' in str(caught.value)


def test_a_stranger_is_told_so(exchange: object, trading: Client) -> None:
    stranger = TradingClient("PKNOBODY", "nothing", url_override=trading._base_url)
    with pytest.raises(APIError, match="request is not authorized") as caught:
        stranger.get_account()
    assert (caught.value.status_code, caught.value.code) == (401, 40110000)
