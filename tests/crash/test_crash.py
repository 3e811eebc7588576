"""Three of the rounds that make crash plays a hundred of."""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom

import pytest

from tests.crash.scenario import Scenario

ROUNDS = 3


@pytest.mark.crash
async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    seed = SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    scenario = Scenario(tmp_path, seed)
    async with scenario.running():
        for number in range(ROUNDS):
            await scenario.round(number)
        report = await scenario.end(patient=False)
    assert report.kills.total() >= ROUNDS
    assert report.rest["yes"] > 0
    assert report.desk["sent"] > 0
