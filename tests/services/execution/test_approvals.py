"""Orders that wait for a person: answered once, in time, and by nobody else's token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from common.clock import FrozenClock, MonotonicClock
from common.errors import ApprovalDenied, ApprovalNotFound, PreviewMismatch, PriceMoved
from common.ids import ConfirmToken, Principal
from common.orders import OrderStatus
from services.execution.approvals import Approval, Approvals, How, State
from services.execution.previews import Binding
from services.execution.records import OrderRecord
from services.execution.trail import PreviewId, Trail, preview_id
from services.ops.audit import AuditLog
from services.ops.events import EventHub
from services.ops.supervisor import Supervisor
from tests.services.execution.orders import AT, condor_record

LIFE = timedelta(seconds=60)
NAME = PreviewId("a-preview")
SENT = condor_record(status=OrderStatus.FILLED)


class Sender:
    """Sends nothing, but counts."""

    def __init__(self, refusal: PriceMoved | None = None) -> None:
        self.sends = 0
        self._refusal = refusal

    async def send(self) -> OrderRecord:
        self.sends += 1
        await asyncio.sleep(0)
        if self._refusal is not None:
            raise self._refusal
        return SENT


@pytest.fixture
def wall() -> FrozenClock:
    return FrozenClock(AT)


@pytest.fixture
async def approvals(wall: FrozenClock, tmp_path: Path) -> AsyncIterator[Approvals[str]]:
    audit = AuditLog(tmp_path, wall)
    async with Supervisor(MonotonicClock()) as supervisor:
        yield Approvals(wall, LIFE, supervisor, Trail(audit, wall, EventHub(wall, "test")))
    await audit.close()


def binding(strategy: str = "condor", principal: str = "local") -> Binding:
    return Binding(
        strategy=strategy, principal=Principal(principal), account="account", mode="live"
    )


def asked(approvals: Approvals[str], sender: Sender) -> Approval[str]:
    return approvals.ask(NAME, "the preview", binding(), sender.send)


def written(folder: Path) -> list[dict[str, Any]]:
    """Return the records of the audit log."""
    files = sorted(folder.rglob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


async def test_of_many_answers_at_once_one_counts_and_one_order_is_sent(
    approvals: Approvals[str],
) -> None:
    sender = Sender()
    approval = asked(approvals, sender)
    assert approval.outcome() is approval
    answers = await asyncio.gather(
        *(approvals.decide(NAME, approved=True, who="person", how=How.PAGE) for _ in range(5)),
        approvals.decide(NAME, approved=False, who="person", how=How.TERMINAL),
        return_exceptions=True,
    )
    assert sum(isinstance(one, ApprovalNotFound) for one in answers) == 5
    assert sender.sends == 1
    assert (approval.state, approval.outcome()) == (State.SENT, SENT)
    assert approvals.waiting() == ()


async def test_nobody_answers_in_time(approvals: Approvals[str], wall: FrozenClock) -> None:
    sender = Sender()
    approval = asked(approvals, sender)
    wall.advance(LIFE - timedelta(milliseconds=1))
    assert approvals.waiting() == (approval,)
    wall.advance(timedelta(milliseconds=1))
    assert approvals.waiting() == ()
    with pytest.raises(ApprovalNotFound, match="already expired"):
        await approvals.decide(NAME, approved=True, who="person", how=How.PAGE)
    with pytest.raises(ApprovalNotFound, match="nobody answered within 60 s"):
        approval.outcome()
    assert sender.sends == 0


async def test_what_nobody_answers_is_written_down_once(
    approvals: Approvals[str], wall: FrozenClock, tmp_path: Path
) -> None:
    asked(approvals, Sender())
    await approvals.sweep()
    assert written(tmp_path) == []
    wall.advance(LIFE)
    assert approvals.waiting() == ()  # looked at before it was swept
    await approvals.sweep()
    await approvals.sweep()
    [expired] = written(tmp_path)
    assert (expired["kind"], expired["who"]) == ("approval", "desk")
    assert expired["facts"]["preview"] == NAME
    assert (expired["facts"]["how"], expired["facts"]["approved"]) == ("nobody", False)
    assert expired["facts"]["waited_seconds"] == 60


async def test_what_was_answered_is_not_written_down_as_unanswered(
    approvals: Approvals[str], wall: FrozenClock, tmp_path: Path
) -> None:
    asked(approvals, Sender())
    await approvals.decide(NAME, approved=False, who="person", how=How.PAGE)
    wall.advance(LIFE)
    await approvals.sweep()
    [answer] = written(tmp_path)
    assert answer["facts"]["how"] == "page"


async def test_a_no_sends_nothing_for_ever(approvals: Approvals[str]) -> None:
    sender = Sender()
    approval = asked(approvals, sender)
    await approvals.decide(NAME, approved=False, who="person", how=How.TERMINAL)
    for _ in range(2):
        with pytest.raises(ApprovalDenied, match="terminal"):
            approval.outcome()
    assert sender.sends == 0


async def test_a_yes_to_a_price_that_moved_is_refused_and_told(approvals: Approvals[str]) -> None:
    moved = PriceMoved(
        previewed=Decimal(1), now=Decimal(2), tolerance=Decimal("0.05"), preview=None
    )
    approval = asked(approvals, Sender(moved))
    await approvals.decide(NAME, approved=True, who="person", how=How.PAGE)
    assert approval.state is State.REFUSED
    with pytest.raises(PriceMoved):
        approval.outcome()


async def test_what_is_anothers_is_not_there_and_what_differs_is_refused(
    approvals: Approvals[str],
) -> None:
    approval = asked(approvals, Sender())
    assert approvals.matching(NAME, binding()) is approval
    assert approvals.matching(NAME, binding(principal="agent")) is None
    assert approvals.find(NAME, Principal("agent")) is None
    with pytest.raises(PreviewMismatch):
        approvals.matching(NAME, binding("wider condor"))


async def test_a_caller_who_leaves_does_not_stop_the_send(approvals: Approvals[str]) -> None:
    sender, begun, going, done = Sender(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> OrderRecord:
        begun.set()
        await going.wait()
        record = await sender.send()
        done.set()
        return record

    approval = approvals.ask(NAME, "the preview", binding(), slow)
    answering = asyncio.ensure_future(
        approvals.decide(NAME, approved=True, who="person", how=How.PAGE)
    )
    await begun.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    going.set()
    await done.wait()
    await asyncio.sleep(0)  # the turn in which what was sent is noted
    assert (approval.state, sender.sends) == (State.SENT, 1)


def test_a_previews_name_does_not_give_its_token_away() -> None:
    token = ConfirmToken("some-token-of-a-preview")
    assert preview_id(token) == preview_id(token)
    assert token not in preview_id(token)
    assert preview_id(ConfirmToken("another")) != preview_id(token)
