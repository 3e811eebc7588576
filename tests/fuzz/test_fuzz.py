"""Five hundred random calls in the gate; make fuzz-tools plays five thousand."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.run import fuzz

CALLS = 500
SEED = 20_261_121


async def test_whatever_is_called_answers_in_time_and_in_form(tmp_path: Path) -> None:
    found = await fuzz(tmp_path, CALLS, SEED)
    assert found.faults == []
    assert found.calls == CALLS
    assert found.answered.total() >= CALLS // 10  # not all of it was nonsense
    assert found.refused.total() >= CALLS // 10
