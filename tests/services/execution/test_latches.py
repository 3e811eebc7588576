"""Halts by cause: the deepest counts, each goes alone, a release by a person takes only its own."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from common.clock import FrozenClock
from common.errors import Halted
from common.limits import Halt
from services.execution.kill_switch import KillSwitch
from services.execution.latches import Latch
from services.execution.store import DeskStore
from serving import kill
from tests.builders import DAY, at
from tests.services.execution.orders import condor_record

DRIFT = Latch(
    cause="drift", halt=Halt.REDUCING, who="risk watch", reason="delta has drifted", at=at(10, 5)
)
LOSS = Latch(
    cause="daily_loss",
    halt=Halt.HALTED,
    who="risk watch",
    reason="the session stands at -$501.00",
    at=at(10, 6),
    day=DAY,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DeskStore]:
    (tmp_path / "paper-local").mkdir()
    store = DeskStore(tmp_path / "paper-local" / "desk.sqlite")
    yield store
    await store.close()


@pytest.fixture
def switch(store: DeskStore, tmp_path: Path) -> KillSwitch:
    return KillSwitch(store, tmp_path / kill.SENTINEL, FrozenClock(at(10, 7)))


async def test_the_deepest_of_all_causes_counts_and_each_goes_alone(
    store: DeskStore, switch: KillSwitch
) -> None:
    await switch.latch(DRIFT)
    assert switch.halt() is Halt.REDUCING
    await switch.latch(LOSS)
    assert switch.halt() is Halt.HALTED
    assert [cause.cause for cause in switch.causes()] == ["drift", "daily_loss"]
    await switch.unlatch("daily_loss", "a new session")
    assert switch.halt() is Halt.REDUCING
    await switch.unlatch("drift", "back")
    assert switch.halt() is Halt.ACTIVE
    assert switch.causes() == ()


async def test_they_survive_a_restart_and_keep_since_when(store: DeskStore, tmp_path: Path) -> None:
    await store.latch(LOSS)
    again = DeskStore(tmp_path / "paper-local" / "desk.sqlite")
    assert again.halt() is Halt.HALTED
    assert again.halt_causes() == (LOSS,)
    later = Latch(
        cause="daily_loss", halt=Halt.HALTED, who="w", reason="worse", at=at(11, 0), day=DAY
    )
    await again.latch(later)
    [kept] = again.halt_causes()
    assert (kept.at, kept.reason) == (LOSS.at, "worse")
    await again.close()


async def test_no_intent_is_written_under_a_latch(store: DeskStore) -> None:
    await store.latch(DRIFT)
    with pytest.raises(Halted, match="trading is reducing"):
        await store.record(condor_record(), None, Halt.ACTIVE)
    await store.record(condor_record(closing=True), None, Halt.HALTED)


async def test_a_refusal_names_the_cause_and_who_can_lift_it(switch: KillSwitch) -> None:
    await switch.latch(DRIFT)
    with pytest.raises(Halted, match=r"delta has drifted \(risk watch\)") as own:
        switch.require_open()
    assert "by itself" in own.value.remedy
    await switch.engage(who="local", reason="kill_switch tool")
    with pytest.raises(Halted, match="kill_switch tool") as people:
        switch.require_open()
    assert "a person releases it" in people.value.remedy


async def test_a_person_releases_what_people_set_and_is_told_what_stays(
    store: DeskStore,
    switch: KillSwitch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await switch.latch(LOSS)
    await switch.engage(who="local", reason="test")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: "RELEASE\n", raising=False)
    assert kill.release(tmp_path) == 0
    assert "paper-local stays halted of itself: the session stands at -$501.00" in (
        capsys.readouterr().out
    )
    assert [cause.cause for cause in switch.causes()] == ["daily_loss"]
    assert switch.halt() is Halt.HALTED


async def test_what_cannot_be_read_is_halted(store: DeskStore, switch: KillSwitch) -> None:
    await store.latch(DRIFT)
    with sqlite3.connect(store._path) as db:
        db.execute("UPDATE latches SET halt='nonsense'")
    db.close()
    assert switch.halt() is Halt.HALTED
    with pytest.raises(Halted, match="its cause cannot be read"):
        switch.require_open()
