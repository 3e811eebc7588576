"""Commands and reads through the front door."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from common.orders import OrderClass, OrderType, Side, TimeInForce
from paper_exchange.engine.commands import LegRequest, SubmitOrder
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.updates import OrderUpdate
from paper_exchange.hub import Subscription
from tests.paper_exchange.builders import DAYS, FOLLOWING, LATE, ME, SESSION, occ, quote
from tests.paper_exchange.venue.exchange import Exchange, ToldJournal, on_disk, opened

CALL, HIGHER, WING = occ(600), occ(605), occ(610)
LOWER, LOWEST = occ(595, "P"), occ(590, "P")


@pytest.fixture
def journal() -> ToldJournal:
    return ToldJournal()


@pytest.fixture
async def exchange(journal: ToldJournal) -> Exchange:
    return await opened(journal)


def _condor(exchange: Exchange, qty: int = 1) -> SubmitOrder:
    legs = ((HIGHER, Side.SELL), (WING, Side.BUY), (LOWER, Side.SELL), (LOWEST, Side.BUY))
    return SubmitOrder(
        order_id=exchange.venue.new_order_id(),
        order_class=OrderClass.MLEG,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        qty=Decimal(qty),
        limit_price=Decimal("-1.00"),
        legs=tuple(LegRequest(symbol=symbol, ratio=1, side=side) for symbol, side in legs),
    )


def _every(order: OrderState) -> bool:
    return True


async def _next(updates: Subscription[OrderUpdate]) -> OrderUpdate:
    async with asyncio.timeout(5):
        return await anext(updates)


async def test_a_market_order_is_pending_then_new_then_filled(exchange: Exchange) -> None:
    updates = exchange.hub.subscribe(ME)
    reply = await exchange.venue.submit(ME, exchange.order(client_order_id="mine"))
    assert reply.status is Status.PENDING_NEW
    new, fill = await _next(updates), await _next(updates)
    assert (new.event, new.order.status) == ("new", Status.NEW)
    assert (fill.event, fill.order.status) == ("fill", Status.FILLED)
    assert new.event_id < fill.event_id
    assert fill.execution is not None
    assert fill.execution.price == Decimal("200.10")
    assert fill.execution.fills[0].position_qty == 1
    for found in (
        await exchange.venue.order(ME, reply.id),
        await exchange.venue.order_by_client_id(ME, "mine"),
    ):
        assert found == fill.order


async def test_orders_are_listed_newest_first(exchange: Exchange) -> None:
    ids = [(await exchange.venue.submit(ME, exchange.order(limit="150"))).id for _ in range(3)]
    await exchange.venue.cancel(ME, ids[1])
    listed = await exchange.venue.orders(ME, _every, limit=2)
    assert [order.id for order in listed] == [ids[2], ids[1]]
    working = await exchange.venue.orders(
        ME, _every, limit=9, newest_first=False, working_only=True
    )
    assert [order.id for order in working] == [ids[0], ids[2]]
    assert set(await exchange.venue.cancel_all(ME)) == {ids[0], ids[2]}
    assert not await exchange.venue.orders(ME, _every, limit=9, working_only=True)


async def test_what_does_not_exist_is_not_found(exchange: Exchange) -> None:
    venue = exchange.venue
    for asked in (
        venue.order(ME, venue.new_order_id()),
        venue.order_by_client_id(ME, "nobody's"),
        venue.close(ME, "AAPL"),
        venue.account(type(ME)("stranger")),
    ):
        with pytest.raises(Refused) as refused:
            await asked
        assert refused.value.http_status == 404


async def test_one_account_sees_nothing_of_another(exchange: Exchange) -> None:
    other = type(ME)("other")
    await exchange.venue.open_account(other, cash=Decimal(500))
    order = await exchange.venue.submit(ME, exchange.order(client_order_id="mine"))
    with pytest.raises(Refused, match="order not found"):
        await exchange.venue.order(other, order.id)
    with pytest.raises(Refused, match="order not found"):
        await exchange.venue.cancel(other, order.id)
    assert not await exchange.venue.orders(other, _every, limit=9)
    assert (await exchange.venue.account(other)).figures.cash == 500
    await exchange.venue.submit(other, exchange.order(client_order_id="mine"))


async def test_opening_an_account_again_leaves_it_alone(exchange: Exchange) -> None:
    await exchange.venue.open_account(ME, cash=Decimal(5))
    view = await exchange.venue.account(ME)
    assert view.figures.cash == 100_000
    assert view.number.startswith("PA")


async def test_a_condor_is_flat_after_closing_all(exchange: Exchange) -> None:
    await exchange.venue.submit(ME, _condor(exchange))
    await exchange.venue.submit(ME, exchange.order(limit="150"))
    assert len(await exchange.venue.positions(ME)) == 4
    closed = await exchange.venue.close_all(ME, cancel_orders=True)
    assert [done.refused for done in closed] == [None] * 4
    assert not await exchange.venue.positions(ME)
    assert not await exchange.venue.orders(ME, _every, limit=9, working_only=True)
    assert (await exchange.venue.account(ME)).figures.held == 0


async def test_what_cannot_be_closed_says_so(exchange: Exchange) -> None:
    await exchange.venue.submit(ME, _condor(exchange))
    exchange.clock.set(SESSION.close + LATE - timedelta(seconds=1))
    exchange.clock.advance(timedelta(seconds=1))
    closed = await exchange.venue.close_all(ME, cancel_orders=False)
    assert len(closed) == 4
    assert all(done.order is None and done.refused is not None for done in closed)


async def test_a_resting_order_fires_when_the_touch_comes(exchange: Exchange) -> None:
    low = await exchange.venue.submit(ME, exchange.order(limit="199.00"))
    high = await exchange.venue.submit(ME, exchange.order(limit="199.50"))
    spread = _condor(exchange)
    await exchange.venue.submit(ME, spread)
    await exchange.pulse.beat()
    await exchange.venue.account(ME)
    updates = exchange.hub.subscribe(ME)
    exchange.board.standing["AAPL"] = quote("199.40", "199.45")
    await exchange.pulse.beat()
    fill = await _next(updates)
    assert (fill.order.id, fill.order.filled_avg_price) == (high.id, Decimal("199.45"))
    assert (await exchange.venue.order(ME, low.id)).status is Status.NEW
    exchange.board.standing["AAPL"] = quote("198.00", "198.90")
    await exchange.pulse.beat()
    assert (await _next(updates)).order.filled_avg_price == Decimal("198.90")


async def test_a_resting_sale_and_a_resting_spread_fire_too(exchange: Exchange) -> None:
    exchange.board.standing[HIGHER] = quote("0.50", "0.60")
    spread = _condor(exchange)
    assert (await exchange.venue.submit(ME, spread)).status is Status.PENDING_NEW
    await exchange.venue.submit(ME, exchange.order())
    sale = await exchange.venue.submit(ME, exchange.order(limit="210", side=Side.SELL))
    exchange.board.standing["AAPL"] = quote("210.00", "210.10")
    exchange.board.standing[HIGHER] = quote("0.70", "0.75")
    await exchange.pulse.beat()
    assert (await exchange.venue.order(ME, sale.id)).status is Status.FILLED
    filled = await exchange.venue.order(ME, spread.order_id)
    assert filled.filled_avg_price == Decimal("-1.06")


async def test_a_market_order_without_a_touch_waits_for_one(exchange: Exchange) -> None:
    await exchange.venue.submit(ME, exchange.order(CALL))
    exchange.board.standing[CALL] = quote("0", "0.05")
    sale = await exchange.venue.submit(ME, exchange.order(CALL, side=Side.SELL))
    await exchange.pulse.beat()
    assert (await exchange.venue.order(ME, sale.id)).status is Status.NEW
    exchange.board.standing[CALL] = quote("0.01", "0.05")
    await exchange.pulse.beat()
    assert (await exchange.venue.order(ME, sale.id)).filled_avg_price == Decimal("0.01")


async def test_the_night_passes(exchange: Exchange) -> None:
    """Day orders expire, today's options settle, the clock turns, tomorrow's orders open."""
    await exchange.venue.submit(ME, _condor(exchange))
    resting = await exchange.venue.submit(ME, exchange.order(limit="150"))
    exchange.clock.set(SESSION.close)
    await exchange.pulse.beat()
    assert (await exchange.venue.order(ME, resting.id)).status is Status.EXPIRED
    early = await exchange.venue.submit(ME, exchange.order(limit="201"))
    assert early.status is Status.ACCEPTED
    exchange.clock.set(SESSION.exercise_cut_off)
    updates = exchange.hub.subscribe(ME)
    await exchange.pulse.beat()
    held = {position.symbol: position.qty for position in await exchange.venue.positions(ME)}
    assert held == {"AAPL": 1, "SPY": -100}  # SPY ended at 607.50, between the calls
    assert exchange.clock.session == FOLLOWING
    assert exchange.clock.now() == FOLLOWING.open
    view = await exchange.venue.account(ME)
    fees = Decimal("0.21")
    assert view.figures.last_equity == 100_000 + 136 - 250 - fees
    assert [(await _next(updates)).event for _ in range(2)] == ["new", "fill"]


async def test_nights_nobody_was_there_for_are_made_up(journal: ToldJournal) -> None:
    exchange = await opened(journal)
    await exchange.venue.submit(ME, exchange.order(CALL))
    later = await opened(journal, at=DAYS[2].open + timedelta(hours=1))
    await later.pulse.beat()
    [shares] = await later.venue.positions(ME)
    assert (shares.symbol, int(shares.qty)) == ("SPY", 100)
    state = later.shard.account(ME)
    assert state.last_day == FOLLOWING.day
    assert state.cash == Decimal(100_000) - 310 - Decimal("0.06") - 60_000


async def test_the_same_database_gives_the_same_accounts(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'exchange.db'}"
    async with on_disk(url) as exchange:
        await exchange.venue.submit(ME, _condor(exchange))
        await exchange.venue.submit(ME, exchange.order(limit="150", client_order_id="mine"))
        before = await _shown(exchange)
    for _ in range(2):
        async with on_disk(url) as exchange:
            assert await _shown(exchange) == before
    async with on_disk(url) as exchange:
        with pytest.raises(Refused, match="client_order_id must be unique"):
            await exchange.venue.submit(ME, exchange.order(client_order_id="mine"))
        exchange.board.standing["AAPL"] = quote("149", "150")
        await exchange.pulse.beat()  # the book of working orders is back too
        found = await exchange.venue.order_by_client_id(ME, "mine")
        assert found.status is Status.FILLED


async def _shown(exchange: Exchange) -> object:
    return (
        await exchange.venue.account(ME),
        await exchange.venue.positions(ME),
        await exchange.venue.orders(ME, _every, limit=99),
    )


async def test_what_cannot_be_taken_is_closed_before_it_expires(journal: ToldJournal) -> None:
    exchange = await opened(journal, cash=1_000)
    await exchange.venue.submit(ME, exchange.order(CALL))
    resting = await exchange.venue.submit(ME, exchange.order(CALL, limit="9", side=Side.SELL))
    exchange.board.standing["SPY"] = quote("602.00", "602.02")
    at = SESSION.close - timedelta(minutes=15)
    assert exchange.pulse.reach(exchange.clock.now(), SESSION.close) > exchange.clock.now()
    exchange.clock.set(at - timedelta(seconds=1))
    await exchange.pulse.beat()
    assert len(await exchange.venue.positions(ME)) == 1
    exchange.clock.set(at)
    await exchange.pulse.beat()
    assert not await exchange.venue.positions(ME)
    assert (await exchange.venue.order(ME, resting.id)).status is Status.CANCELED
    [closing] = await exchange.venue.orders(ME, lambda order: order.liquidation, limit=9)
    assert (closing.status, closing.filled_avg_price) == (Status.FILLED, Decimal("3.00"))


async def test_time_does_not_jump_over_a_liquidation(exchange: Exchange) -> None:
    now, end = exchange.clock.now(), SESSION.exercise_cut_off
    assert exchange.pulse.reach(now, end) == end
    await exchange.venue.submit(ME, exchange.order(CALL))
    starts = SESSION.close - timedelta(minutes=15)
    assert exchange.pulse.reach(now, end) == starts
    assert exchange.pulse.reach(starts, end) == starts + timedelta(minutes=1)


async def test_the_end_of_an_option_is_on_no_stream(exchange: Exchange) -> None:
    await exchange.venue.submit(ME, exchange.order(CALL))
    await exchange.venue.submit(ME, exchange.order(WING))
    updates = exchange.hub.subscribe(ME)
    await exchange.venue.exercise(ME, CALL)
    exchange.clock.set(SESSION.exercise_cut_off)
    await exchange.pulse.beat()
    assert [held.symbol for held in await exchange.venue.positions(ME)] == ["SPY"]
    await exchange.venue.submit(ME, exchange.order())
    assert (await _next(updates)).order.symbol == "AAPL"
