"""OPS.1: whatever tools are called in whatever order, nothing trades that was not agreed to.

Every order at the exchange is of exactly one approved preview and within its limits. 300
sequences here; "make sequences" plays 10,000.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.acceptance.sequences import MORNING, play
from tests.exchange import Exchange

SEED = int(os.environ.get("SEQUENCES_SEED", "20261120"))
COUNT = 300


async def test_no_sequence_of_calls_sends_what_nobody_agreed_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "exchange").mkdir()
    with Exchange.start(tmp_path / "exchange", **MORNING) as exchange:
        played = await play(exchange, tmp_path, COUNT, SEED)
    with capsys.disabled():
        sys.stdout.write(f"\nOPS.1 {played}\n")
    played.require_both()
