"""Jobs come back, orders on their way are not dropped, and leaving leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from common.clock import MonotonicClock
from common.errors import BrokerUnavailable
from services.ops.backoff import Backoff
from services.ops.supervisor import Supervisor, contained


def quick() -> Backoff:
    return Backoff(0.001, 0.002)


def supervisor(**options: object) -> Supervisor:
    return Supervisor(MonotonicClock(), backoff=quick, **options)  # type: ignore[arg-type]


async def test_a_failing_job_is_started_again() -> None:
    done = asyncio.Event()
    runs = []

    async def job() -> None:
        runs.append(1)
        if len(runs) < 4:
            raise RuntimeError("a bug")
        done.set()
        await asyncio.Event().wait()

    async with supervisor() as keeper:
        keeper.keep("job", job)
        await asyncio.wait_for(done.wait(), 20)
        [health] = keeper.jobs()
        assert (health.state, health.failures, health.degraded) == ("running", 3, False)
        assert health.error == "RuntimeError: a bug"
        assert health.check.ok


async def test_one_job_does_not_take_another_down() -> None:
    async def broken() -> None:
        raise KeyError("x")

    async def steady() -> None:
        await asyncio.Event().wait()

    degraded = asyncio.Event()
    async with supervisor(on_degraded=lambda _: degraded.set()) as keeper:
        keeper.keep("steady", steady)
        keeper.keep("broken", broken, critical=True)
        await asyncio.wait_for(degraded.wait(), 20)
        states = {health.name: health for health in keeper.jobs()}
        assert states["steady"].check.ok
        assert not states["broken"].check.ok


@pytest.mark.parametrize("critical", [True, False])
async def test_the_fifth_failure_is_told_once_and_only_of_critical_jobs(critical: bool) -> None:
    told: list[str] = []
    failures: list[str] = []
    enough = asyncio.Event()

    def count(name: str) -> None:
        failures.append(name)
        if len(failures) == 12:
            enough.set()
        raise RuntimeError("a bug in the callback")

    async def job() -> None:
        raise OSError("down")

    async with supervisor(on_degraded=told.append, on_failure=count) as keeper:
        keeper.keep("job", job, critical=critical)
        await asyncio.wait_for(enough.wait(), 20)
        assert keeper.jobs()[0].degraded
    assert told == (["job"] if critical else [])


async def test_an_outage_is_told_while_it_lasts_and_held_against_no_job() -> None:
    told: list[str] = []
    tries = 0
    up = asyncio.Event()

    async def job() -> None:
        nonlocal tries
        tries += 1
        if tries <= 12:
            raise BrokerUnavailable("down")
        up.set()
        await asyncio.Event().wait()

    async with supervisor(on_degraded=told.append) as keeper:
        keeper.keep("job", job, critical=True)
        await asyncio.wait_for(up.wait(), 20)
        [health] = keeper.jobs()
        assert health.failures == 12
        assert health.check.ok
    assert told == []


async def test_a_job_that_returns_has_ended() -> None:
    async def once() -> None:
        return

    async with supervisor() as keeper:
        keeper.keep("once", once)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        [health] = keeper.jobs()
        assert health.state == "ended"
        assert health.check.ok
        keeper.keep("once", once)


async def test_a_name_is_kept_once() -> None:
    async with supervisor() as keeper:
        keeper.keep("job", asyncio.Event().wait)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="already"):
            keeper.keep("job", asyncio.Event().wait)  # type: ignore[arg-type]


async def test_leaving_cancels_every_job() -> None:
    ended = []

    async def job() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    async with supervisor() as keeper:
        keeper.keep("a", job)
        keeper.keep("b", job)
        await asyncio.sleep(0)
    assert ended == [1, 1]


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    async def block() -> None:
        async with supervisor() as keeper:
            keeper.keep("job", asyncio.Event().wait)  # type: ignore[arg-type]
            raise LookupError("x")

    with pytest.raises(LookupError):
        await block()


async def test_shielded_work_outlives_its_caller() -> None:
    go, sent = asyncio.Event(), []

    async def send() -> None:
        await go.wait()
        sent.append(1)

    async with supervisor() as keeper:
        caller = asyncio.ensure_future(keeper.shielded(send()))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        go.set()
    assert sent == [1]


async def test_shielded_work_returns_and_raises_to_a_caller_who_waits() -> None:
    async def answer() -> int:
        return 42

    async def refuse() -> int:
        raise LookupError("no")

    async with supervisor() as keeper:
        assert await keeper.shielded(answer()) == 42
        with pytest.raises(LookupError):
            await keeper.shielded(refuse())


async def test_an_error_nobody_waits_for_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    go = asyncio.Event()

    async def fail() -> None:
        await go.wait()
        raise LookupError("lost")

    async with supervisor() as keeper:
        caller = asyncio.ensure_future(keeper.shielded(fail()))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        go.set()
    assert "caller had left" in caplog.text


async def test_leaving_waits_for_an_order_on_its_way_but_not_for_ever() -> None:
    outcomes = []

    async def send(wait: asyncio.Event) -> None:
        try:
            await wait.wait()
            outcomes.append("sent")
        except asyncio.CancelledError:
            outcomes.append("given up")
            raise

    soon, never = asyncio.Event(), asyncio.Event()
    async with supervisor(grace=timedelta(seconds=0.05)) as keeper:
        callers = [asyncio.ensure_future(keeper.shielded(send(wait))) for wait in (soon, never)]
        await asyncio.sleep(0)
        soon.set()
    assert outcomes == ["sent", "given up"]
    await asyncio.gather(*callers, return_exceptions=True)


def test_contained_keeps_the_trace(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: int) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        assert not contained("the handler", fail, 1)
    assert "the handler failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert contained("the other", int, "5")
