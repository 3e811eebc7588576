"""The desk's memory: what is written is there after a restart, and the halt rules it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from common.clock import FrozenClock
from common.contracts import Right
from common.errors import Halted, StateUnwritable
from common.exits import ExitTerms, parse_exit
from common.ids import ClientOrderId, ExecutionId, OrderId, Principal
from common.limits import Halt
from common.orders import Fill, OrderStatus
from services.execution.kill_switch import KillSwitch
from services.execution.records import ExitPlan, ExitState, OrderRecord
from services.execution.schema import STEPS
from services.execution.store import DeskStore
from serving import kill
from tests.services.execution.orders import condor_record

AT = datetime(2026, 11, 20, 15, 5, tzinfo=UTC)
FLAT_BY = AT + timedelta(hours=5)


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DeskStore]:
    desk = tmp_path / "paper-local"
    desk.mkdir()
    store = DeskStore(desk / "desk.sqlite")
    yield store
    await store.close()


def plan_of(record: OrderRecord) -> ExitPlan:
    return ExitPlan(client_order_id=record.client_order_id, flat_by=FLAT_BY)


async def test_an_intent_and_its_exit_survive_a_restart(tmp_path: Path) -> None:
    first = DeskStore(tmp_path / "desk.sqlite")
    record = condor_record()
    await first.record(record, plan_of(record), Halt.ACTIVE)
    await first.close()
    second = DeskStore(tmp_path / "desk.sqlite")
    assert second.working() == (record,)
    assert second.exits() == (plan_of(record),)
    await second.close()


async def test_a_halt_stops_an_opening_intent_before_it_is_written(store: DeskStore) -> None:
    await store.set_halt(Halt.HALTED, who="test", reason="drill", at=AT)
    record = condor_record()
    with pytest.raises(Halted, match="halted: nothing was sent"):
        await store.record(record, plan_of(record), Halt.ACTIVE)
    assert store.working() == ()
    assert store.exits() == ()


async def test_a_closing_intent_is_written_under_any_halt(store: DeskStore) -> None:
    await store.set_halt(Halt.HALTED, who="test", reason="drill", at=AT)
    closing = condor_record(closing=True)
    await store.record(closing, None, Halt.HALTED)
    assert store.working() == (closing,)


async def test_a_fill_counts_once_however_often_it_is_told(store: DeskStore) -> None:
    record = condor_record()
    await store.record(record, None, Halt.ACTIVE)
    fill = Fill(
        execution_id=ExecutionId("x1"),
        client_order_id=record.client_order_id,
        qty=Decimal(1),
        price=Decimal("-0.8300"),
        at=AT,
    )
    filled = replace(
        record,
        status=OrderStatus.FILLED,
        broker_id=OrderId("b1"),
        filled_qty=1,
        filled_avg_price=Decimal("-0.83"),
    )
    await store.update(filled, fill)
    await store.update(filled, fill)
    assert store.fills(record.client_order_id) == (fill,)
    assert store.order(record.client_order_id) == filled
    assert store.by_broker_id(OrderId("b1")) == filled
    assert store.working() == ()


async def test_the_opening_equity_of_a_session_is_kept_once(store: DeskStore) -> None:
    day = date(2026, 11, 20)
    assert store.opening_equity(day) is None
    assert await store.keep_opening_equity(day, Decimal("100000.00"), AT) == Decimal(100000)
    assert await store.keep_opening_equity(day, Decimal("99000.00"), AT) == Decimal(100000)


async def test_a_newer_schema_is_refused_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StateUnwritable, match="schema version 99"):
        DeskStore(path)


@pytest.mark.parametrize("gate", ["row", "file"])
async def test_each_kill_gate_suffices(store: DeskStore, tmp_path: Path, gate: str) -> None:
    sentinel = tmp_path / "KILL"
    switch = KillSwitch(store, sentinel, FrozenClock(AT))
    switch.require(condor_record().intent)
    if gate == "row":
        await store.set_halt(Halt.HALTED, who="test", reason="drill", at=AT)
    else:
        sentinel.touch()
    with pytest.raises(Halted):
        switch.require(condor_record().intent)
    switch.require(condor_record(closing=True).intent)


async def test_the_kill_command_reaches_a_running_desk(store: DeskStore, tmp_path: Path) -> None:
    switch = KillSwitch(store, tmp_path / "KILL", FrozenClock(AT))
    assert kill.engage(tmp_path) == 0
    assert switch.halt() is Halt.HALTED
    (tmp_path / "KILL").unlink()
    assert switch.halt() is Halt.HALTED  # the row holds without the file


async def test_the_kill_command_latches_while_the_database_is_locked(
    store: DeskStore, tmp_path: Path
) -> None:
    switch = KillSwitch(store, tmp_path / "KILL", FrozenClock(AT))
    other = sqlite3.connect(tmp_path / "paper-local" / "desk.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert kill.engage(tmp_path) == 0
    assert switch.halt() is Halt.HALTED
    other.execute("ROLLBACK")
    other.close()


async def test_engaging_survives_a_restart_and_reducing_does_not_weaken_it(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    store = DeskStore(path)
    switch = KillSwitch(store, tmp_path / "KILL", FrozenClock(AT))
    await switch.engage(who=Principal("alice"), reason="drill")
    await switch.reduce(who="supervisor", reason="a job fails")
    await store.close()
    again = DeskStore(path)
    os.unlink(tmp_path / "KILL")
    assert KillSwitch(again, tmp_path / "KILL", FrozenClock(AT)).halt() is Halt.HALTED
    await again.close()


async def test_an_exit_ends_once_and_is_no_longer_listed(store: DeskStore) -> None:
    record = condor_record()
    await store.record(record, plan_of(record), Halt.ACTIVE)
    await store.put_exit(replace(plan_of(record), state=ExitState.CLOSING, note="no market"))
    assert [plan.state for plan in store.exits()] == [ExitState.CLOSING]
    await store.put_exit(replace(plan_of(record), state=ExitState.DONE))
    assert store.exits() == ()
    assert store.order(ClientOrderId(record.client_order_id)) == record


async def test_a_database_of_the_first_build_opens_with_all_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    with closing(sqlite3.connect(path)) as db:
        for statement in STEPS[0]:
            db.execute(statement)
        db.execute("PRAGMA user_version=1")
        db.execute(
            "INSERT INTO orders VALUES ('spy0-old',NULL,'orb_long_call','local','2026-11-20',"
            """'[["SPY261120C00600000","buy_to_open",1]]',1,10000,NULL,'filled',NULL,'filled',1,"""
            "NULL,'',?,?)",
            (AT.isoformat(), AT.isoformat()),
        )
        db.execute("INSERT INTO exits VALUES ('spy0-old', ?, 'armed', '')", (FLAT_BY.isoformat(),))
        db.commit()
    store = DeskStore(path)
    [old] = store.recent(5)
    assert (old.filled_qty, old.version, old.working) == (1, 0, None)
    assert store.exits() == (plan_of(old),)
    terms = ExitTerms(stop=parse_exit("SPY<598 or 50%"), trail=parse_exit("$40"), per_side=True)
    changed = replace(plan_of(old), terms=terms, best=Decimal("-1.20"), side=Right.PUT, cause="x")
    await store.put_exit(changed)
    await store.close()
    again = DeskStore(path)
    assert again.exits() == (changed,)
    await again.close()
