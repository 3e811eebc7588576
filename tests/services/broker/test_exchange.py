"""The same ports against a real exchange: what is sent is understood, what comes is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from common.clock import MonotonicClock
from common.contracts import OptionContract, Right
from common.errors import BrokerRefused, NotOpen, OrderNotFound, OrderUncertain
from common.ids import ClientOrderId, OrderId
from common.orders import Approved, Leg, OrderIntent, OrderStatus, PositionIntent, TradeUpdate
from common.session import trading_day
from services.broker.alpaca import AlpacaAccess, Connection, open_broker
from tests.exchange import Exchange
from tests.services.broker.connecting import trading_on
from tests.services.broker.waiting import until


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), clock="stepped", at="10:05") as found:
        yield found


@pytest.fixture
async def desk(exchange: Exchange) -> AsyncIterator[Connection]:
    async with trading_on(exchange) as connection:
        yield connection


async def strikes(desk: Connection) -> tuple[list[OptionContract], Decimal]:
    """Return today's calls by rising strike and the price of the underlying."""
    today = trading_day((await desk.reader.clock()).timestamp)
    listed = await desk.reader.contracts("SPY", today)
    calls = [one.contract for one in listed if one.contract.right is Right.CALL and one.tradable]
    return calls, (await desk.reader.stock_quote("SPY")).mid


async def spread(desk: Connection, limit: str | None = None) -> Approved[OrderIntent]:
    """Return a call spread bought just above the money, at the natural price unless told."""
    calls, spot = await strikes(desk)
    at = next(i for i, contract in enumerate(calls) if contract.strike > spot)
    quotes = await desk.reader.option_quotes([calls[at].symbol, calls[at + 2].symbol])
    natural = quotes[calls[at].symbol].ask - quotes[calls[at + 2].symbol].bid
    legs = (
        Leg(contract=calls[at], intent=PositionIntent.BUY_TO_OPEN),
        Leg(contract=calls[at + 2], intent=PositionIntent.SELL_TO_OPEN),
    )
    price = Decimal(limit) if limit is not None else natural
    return Approved(OrderIntent(strategy="test", legs=legs, qty=1, limit=price))


async def ended(desk: Connection, order_id: OrderId) -> OrderStatus:
    """Return how an order ended, waiting for it."""
    async with asyncio.timeout(20):
        while True:
            status = (await desk.reader.order(order_id)).status
            if status.terminal:
                return status
            await asyncio.sleep(0.02)


def go() -> None:
    """Let the order leave."""


async def test_figures_hours_and_market_are_read(desk: Connection) -> None:
    account = await desk.reader.account()
    assert account.equity > 0
    assert account.options_level == 3
    assert account.blocked is None
    clock = await desk.reader.clock()
    today = trading_day(clock.timestamp)
    [session] = await desk.reader.sessions(today, today)
    assert session.open < clock.timestamp < session.close
    assert clock.next_close == session.close
    bars = await desk.reader.bars("SPY", session.open, session.open + timedelta(minutes=15))
    assert len(bars) == 15
    chain = await desk.reader.chain_quotes("SPY", today)
    calls, _ = await strikes(desk)
    assert {contract.symbol for contract in calls} <= set(chain)


async def test_a_spread_fills_as_one_order_and_is_told_so(desk: Connection) -> None:
    heard: list[TradeUpdate] = []
    connected = asyncio.Event()
    listening = asyncio.ensure_future(desk.updates.run(heard.append, connected.set))
    await asyncio.wait_for(connected.wait(), 20)
    approved = await spread(desk)
    client_order_id = ClientOrderId("spread-1")
    sent = await desk.broker.submit(approved, client_order_id, go)
    await until(lambda: any(update.order.status is OrderStatus.FILLED for update in heard))
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)

    filled = await desk.reader.order(sent.id)
    assert filled.status is OrderStatus.FILLED
    assert filled.client_order_id == client_order_id
    assert len(filled.legs) == 2
    assert filled.filled_avg_price is not None
    assert filled.filled_avg_price <= approved.value.limit
    fills = [update.fill for update in heard if update.fill is not None]
    assert sum(fill.qty for fill in fills) == 1
    assert {fill.price for fill in fills} == {filled.filled_avg_price}
    held = {position.symbol: position.qty for position in await desk.reader.positions()}
    assert [held[leg.contract.symbol] for leg in approved.value.legs] == [1, -1]
    assert desk.updates.state.unreadable == 0


async def test_an_order_is_found_by_our_name_and_by_no_other(desk: Connection) -> None:
    client_order_id = ClientOrderId("resting-1")
    approved = await spread(desk, limit="0.01")
    sent = await desk.broker.submit(approved, client_order_id, go)
    found = await desk.reader.order_by_client_id(client_order_id)
    assert found is not None
    assert found.id == sent.id
    assert found.limit == Decimal("0.01")
    assert await desk.reader.order_by_client_id(ClientOrderId("never-sent")) is None
    with pytest.raises(OrderUncertain, match="unique"):
        await desk.broker.submit(approved, client_order_id, go)
    assert sent.id in {order.id for order in await desk.reader.orders("open")}

    await desk.broker.cancel(sent.id)
    assert await ended(desk, sent.id) is OrderStatus.CANCELED


async def test_what_cannot_be_canceled_says_why(desk: Connection) -> None:
    with pytest.raises(OrderNotFound):
        await desk.broker.cancel(OrderId("00000000-0000-4000-8000-000000000000"))
    filled = await desk.broker.submit(await spread(desk), ClientOrderId("spread-2"), go)
    await ended(desk, filled.id)
    with pytest.raises(NotOpen):
        await desk.broker.cancel(filled.id)


async def test_too_large_an_order_is_refused_with_the_figures(desk: Connection) -> None:
    approved = await spread(desk)
    large = OrderIntent(
        strategy="test", legs=approved.value.legs, qty=9000, limit=approved.value.limit
    )
    with pytest.raises(BrokerRefused, match="buying power") as raised:
        await desk.broker.submit(Approved(large), ClientOrderId("large"), go)
    assert raised.value.status == 403
    assert raised.value.broker_code == 40310000


async def test_wrong_keys_are_refused_by_rest_and_stream(exchange: Exchange) -> None:
    async with open_broker(
        AlpacaAccess(key=exchange.key, secret="wrong", base_url=exchange.url),
        timeout=timedelta(seconds=20),
        requests_per_minute=10_000,
        wall=MonotonicClock(),
    ) as stranger:
        with pytest.raises(BrokerRefused) as raised:
            await stranger.reader.account()
        assert raised.value.status in {401, 403}
        listening = asyncio.ensure_future(stranger.updates.run(lambda _: None, lambda: None))
        await until(lambda: "keys" in stranger.updates.state.error)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_replaced_order_fills_in_its_new_place(desk: Connection) -> None:
    approved = await spread(desk)
    far = approved.value.limit - Decimal("0.30")
    first = await desk.broker.submit(approved, ClientOrderId("spy0-walk"), go, far)
    assert first.limit == far
    second = ClientOrderId("spy0-walk-r1")
    moved = await desk.broker.replace(first.id, approved, second, go, approved.value.limit)
    assert (moved.client_order_id, moved.limit) == (second, approved.value.limit)
    assert await ended(desk, moved.id) is OrderStatus.FILLED
    old = await desk.reader.order(first.id)
    assert (old.broker_status, old.replaced_by) == ("replaced", moved.id)


async def test_while_trading_is_suspended_not_even_a_sound_order_is_taken(desk: Connection) -> None:
    assert await desk.reader.suspended() is False
    approved = await spread(desk)
    await desk.broker.suspend(True)
    assert await desk.reader.suspended() is True
    assert (await desk.reader.account()).blocked == "trade suspended by user"
    with pytest.raises(BrokerRefused, match="rejected by user request"):
        await desk.broker.submit(approved, ClientOrderId("locked-out"), go)
    await desk.broker.suspend(True)  # asking twice does no harm
    await desk.broker.suspend(False)
    assert await desk.reader.suspended() is False
    order = await desk.broker.submit(approved, ClientOrderId("let-in"), go)
    assert order.client_order_id == "let-in"


async def test_all_that_works_is_canceled_at_once(desk: Connection) -> None:
    placed = [
        (await desk.broker.submit(await spread(desk, "0.01"), ClientOrderId(name), go)).id
        for name in ("far-1", "far-2", "far-3")
    ]
    assert await desk.broker.cancel_all() >= set(placed)
    for order_id in placed:
        assert await ended(desk, order_id) is OrderStatus.CANCELED
