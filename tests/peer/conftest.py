"""Alpaca's own package in its own environment, and the exchange it is pointed at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.exchange import ROOT, Exchange

PEER = ROOT / ".venv-peer" / "bin" / "python"

Row = tuple[str, str, str]  # what was asked, how it went, what is to be said of it
Show = Callable[[Sequence[Row]], None]


@pytest.fixture(scope="session")
def peer() -> Path:
    """The interpreter that has Alpaca's package; it must be there, in CI above all."""
    assert PEER.exists(), "Alpaca's own package is not installed. Next: make peer."
    return PEER


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    """An exchange of the test's own: it is traded on, then everything is closed."""
    with Exchange.start(tmp_path, clock="stepped", at="10:05") as found:
        yield found


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Show:
    """Print a table past pytest's capture: it is what the test is for."""

    def printed(rows: Sequence[Row]) -> None:
        width = max(len(row[0]) for row in rows)
        with capsys.disabled():
            print()
            for name, how, more in rows:
                print(f"  {name:{width}}  {how:>4}  {more}".rstrip())

    return printed
