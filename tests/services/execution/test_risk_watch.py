"""What the market alone can breach: latched when sure, told, lifted when gone, or acted on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from common.config import LossAction
from common.errors import Halted
from common.limits import Halt
from common.session import Session
from tests.builders import DAY
from tests.services.broker.waiting import until
from tests.services.execution.watched import CALL, Watched


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Watched]:
    desk = Watched.on(tmp_path)
    yield desk
    await desk.store.close()


def alerts(desk: Watched, limit: str) -> float:
    return desk.metrics.registry.get_sample_value("risk_alerts_total", {"limit": limit}) or 0.0


# Drift


async def test_a_drift_seen_twice_blocks_new_risk_and_says_why(desk: Watched) -> None:
    desk.account.positions = (CALL,)
    watch = desk.watch(cap=20.0)
    await desk.looks(watch, 1)
    assert desk.kill_switch.halt() is Halt.ACTIVE  # one look may fall into a fill
    await desk.looks(watch, 1)
    assert desk.kill_switch.halt() is Halt.REDUCING
    assert desk.causes == ["drift"]
    assert alerts(desk, "delta") == 1
    with pytest.raises(Halted, match="delta has drifted to") as refused:
        desk.kill_switch.require_open()
    assert "lifts by itself" in refused.value.remedy
    await desk.looks(watch, 5)
    assert alerts(desk, "delta") == 1  # told once


async def test_it_is_lifted_once_all_has_been_within_its_cap_for_a_while(desk: Watched) -> None:
    desk.account.positions = (CALL,)
    watch = desk.watch(cap=20.0)
    await desk.looks(watch, 2)
    desk.account.positions = ()
    await desk.looks(watch, 3, apart=3.0)
    assert desk.causes == ["drift"]
    desk.account.positions = (CALL,)  # and out again: the while begins anew
    await desk.looks(watch, 1)
    desk.account.positions = ()
    await desk.looks(watch, 3, apart=3.0)
    assert desk.causes == ["drift"]
    await desk.looks(watch, 3, apart=3.0)
    assert desk.causes == []
    desk.kill_switch.require_open()


async def test_a_drift_latch_of_before_a_restart_is_lifted_too(desk: Watched) -> None:
    desk.account.positions = (CALL,)
    await desk.looks(desk.watch(cap=20.0), 2)
    desk.account.positions = ()
    await desk.looks(desk.watch(cap=20.0), 6, apart=3.0)
    assert desk.causes == []


async def test_what_cannot_be_told_is_no_drift_but_is_said(desk: Watched) -> None:
    desk.account.positions = (CALL,)
    desk.account.blind = True
    watch = desk.watch(cap=20.0)
    await desk.looks(watch, 3)
    assert desk.causes == []  # the limits themselves refuse what is not known
    assert watch.blind() is not None
    desk.account.positions = ()
    await desk.looks(watch, 1)
    assert watch.blind() is None


async def test_an_unknown_does_not_lift_a_latch(desk: Watched) -> None:
    desk.account.positions = (CALL,)
    watch = desk.watch(cap=20.0)
    await desk.looks(watch, 2)
    desk.account.blind = True
    await desk.looks(watch, 10, apart=3.0)
    assert desk.causes == ["drift"]


# The session's loss


@pytest.mark.parametrize(
    ("action", "halt", "flattened"),
    [
        (LossAction.REDUCE, Halt.REDUCING, 0),
        (LossAction.HALT, Halt.HALTED, 0),
        (LossAction.FLATTEN, Halt.HALTED, 1),
    ],
)
async def test_a_lost_session_is_acted_on_once_and_stays_lost(
    desk: Watched, action: LossAction, halt: Halt, flattened: int
) -> None:
    desk.account.positions, desk.account.lost = (CALL,), Decimal(593)  # the call is worth 93
    watch = desk.watch(action)
    await desk.looks(watch, 1)
    assert desk.causes == []
    await desk.looks(watch, 4)
    assert desk.causes == ["daily_loss"]
    assert desk.kill_switch.halt() is halt
    assert desk.rest.flattened == flattened
    assert alerts(desk, "daily_loss") == 1
    desk.account.lost = Decimal(0)  # it came back: the day stays lost
    await desk.looks(desk.watch(action), 60)
    assert desk.kill_switch.halt() is halt


async def test_a_cent_above_the_limit_is_not_lost(desk: Watched) -> None:
    desk.account.positions, desk.account.lost = (CALL,), Decimal("592.99")
    await desk.looks(desk.watch(), 5)
    assert desk.causes == []


async def test_flattening_that_was_owed_before_a_restart_is_done_after_it(
    desk: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.execution.risk_watch.FLATTEN_PAUSE", timedelta(0))
    desk.account.positions, desk.account.lost = (CALL,), Decimal(600)
    desk.rest.down = True
    watch = desk.watch(LossAction.FLATTEN)
    await desk.looks(watch, 4)
    assert desk.rest.flattened == 0
    assert sorted(desk.causes) == ["daily_loss", "flatten_owed"]
    desk.rest.down = False
    await desk.looks(desk.watch(LossAction.FLATTEN), 1)  # a new process
    assert desk.rest.flattened == 1
    assert desk.causes == ["daily_loss"]


async def test_a_lost_day_ends_with_its_session_and_not_before(desk: Watched) -> None:
    desk.account.lost = Decimal(500)
    watch = desk.watch()
    await desk.looks(watch, 3)
    assert desk.causes == ["daily_loss"]
    desk.account.lost = Decimal(0)
    desk.rest.session_now = Session.regular(DAY + timedelta(days=3))
    await desk.looks(watch, 1)
    assert desk.causes == []


async def test_a_book_of_another_day_is_not_judged(desk: Watched) -> None:
    desk.account.lost = Decimal(900)
    desk.rest.session_now = replace(desk.rest.session_now, day=DAY + timedelta(days=3))
    await desk.looks(desk.watch(), 3)
    assert desk.causes == []


# Reading


async def test_the_account_is_read_when_anybodys_order_changed_and_now_and_then(
    desk: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.execution.risk_watch.LOOK_EVERY", timedelta(milliseconds=1))
    watch = desk.watch()
    reading = asyncio.create_task(watch.read())

    async def reads(wanted: int) -> None:
        await until(lambda: desk.account.reads >= wanted)

    await reads(1)
    desk.rest.heard += 1
    await reads(2)
    desk.clock.advance(timedelta(seconds=61))
    await reads(3)
    reading.cancel()
    assert desk.account.reads == 3
