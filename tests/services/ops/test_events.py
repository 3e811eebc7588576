"""Events come once and in order; what is no longer kept is said to be missing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from common.clock import FrozenClock
from services.ops.events import TEXT_MAX, EventHub, Kind, Topic

NOON = datetime(2026, 12, 8, 17, tzinfo=UTC)
PATIENT = 30.0  # seconds; nothing here takes any


@pytest.fixture
def hub() -> EventHub:
    return EventHub(FrozenClock(NOON), "life", kept=3)


def texts(hub: EventHub, after: int, most: int = 10) -> list[str]:
    return [event.text for event in hub.after(after, most).events]


def test_events_are_numbered_and_told_from_a_number_on(hub: EventHub) -> None:
    assert hub.after(0).events == ()
    for name in "abc":
        hub.publish(Kind.FILL, name)
    assert [event.number for event in hub.after(0).events] == [1, 2, 3]
    assert texts(hub, 1) == ["b", "c"]
    assert texts(hub, 0, most=2) == ["a", "b"]
    assert texts(hub, 3) == texts(hub, 99) == []
    assert {event.at for event in hub.after(0).events} == {NOON}


def test_only_the_newest_are_kept_and_a_gap_is_said(hub: EventHub) -> None:
    for name in "abcde":
        hub.publish(Kind.HALT, name)
    assert texts(hub, 0) == ["c", "d", "e"]
    assert hub.after(1).missed
    assert hub.after(-1).missed
    assert not hub.after(2).missed


def test_a_text_is_cut_and_has_no_odd_characters(hub: EventHub) -> None:
    hub.publish(Kind.ORDER, "a\n\u202eb" + "x" * 1000)
    [event] = hub.after(0).events
    assert event.text.startswith("a??b")
    assert len(event.text) == TEXT_MAX


async def test_all_who_wait_are_woken(hub: EventHub) -> None:
    waiting = [asyncio.create_task(hub.wait(0, PATIENT)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    hub.publish(Kind.FILL, "a")
    async with asyncio.timeout(PATIENT):
        await asyncio.gather(*waiting)
        await hub.wait(0, PATIENT)  # has already happened
    await hub.wait(1, 0)  # nothing happens in no time


async def test_topics_that_changed_are_told_together(hub: EventHub) -> None:
    seen = hub.revisions()
    hub.touch()
    assert hub.revisions() == seen
    waiting = asyncio.create_task(hub.changed(seen))
    await asyncio.sleep(0)
    hub.touch(Topic.ORDERS, Topic.RISK)
    hub.touch(Topic.ORDERS)
    async with asyncio.timeout(PATIENT):
        assert await waiting == (Topic.ORDERS, Topic.RISK)
