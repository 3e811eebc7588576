"""The broker's own lock: only once halted and flat, never in the way of a close."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from common.limits import Halt
from tests.services.execution.watched import CALL, Watched


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Watched]:
    desk = Watched.on(tmp_path)
    yield desk
    await desk.store.close()


def locked(desk: Watched) -> bool:
    return desk.broker.locked


async def release(desk: Watched) -> None:
    await desk.store.set_halt(Halt.ACTIVE, who="person", reason="", at=desk.clock.now())
    desk.kill_switch._sentinel.unlink()


async def test_it_is_set_once_halted_and_flat_and_lifted_with_the_release(desk: Watched) -> None:
    lock = desk.lock()
    await lock.look()
    assert not locked(desk)  # trading is active
    desk.account.positions = (CALL,)
    await desk.kill_switch.engage(who="test", reason="test")
    await lock.look()
    assert not locked(desk)  # it would lock the position in
    desk.account.positions = ()
    await lock.look()
    assert locked(desk)
    assert desk.causes == ["sentinel", "kill_switch"]  # the lock itself halts nothing here
    await release(desk)
    await lock.look()
    assert not locked(desk)


async def test_a_restart_remembers_that_the_lock_is_its_own(desk: Watched) -> None:
    await desk.kill_switch.engage(who="test", reason="test")
    await desk.lock().look()
    assert locked(desk)
    await release(desk)
    await desk.lock().look()  # a new process
    assert not locked(desk)


async def test_what_somebody_else_suspended_stays_so_until_something_has_to_close(
    desk: Watched,
) -> None:
    desk.broker.locked = True
    lock = desk.lock()
    await desk.kill_switch.engage(who="test", reason="test")
    await lock.look()
    await release(desk)
    await lock.look()
    assert locked(desk)
    await lock.lift(sure=True)
    assert not locked(desk)


async def test_a_close_asks_once_and_again_after_a_refusal(desk: Watched) -> None:
    lock = desk.lock()
    await lock.lift()
    await lock.lift()
    assert desk.broker.calls == ["asked"]
    desk.broker.locked = True
    lock.doubt()
    await lock.lift()
    assert not locked(desk)


async def test_a_broker_that_does_not_say_does_not_stop_a_close(desk: Watched) -> None:
    desk.broker.down = True
    await desk.lock().lift(sure=True)
    assert desk.broker.calls == []


async def test_where_it_is_not_wanted_it_is_never_set(desk: Watched) -> None:
    await desk.kill_switch.engage(who="test", reason="test")
    await desk.lock(enabled=False).look()
    assert desk.broker.calls == []
