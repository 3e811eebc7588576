"""alpaca-py's streams, unmodified but for their address."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from queue import Empty, Queue
from typing import Any

import pytest
from alpaca.data.live import OptionDataStream, StockDataStream
from alpaca.data.models import Quote
from alpaca.trading.enums import ContractType, OrderSide, TimeInForce
from alpaca.trading.models import TradeUpdate
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from alpaca.trading.stream import TradingStream

from tests.conformance.conftest import Chain, Client
from tests.conformance.test_trading import condor
from tests.exchange import Exchange

PATIENCE = 20.0  # seconds before a message that does not come is a failure


class Heard:
    """What a stream's handler was given, readable from the test."""

    def __init__(self) -> None:
        self._messages: Queue[Any] = Queue()

    async def handler(self, message: Any) -> None:
        self._messages.put(message)

    def next(self, timeout: float = PATIENCE) -> Any:
        return self._messages.get(timeout=timeout)

    def until(self, wanted: Callable[[Any], bool], nudge: Callable[[], object]) -> Any:
        """Return the first message that fits, nudging the market meanwhile."""
        for _ in range(200):
            try:
                while not wanted(message := self.next(timeout=0.1)):
                    continue
            except Empty:
                nudge()
            else:
                return message
        raise AssertionError("the message did not come")


@contextmanager
def running(stream: Any, nudge: Callable[[], object]) -> Iterator[None]:
    """Run a stream in a thread of its own, as its users do; a message wakes it to stop."""
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stream.stop()
        for _ in range(100):
            if thread.is_alive():
                nudge()
                thread.join(0.2)
        assert not thread.is_alive()


@pytest.fixture
def tick(exchange: Exchange) -> Callable[[], object]:
    return lambda: exchange.step(timedelta(seconds=2))


def test_option_quotes_arrive(exchange: Exchange, chain: Chain, tick: Callable[[], object]) -> None:
    stream = OptionDataStream(
        exchange.key,
        exchange.secret,
        url_override=f"{exchange.websocket_url}/v1beta1/indicative",
    )
    heard = Heard()
    symbols = [chain.near(ContractType.CALL, n) for n in range(-3, 4)]
    stream.subscribe_quotes(heard.handler, *symbols)
    with running(stream, tick):
        quote = heard.until(lambda message: isinstance(message, Quote), tick)
        assert quote.symbol in symbols
        assert quote.bid_price <= quote.ask_price
        assert quote.timestamp.utcoffset() == timedelta(0)


def test_stock_quotes_and_trades_arrive(exchange: Exchange, tick: Callable[[], object]) -> None:
    stream = StockDataStream(
        exchange.key, exchange.secret, url_override=f"{exchange.websocket_url}/v2/iex"
    )
    quotes, trades, bars = Heard(), Heard(), Heard()
    stream.subscribe_quotes(quotes.handler, "SPY")
    stream.subscribe_trades(trades.handler, "SPY")
    stream.subscribe_bars(bars.handler, "SPY")
    with running(stream, tick):
        assert quotes.until(lambda message: True, tick).symbol == "SPY"
        assert trades.until(lambda message: True, tick).price > 0
        bar = bars.until(lambda message: True, lambda: exchange.step(timedelta(seconds=20)))
        assert bar.low <= bar.close <= bar.high


def test_the_paid_feed_is_refused_once_and_for_all(exchange: Exchange, chain: Chain) -> None:
    stream = OptionDataStream(
        exchange.key, exchange.secret, url_override=f"{exchange.websocket_url}/v1beta1/opra"
    )
    stream.subscribe_quotes(Heard().handler, chain.near(ContractType.CALL, 0))
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the client ends by itself on an insufficient subscription"


def test_a_subscription_in_fragments_is_understood(exchange: Exchange) -> None:
    """3,000 symbols leave the SDK in several frames; the answer is the symbol limit."""
    stream: Any = OptionDataStream(
        exchange.key, exchange.secret, url_override=f"{exchange.websocket_url}/v1beta1/indicative"
    )
    names = [f"SPY261120C{strike * 1000:08d}" for strike in range(1, 3001)]
    stream.subscribe_quotes(Heard().handler, *names)

    async def subscribe() -> Any:
        import msgpack

        await stream._start_ws()
        await stream._send_subscribe_msg()
        try:
            return msgpack.unpackb(await asyncio.wait_for(stream._ws.recv(), PATIENCE))
        finally:
            await stream.close()

    assert asyncio.run(subscribe()) == [{"T": "error", "code": 405, "msg": "symbol limit exceeded"}]


def listening(exchange: Exchange) -> tuple[TradingStream, Heard]:
    heard = Heard()
    stream = TradingStream(
        exchange.key, exchange.secret, url_override=f"{exchange.websocket_url}/stream"
    )
    stream.subscribe_trade_updates(heard.handler)
    return stream, heard


def test_trade_updates_of_a_stock_order(exchange: Exchange, flat: Client) -> None:
    stream, heard = listening(exchange)
    with running(stream, lambda: wink(flat)):
        probe(flat, heard)
        order = flat.submit_order(
            MarketOrderRequest(
                symbol="MSFT", qty=3, side=OrderSide.BUY, time_in_force=TimeInForce.DAY
            )
        )
        update: TradeUpdate = heard.until(
            lambda u: u.order.id == order.id and u.event == "fill", lambda: None
        )
        assert update.position_qty == 3
        assert update.qty == 3
        assert update.price is not None
        assert update.execution_id is not None
        assert update.timestamp.utcoffset() == timedelta(0)
        assert update.order.filled_qty == "3"


def test_trade_updates_of_a_condor(exchange: Exchange, flat: Client, chain: Chain) -> None:
    stream, heard = listening(exchange)
    with running(stream, lambda: wink(flat)):
        probe(flat, heard)
        order = flat.submit_order(condor(chain, limit=-0.01, qty=2))
        update: TradeUpdate = heard.until(
            lambda u: u.order.id == order.id and u.event == "fill", lambda: None
        )
        assert update.order.legs is not None
        assert len(update.order.legs) == 4
        assert update.qty == 2
        assert update.price is not None
        assert update.price <= -0.01


def wink(trading: Client) -> None:
    """Send an order and take it back."""
    order = trading.submit_order(
        LimitOrderRequest(
            symbol="SPY", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY,
            limit_price=1, client_order_id=str(uuid.uuid4()),
        )
    )  # fmt: skip
    trading.cancel_order_by_id(order.id)


def probe(trading: Client, heard: Heard) -> None:
    """Wait until the stream listens: it has no snapshot, so an order of ours must be heard."""
    for _ in range(100):
        wink(trading)
        try:
            while (update := heard.next(timeout=0.2)).event != "canceled":
                assert update.timestamp is not None
        except Empty:
            continue
        return
    raise AssertionError("the stream never listened")
