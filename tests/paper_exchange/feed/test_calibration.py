"""The synthetic market lies within the tolerances of docs/calibration.md."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from paper_exchange.__main__ import main
from paper_exchange.feed import calibration
from paper_exchange.feed.calendar import RECORDED_FIRST, Calendar
from paper_exchange.feed.recording import Recording
from paper_exchange.feed.synthetic import SyntheticSource
from tests.exchange import ROOT
from tests.paper_exchange.feed.recorder import record


@pytest.fixture(scope="module")
def rows(calendar: Calendar) -> list[calibration.Row]:
    sources = [SyntheticSource(seed, calendar) for seed in calibration.SEEDS]
    return list(calibration.rows(sources, calendar))


def test_every_measure_is_within_its_tolerance(rows: list[calibration.Row]) -> None:
    assert not [row for row in rows if not row.within]
    assert not [row for row in rows if not row.least <= row.recorded <= row.most]


def test_the_document_holds_this_table(rows: list[calibration.Row]) -> None:
    document = (ROOT / "docs" / "calibration.md").read_text()
    told = set(document.splitlines())
    names = [row.name for row in rows]
    assert len(names) == len(set(names))
    missing = [name for name in names if not any(line.startswith(f"| {name} |") for line in told)]
    assert not missing
    assert "OUTSIDE" not in document


def test_a_replayed_day_is_tabled(
    tmp_path: Path, source: SyntheticSource, calendar: Calendar
) -> None:
    session = calendar.sessions(*calibration.DAYS)[0]
    minutes = (session.close - session.open) // timedelta(minutes=1)
    record(tmp_path, source, session.open, minutes, chain=False)
    old = Calendar(RECORDED_FIRST)
    [line] = calibration.replayed(Recording.open(tmp_path, old), old)
    assert line[:5] == ("SPY 2026-08-17", "13:30 to 20:00", "390", "390", "by the smile")
    assert line[-1] == "0.01"


def test_a_document_without_a_place_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calibration, "rows", lambda sources, calendar: iter(()))
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    assert main(["calibrate", "--write", str(page)]) == 2
    assert "no place for a table" in capsys.readouterr().err
    page.write_text(f"a\n{calibration.BEGIN}\nold\n{calibration.END}\nb\n")
    assert main(["calibrate", "--write", str(page)]) == 0
    text = page.read_text()
    assert "old" not in text
    assert "| measure |" in text
    assert text.startswith("a\n")
    assert text.endswith(f"{calibration.END}\nb\n")
