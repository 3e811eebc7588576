"""An exchange for the module, on which the desk under judgement trades."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance_mcp.judges import INSPECTOR, NODE, SUITE
from tests.exchange import Exchange

MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}


@pytest.fixture(scope="session", autouse=True)
def judges() -> None:
    """The judges must be there, in CI above all."""
    missing = [str(path) for path in (NODE, SUITE, INSPECTOR) if not path.exists()]
    assert missing == [], f"{missing} are not installed. Next: make node."


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), **MORNING) as exchange:
        yield exchange
