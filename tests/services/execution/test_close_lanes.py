"""Closes of different contracts run at once; those that share one, and a flatten, wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date

import pytest

from common.contracts import OptionContract
from services.execution.close_lanes import CloseLanes

DAY = date(2026, 12, 8)


def call(strike: int) -> OptionContract:
    return OptionContract.from_occ(f"SPY{DAY:%y%m%d}C{strike:05d}000")


class Close:
    """A close that runs until it is told to end."""

    def __init__(self, lane: AbstractAsyncContextManager[None]) -> None:
        self._end = asyncio.Event()
        self._begun = False
        self.task = asyncio.ensure_future(self._run(lane))

    async def _run(self, lane: AbstractAsyncContextManager[None]) -> None:
        async with lane:
            self._begun = True
            await self._end.wait()

    def begun(self) -> bool:
        return self._begun

    async def end(self) -> None:
        self._end.set()
        await self.task


async def settle() -> None:
    """Let whatever can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_shares_no_contract_runs_at_once_and_what_does_waits() -> None:
    lanes = CloseLanes()
    first, other = Close(lanes.of([call(600), call(601)])), Close(lanes.of([call(610)]))
    same = Close(lanes.of([call(601), call(602)]))
    await settle()
    assert (first.begun(), other.begun(), same.begun()) == (True, True, False)
    await other.end()
    await settle()
    assert not same.begun()
    await first.end()
    await settle()
    assert same.begun()
    await same.end()


async def test_so_many_run_at_once_and_no_more() -> None:
    lanes = CloseLanes(most=2)
    closes = [Close(lanes.of([call(600 + n)])) for n in range(3)]
    await settle()
    assert [close.begun() for close in closes] == [True, True, False]
    await closes[0].end()
    await settle()
    assert closes[2].begun()
    for close in closes[1:]:
        await close.end()


async def test_a_flatten_waits_for_what_runs_and_goes_before_what_comes() -> None:
    lanes = CloseLanes()
    running = Close(lanes.of([call(600)]))
    await settle()
    flatten, later = Close(lanes.alone()), Close(lanes.of([call(610)]))
    await settle()
    assert (flatten.begun(), later.begun()) == (False, False)
    await running.end()
    await settle()
    assert (flatten.begun(), later.begun()) == (True, False)
    await flatten.end()
    await settle()
    assert later.begun()
    await later.end()


@pytest.mark.parametrize("lane", [lambda lanes: lanes.of([call(600)]), lambda lanes: lanes.alone()])
async def test_who_leaves_while_waiting_or_running_holds_nobody_up(
    lane: Callable[[CloseLanes], AbstractAsyncContextManager[None]],
) -> None:
    lanes = CloseLanes()
    running, waiting = Close(lanes.of([call(600)])), Close(lane(lanes))
    await settle()
    for gone in (waiting, running):
        gone.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone.task
    after = Close(lanes.of([call(600), call(601)]))
    await settle()
    assert after.begun()
    await after.end()
