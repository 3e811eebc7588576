"""The steps of the crash drill: where in a trade the daemon dies."""

from __future__ import annotations

import asyncio

import httpx2

from tests.crash.drill import Drill, Step
from tests.crash.journal import require
from tests.crash.wire import Hold
from tests.tools.market import until


async def preview(drill: Drill) -> None:
    """Die with a preview waiting: it is forgotten, and its token sends nothing."""
    async with drill.desk.client() as client:
        shown = await drill.previewed(client)
    drill.desk.kill9()
    await asyncio.to_thread(drill.desk.launch)
    async with drill.desk.client() as client:
        await client.ready()
    told = await drill.confirm(shown)
    require(told.startswith("[preview_not_found]"), told)
    require(not drill.exchange.orders(), "a forgotten preview was sent")
    drill.desk.kill9()


async def intent(drill: Drill) -> None:
    """Die with the intent written and nothing at the broker, ever."""
    await _opening(drill, Hold.REQUEST)
    await drill.wire.cut()  # what was held never arrives
    await drill.wire.lead_to(drill.exchange.url)


async def send(drill: Drill) -> None:
    """Die with the order on its way; it lands when the desk is up again."""
    await _opening(drill, Hold.REQUEST)


async def ack(drill: Drill) -> None:
    """Die with the order taken and nobody told."""
    await _opening(drill, Hold.REPLY)
    drill.wire.release()


async def walk(drill: Drill) -> None:
    """Die half way from the mid: the order was replaced, and stands where it was left."""
    async with drill.desk.client() as client:
        shown = await drill.previewed(client)
    confirming = asyncio.ensure_future(drill.confirm(shown))
    drill.sent += 1

    async def moved() -> bool:
        return any(order["status"] == "replaced" for order in drill.exchange.orders("all")[:3])

    await until(moved, "it was not moved")
    drill.desk.kill9()
    confirming.cancel()
    await asyncio.gather(confirming, return_exceptions=True)


async def fill(drill: Drill) -> None:
    """Die the moment the broker has filled it."""
    async with drill.desk.client() as client:
        shown = await drill.previewed(client)
    confirming = asyncio.ensure_future(drill.confirm(shown))
    drill.sent += 1

    async def filled() -> bool:
        return bool(drill.exchange.positions())

    await until(filled, "it was not filled")
    drill.desk.kill9()
    confirming.cancel()
    await asyncio.gather(confirming, return_exceptions=True)


async def trigger(drill: Drill) -> None:
    """Die with an exit fired and its closing order not yet at the broker."""
    await _exiting(drill, Hold.REQUEST)


async def close(drill: Drill) -> None:
    """Die with the closing order taken and nobody told."""
    await _exiting(drill, Hold.REPLY)
    drill.wire.release()


STEPS: tuple[Step, ...] = (preview, intent, send, ack, walk, fill, trigger, close)


async def _opening(drill: Drill, hold: Hold) -> None:
    async with drill.desk.client() as client:
        shown = await drill.previewed(client)
    drill.sent += 1
    await drill.die_while(hold, drill.confirm(shown))


async def _exiting(drill: Drill, hold: Hold) -> None:
    try:
        async with drill.desk.client() as client:
            order = await drill.held(client)
            drill.sent += 1
            await drill.guarded(client, order)
            await drill.die_while(hold, drill.run_into_exit(client, order))
    except* httpx2.HTTPError:
        assert drill.desk.process is not None
        assert drill.desk.process.poll() is not None  # the client takes leave of a dead desk
