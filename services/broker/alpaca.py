"""The broker by way of alpaca-py: what sends, and the whole connection in one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from urllib.parse import quote as escaped

from common.clock import WallClock
from common.errors import BrokerUnavailable, NotOpen, OrderNotFound, OrderUncertain
from common.ids import ClientOrderId, OrderId
from common.money import Price
from common.orders import Approved, Order, OrderIntent
from common.shares import ShareIntent
from services.broker import codec, share_codec
from services.broker.access import AlpacaAccess
from services.broker.account_ledger import AccountLedger
from services.broker.alpaca_library import AlpacaLibrary
from services.broker.alpaca_reader import AlpacaReader
from services.broker.alpaca_stream import TradeUpdates
from services.broker.alpaca_watchlists import AlpacaWatchlists
from services.broker.attempt import NoAnswer, Reply, Request, Unsent
from services.broker.channel import Channel, definite, refused
from services.broker.fields import Json, Unreadable, quoted, reads, refusal_text, text
from services.broker.gateway import Broker
from services.broker.holder import HolderGateway
from services.broker.library import Library
from services.broker.reader import BrokerReader
from services.broker.watchlists import WatchlistKeeper
from services.ops.breaker import Breaker, BreakerState
from services.ops.limiter import Lane, TokenBucket
from services.ops.metrics import Metrics

__all__ = ["AlpacaAccess", "AlpacaBroker", "AlpacaReader", "Connection", "open_broker"]

LEVELS = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)  # as the metric counts
DUPLICATE = "client_order_id must be unique"


class AlpacaBroker:
    """A Broker. Only what opens risk is held back by the breaker."""

    def __init__(self, channel: Channel, breaker: Breaker) -> None:
        self._channel = channel
        self._breaker = breaker

    async def submit(
        self,
        approved: Approved[OrderIntent],
        client_order_id: ClientOrderId,
        before_send: Callable[[], None],
        limit: Price | None = None,
    ) -> Order:
        """Send one order, once, and return it as the broker took it."""
        intent = _at(approved, limit)
        body = codec.order_request(intent, client_order_id)
        if not intent.opens:
            return await self._post(body, client_order_id, before_send)
        with self._breaker.guard():
            return await self._post(body, client_order_id, before_send)

    async def submit_share(
        self,
        approved: Approved[ShareIntent],
        client_order_id: ClientOrderId,
        before_send: Callable[[], None],
    ) -> Order:
        """Send one order in a stock or a coin, once, and return it as the broker took it."""
        intent = approved.value
        body = share_codec.order_request(intent, client_order_id)
        if not intent.opens:
            return await self._post(body, client_order_id, before_send)
        with self._breaker.guard():
            return await self._post(body, client_order_id, before_send)

    async def replace(
        self,
        order_id: OrderId,
        approved: Approved[OrderIntent],
        client_order_id: ClientOrderId,
        before_send: Callable[[], None],
        limit: Price,
        qty: int | None = None,
    ) -> Order:
        """Move a working order to another limit; return the order that takes its place."""
        request = Request(
            method="PATCH",
            path=f"/orders/{escaped(order_id, safe='')}",
            values=codec.replace_request(_at(approved, limit), client_order_id, qty),
        )
        return await self._sent(request, client_order_id, before_send)

    async def cancel(self, order_id: OrderId) -> None:
        """Ask for an order to be canceled; its end is told by the updates."""
        request = Request(method="DELETE", path=f"/orders/{escaped(order_id, safe='')}")
        reply = await self._channel.ask(request, Lane.ORDERS)
        if reply.status == 404:
            raise OrderNotFound(order_id)
        if reply.status == 422:
            raise NotOpen(refusal_text(reply.body) or f"order {order_id} has ended")
        definite(reply)

    async def cancel_all(self) -> frozenset[OrderId]:
        """Ask for every open order of the account to be canceled, in one request."""
        request = Request(method="DELETE", path="/orders")
        reply = definite(await self._channel.ask(request, Lane.STOPS))
        try:
            return canceled(reply.body)
        except Unreadable as e:
            raise BrokerUnavailable(f"which orders were canceled cannot be read: {e}") from e

    async def suspend(self, suspended: bool) -> None:
        """Have the broker refuse every new order of the account, or no more."""
        request = Request(
            method="PATCH",
            path="/account/configurations",
            values={"suspend_trade": suspended},
        )
        definite(await self._channel.ask(request, Lane.ORDERS))

    async def _post(
        self, body: Json, client_order_id: ClientOrderId, before_send: Callable[[], None] | None
    ) -> Order:
        request = Request(method="POST", path="/orders", values=body)
        return await self._sent(request, client_order_id, before_send)

    async def _sent(
        self,
        request: Request,
        client_order_id: ClientOrderId,
        before_send: Callable[[], None] | None,
    ) -> Order:
        try:
            reply = await self._channel.send(request, before_send)
        except Unsent as e:
            raise BrokerUnavailable(f"the order was not sent ({quoted(e)})") from e
        except NoAnswer as e:
            raise OrderUncertain(client_order_id, str(e)) from e
        return _outcome(reply, client_order_id)


@reads("cancels")
def canceled(body: list[Json]) -> frozenset[OrderId]:
    """Return the orders whose cancel was taken, of the reply's one line for each."""
    return frozenset(OrderId(text(line["id"])) for line in body or () if line["status"] == 200)


def _at(approved: Approved[OrderIntent], limit: Price | None) -> OrderIntent:
    """Return an approved order at a limit that is no worse than its own."""
    intent = approved.value
    if limit is None:
        return intent
    if limit > intent.limit:
        raise ValueError(f"{limit} is worse than the approved limit of {intent.limit}")
    return replace(intent, limit=limit)


def _outcome(reply: Reply, client_order_id: ClientOrderId) -> Order:
    """Return the order of a yes, raise BrokerRefused for a no, OrderUncertain for the rest."""
    if reply.ok:
        try:
            return codec.order(reply.body)
        except Unreadable as e:
            raise OrderUncertain(client_order_id, str(e)) from e
    why = refusal_text(reply.body)
    # The id is taken: by this very order, sent before. Timeouts and 429 may come from
    # something between us and a broker that did take it.
    clear = 400 <= reply.status < 500 and reply.status not in {408, 409, 429}
    if not clear or DUPLICATE in why.lower():
        raise OrderUncertain(client_order_id, f"{reply.status} {why}")
    raise refused(reply)


@dataclass(frozen=True, slots=True)
class Connection:
    """One account's broker: what sends, what reads, what tells of orders."""

    broker: Broker
    reader: BrokerReader
    ledger: AccountLedger
    holder: HolderGateway
    library: Library
    watchlists: WatchlistKeeper
    updates: TradeUpdates
    channel: Channel
    breakers: tuple[Breaker, ...]
    bucket: TokenBucket

    async def warm(self) -> None:
        """Import alpaca-py in a thread, so that the first call need not wait for it."""
        await self.channel.warm()


def open_broker(
    access: AlpacaAccess,
    *,
    timeout: timedelta,
    requests_per_minute: int,
    wall: WallClock,
    metrics: Metrics | None = None,
) -> AbstractAsyncContextManager[Connection]:
    """Hold a connection to one account; nothing is sent before something is asked.

    timeout bounds each call with all its tries; requests_per_minute all of them together.
    Leaving the context cuts what is still under way.
    """
    metrics = metrics or Metrics()
    bucket = TokenBucket(requests_per_minute, wall)
    channel = Channel(access, timeout=timeout, bucket=bucket, wall=wall, metrics=metrics)
    names = ("orders", "account", "market data", "library")
    breakers = orders, account, data, other = tuple(Breaker(name, wall) for name in names)
    for breaker in breakers:
        gauge = metrics.breaker_state.labels(breaker.name)
        gauge.set_function(partial(_level, breaker))
    metrics.ratelimit_remaining.set_function(lambda: bucket.tokens)
    reader = AlpacaReader(channel, access, account, data)
    return _held(
        Connection(
            broker=AlpacaBroker(channel, orders),
            reader=reader,
            ledger=AccountLedger(channel, account),
            holder=HolderGateway(channel),
            library=AlpacaLibrary(channel, access, other),
            watchlists=AlpacaWatchlists(channel, other),
            updates=TradeUpdates(access, wall, metrics),
            breakers=breakers,
            bucket=bucket,
            channel=channel,
        )
    )


def _level(breaker: Breaker) -> int:
    return LEVELS.index(breaker.state)


@asynccontextmanager
async def _held(connection: Connection) -> AsyncIterator[Connection]:
    try:
        yield connection
    finally:
        await connection.channel.aclose()
