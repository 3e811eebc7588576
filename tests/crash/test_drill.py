"""The daemon is killed at each step of a trade; afterwards everything is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.drill import drilling
from tests.crash.drill_steps import STEPS


@pytest.mark.crash
async def test_whenever_the_desk_dies_nothing_is_sent_twice_or_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with drilling(tmp_path) as drill:
        for step in STEPS:
            await drill.play(step.__name__, step)
        verified = drill.audited()
    with capsys.disabled():
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in drill.took.items())
        print(f"\nback after a kill -9 at: {times}\n{verified}")
    assert list(drill.took) == [step.__name__ for step in STEPS]
