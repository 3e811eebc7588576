"""The upstream is never asked more often than it allows."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from common.clock import FrozenClock
from paper_exchange.feed.live.budget import Budget, BudgetSpent

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


async def test_no_minute_exceeds_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FrozenClock(START)

    async def slept(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))

    monkeypatch.setattr(asyncio, "sleep", slept)
    budget, asked = Budget(clock, 200), []
    while clock.now() < START + timedelta(minutes=3):
        await budget.poll()
        asked.append(clock.now())
        with suppress(BudgetSpent):
            await budget.ask()
            asked.append(clock.now())
    minute = timedelta(minutes=1)
    assert max(sum(first <= at < first + minute for at in asked) for first in asked) <= 200
    assert len(asked) > 250


async def test_a_burst_of_questions_is_answered_and_then_refused() -> None:
    budget = Budget(FrozenClock(START), 200)
    for _ in range(20):
        await budget.ask()
    await budget.ask()  # a turn of 1.5 seconds
    with pytest.raises(BudgetSpent) as spent:
        await budget.ask()
    assert "--upstream-requests" in spent.value.remedy
