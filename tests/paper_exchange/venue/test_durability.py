"""Nobody hears of what is not durable; a failed commit stops the exchange until it has rebuilt."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from paper_exchange.engine.orders import Status
from paper_exchange.engine.refusals import Refused
from paper_exchange.store.database import Database
from paper_exchange.store.journal import JournalFailed, SqlJournal
from tests.paper_exchange.builders import ME, quote
from tests.paper_exchange.venue.exchange import Exchange, ToldJournal, opened


@pytest.fixture
def journal() -> ToldJournal:
    return ToldJournal()


@pytest.fixture
async def exchange(journal: ToldJournal) -> Exchange:
    exchange = await opened(journal)
    journal.obliging = False
    return exchange


async def _idle() -> None:
    """Let everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_reply_no_message_and_no_read_before_the_commit(
    exchange: Exchange, journal: ToldJournal
) -> None:
    updates = exchange.hub.subscribe(ME)
    start, venue = asyncio.ensure_future, exchange.venue
    submitted = start(venue.submit(ME, exchange.order(client_order_id="a")))
    update = start(anext(updates))
    await _idle()
    view = start(venue.account(ME))
    positions = start(venue.positions(ME))
    orders = start(venue.orders(ME, lambda order: True, limit=9))
    order = start(venue.order_by_client_id(ME, "a"))
    canceled = start(venue.cancel_all(ME))
    await _idle()
    for task in (submitted, update, view, positions, orders, order, canceled):
        assert not task.done()
    journal.commit()
    async with asyncio.timeout(5):
        assert (await submitted).status is Status.PENDING_NEW
        assert (await update).event == "new"
        assert (await view).figures.cash == Decimal("99799.90")
        assert [position.qty for position in await positions] == [1]
        assert await orders == (await order,)
        assert await canceled == ()


async def test_a_read_of_an_untouched_account_does_not_wait(
    exchange: Exchange, journal: ToldJournal
) -> None:
    other = type(ME)("other")
    opening = asyncio.ensure_future(exchange.venue.open_account(other, cash=Decimal(1)))
    await _idle()
    async with asyncio.timeout(5):
        assert (await exchange.venue.account(ME)).figures.cash == 100_000
    assert not opening.done()
    journal.commit()
    await opening


async def test_a_read_shows_no_more_than_it_waited_for(
    exchange: Exchange, journal: ToldJournal
) -> None:
    read = asyncio.ensure_future(exchange.venue.account(ME))
    first = asyncio.ensure_future(exchange.venue.submit(ME, exchange.order()))
    await _idle()
    assert read.result().figures.cash == 100_000
    journal.commit()
    await first


async def test_each_command_sees_the_one_before_it_commit_or_not(
    exchange: Exchange, journal: ToldJournal
) -> None:
    first = asyncio.ensure_future(exchange.venue.submit(ME, exchange.order(client_order_id="a")))
    await _idle()
    with pytest.raises(Refused, match="client_order_id must be unique"):
        await exchange.venue.submit(ME, exchange.order(client_order_id="a"))
    journal.commit()
    await first


async def test_whoever_gives_up_waiting_does_not_undo_the_order(
    exchange: Exchange, journal: ToldJournal
) -> None:
    updates = exchange.hub.subscribe(ME)
    gone = asyncio.ensure_future(exchange.venue.submit(ME, exchange.order(client_order_id="a")))
    await _idle()
    gone.cancel()
    await _idle()
    assert gone.cancelled()
    journal.commit()
    async with asyncio.timeout(5):
        assert [(await anext(updates)).event for _ in range(2)] == ["new", "fill"]
        assert (await exchange.venue.order_by_client_id(ME, "a")).status is Status.FILLED


async def test_a_failed_commit_stops_everything_until_rebuilt(
    exchange: Exchange, journal: ToldJournal
) -> None:
    updates = exchange.hub.subscribe(ME)
    lost = asyncio.ensure_future(exchange.venue.submit(ME, exchange.order(client_order_id="a")))
    read = asyncio.ensure_future(exchange.venue.account(ME))
    await _idle()
    journal.fail()
    for task in (lost, read):
        with pytest.raises(Refused) as refused:
            await task
        assert (refused.value.http_status, refused.value.code) == (503, 50010000)
    stopped = not exchange.venue.running
    assert stopped
    for call in (
        exchange.venue.submit(ME, exchange.order()),
        exchange.venue.cancel_all(ME),
        exchange.venue.account(ME),
        exchange.venue.close_all(ME, cancel_orders=False),
    ):
        with pytest.raises(Refused) as refused:
            await call
        assert refused.value.http_status == 503

    journal.obliging = True
    await exchange.pulse.beat()
    assert exchange.venue.running
    assert not await exchange.venue.orders(ME, lambda order: True, limit=9)
    assert (await exchange.venue.account(ME)).figures.cash == 100_000
    await exchange.venue.submit(ME, exchange.order(client_order_id="a"))
    async with asyncio.timeout(5):
        assert (await anext(updates)).event == "new"  # the lost one was never told
    numbers = [record.seq for record in journal.durable]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_working_orders_survive_the_rebuilding(
    exchange: Exchange, journal: ToldJournal
) -> None:
    journal.obliging = True
    resting = await exchange.venue.submit(ME, exchange.order(limit="150"))
    journal.obliging = False
    lost = asyncio.ensure_future(exchange.venue.submit(ME, exchange.order(limit="151")))
    await _idle()
    journal.fail()
    with pytest.raises(Refused):
        await lost
    journal.unreadable = True
    with pytest.raises(JournalFailed):
        await exchange.pulse.beat()
    with pytest.raises(Refused):
        await exchange.venue.account(ME)
    journal.unreadable = False
    journal.obliging = True
    exchange.board.standing["AAPL"] = quote("149", "150")
    await exchange.pulse.beat()
    assert (await exchange.venue.order(ME, resting.id)).status is Status.FILLED
    assert len(await exchange.venue.positions(ME)) == 1


async def test_the_pulse_goes_on_beating_until_the_journal_is_back(
    exchange: Exchange, journal: ToldJournal
) -> None:
    """Left to itself it fires resting orders, survives a failure and rebuilds."""
    journal.obliging = True
    resting = await exchange.venue.submit(ME, exchange.order(limit="150"))
    updates = exchange.hub.subscribe(ME)
    pulse = asyncio.ensure_future(exchange.pulse.run())
    journal.obliging = False
    lost = asyncio.ensure_future(exchange.venue.submit(ME, exchange.order()))
    await _idle()
    journal.fail()
    with pytest.raises(Refused):
        await lost
    journal.obliging = True
    exchange.board.standing["AAPL"] = quote("149", "150")
    async with asyncio.timeout(10):
        while (update := await anext(updates)).event != "fill":
            continue
    assert update.order.id == resting.id
    assert exchange.venue.running
    pulse.cancel()


async def test_a_full_disk_refuses_and_the_next_try_goes_on(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path / 'exchange.db'}")
    exchange = await opened(SqlJournal(database))
    await exchange.venue.submit(ME, exchange.order(client_order_id="kept"))

    def full(connection: Connection) -> None:
        raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    engine = await database.run(lambda connection: connection.engine)
    event.listen(engine, "commit", full)
    waiting = [asyncio.ensure_future(exchange.venue.submit(ME, exchange.order())) for _ in range(5)]
    for task in waiting:
        with pytest.raises(Refused) as refused:
            await task
        assert refused.value.http_status == 503
    event.remove(engine, "commit", full)
    await exchange.pulse.beat()
    assert [order.client_order_id for order in await exchange.venue.orders(
        ME, lambda order: True, limit=9
    )] == ["kept"]  # fmt: skip
    await exchange.venue.submit(ME, exchange.order())
    await database.close()
