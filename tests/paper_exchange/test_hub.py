"""Fan-out: to the right listeners, in order, and never more than a bound behind."""

from __future__ import annotations

import asyncio

import pytest

from common.ids import AccountId
from paper_exchange.hub import Hub, Subscription

ME, OTHER = AccountId("me"), AccountId("other")


async def _read(subscription: Subscription[int]) -> list[int]:
    async with asyncio.timeout(5):
        return [message async for message in subscription]


async def test_messages_come_in_order_to_every_listener_of_the_account() -> None:
    hub: Hub[int] = Hub()
    mine, also_mine, others = hub.subscribe(ME), hub.subscribe(ME), hub.subscribe(OTHER)
    for number in range(5):
        hub.publish(ME, number)
    for subscription in (mine, also_mine, others):
        subscription.close()
    assert await _read(mine) == await _read(also_mine) == [0, 1, 2, 3, 4]
    assert await _read(others) == []


async def test_a_listener_waits_for_the_next_message() -> None:
    hub: Hub[int] = Hub()
    waiting = asyncio.ensure_future(anext(hub.subscribe(ME)))
    await asyncio.sleep(0)
    assert not waiting.done()
    hub.publish(ME, 7)
    assert await waiting == 7


async def test_a_slow_listener_is_cut_off_and_the_others_go_on() -> None:
    hub: Hub[int] = Hub(backlog=3)
    slow, quick = hub.subscribe(ME), hub.subscribe(ME)
    for number in range(4):
        hub.publish(ME, number)
        assert await anext(quick) == number
    assert slow.slow
    assert await _read(slow) == []
    hub.publish(ME, 4)
    assert await anext(quick) == 4
    assert not quick.slow


async def test_leaving_twice_is_leaving() -> None:
    hub: Hub[int] = Hub()
    subscription = hub.subscribe(ME)
    hub.unsubscribe(ME, subscription)
    hub.unsubscribe(ME, subscription)
    hub.publish(ME, 1)
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)
