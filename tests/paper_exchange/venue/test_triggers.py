"""Stops, trails and brackets through the venue: a beat fires the right ones, once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from common.orders import OrderClass, OrderType, Side
from paper_exchange.engine.events import OrderFilled, OrderTrailed
from paper_exchange.engine.orders import OrderState, Status
from tests.paper_exchange.builders import ME, quote
from tests.paper_exchange.venue.exchange import Exchange, ToldJournal, opened


async def everything(exchange: Exchange) -> list[OrderState]:
    """Return all orders, oldest first."""
    shown = await exchange.venue.orders(ME, lambda _: True, limit=2000, newest_first=False)
    return list(shown)


async def restart(exchange: Exchange) -> None:
    """Forget everything and rebuild it from the journal."""
    await exchange.shard.settled(ME)
    await exchange.shard.load()


def price(exchange: Exchange, mid: str, at: str = "AAPL") -> None:
    exchange.board.standing[at] = quote(mid, mid)


async def test_a_tick_fires_what_it_reaches_once_and_touches_nothing_else() -> None:
    journal = ToldJournal()
    exchange = await opened(journal, cash=10_000_000)
    await exchange.venue.submit(ME, exchange.order(qty=300))
    stops = [Decimal(n) / 10 for n in range(1700, 2000)]
    for stop in stops:
        order = replace(exchange.order(side=Side.SELL), type=OrderType.STOP, stop_price=stop)
        await exchange.venue.submit(ME, order)
    price(exchange, "190")
    before = len(journal.durable)
    await exchange.pulse.beat()
    await exchange.pulse.beat()
    await exchange.shard.settled(ME)
    filled = [order for order in await everything(exchange) if order.status is Status.FILLED]
    assert len(filled) == 1 + sum(stop >= 190 for stop in stops) == 101
    assert len(journal.durable) - before == 2 * 100  # elected and filled, each once


async def test_a_restart_between_any_two_ticks_changes_nothing() -> None:
    ends = []
    for restarting in (False, True):
        exchange = await opened(ToldJournal())
        await exchange.venue.submit(ME, exchange.order(qty=20))
        trail = replace(
            exchange.order(qty=10, side=Side.SELL),
            type=OrderType.TRAILING_STOP,
            trail_percent=Decimal(5),
        )
        await exchange.venue.submit(ME, trail)
        bracket = replace(
            exchange.order("SPY", 5, "590"),
            order_class=OrderClass.BRACKET,
            take_profit=Decimal(620),
            stop_loss=Decimal(580),
        )
        await exchange.venue.submit(ME, bracket)
        walk = [("205", "595"), ("210", "590"), ("204", "600"), ("199.50", "619"), ("199", "621")]
        for aapl, spy in walk:
            if restarting:
                await restart(exchange)
            price(exchange, aapl)
            price(exchange, spy, "SPY")
            await exchange.pulse.beat()
        orders = await everything(exchange)
        ends.append([(o.status, o.filled_avg_price, o.hwm, o.stop_price) for o in orders])
    assert ends[0] == ends[1]
    statuses = [status.value for status, *_ in ends[0]]
    assert statuses == ["filled", "filled", "filled", "filled", "canceled"]
    assert ends[0][1][1:] == (Decimal("199.5"), Decimal(210), Decimal("199.50"))


async def test_a_trail_that_stands_still_writes_nothing() -> None:
    journal = ToldJournal()
    exchange = await opened(journal)
    await exchange.venue.submit(ME, exchange.order(qty=10))
    trail = replace(
        exchange.order(qty=10, side=Side.SELL),
        type=OrderType.TRAILING_STOP,
        trail_price=Decimal(50),
    )
    await exchange.venue.submit(ME, trail)
    for mid in ("210", "205", "210", "209.99", "210"):
        price(exchange, mid)
        await exchange.pulse.beat()
    await exchange.shard.settled(ME)
    kinds = [type(record.event) for record in journal.durable]
    assert kinds.count(OrderTrailed) == 1
    assert kinds.count(OrderFilled) == 1
