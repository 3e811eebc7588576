"""The table says what was measured and whether the target was met; it measures nothing here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report
from bench.__main__ import dated, main, merged
from bench.rows import Row, number, percentile, ratios

FAST = Row.of("fast", [3.0, 1.0, 2.0], "ms", "a note", at_most=2.0)
SLOW = Row.of("slow | wide", [900.0, 1100.0, 950.0], "/s", at_least=1_000.0)
PLAIN = Row.of("plain", [0.5], "ms")


def test_a_row_is_the_median_with_its_range() -> None:
    assert (FAST.median, FAST.low, FAST.high, FAST.runs) == (2.0, 1.0, 3.0, 3)


@pytest.mark.parametrize(("row", "verdict"), [(FAST, "met"), (SLOW, "MISSED"), (PLAIN, "")])
def test_a_target_is_judged_by_the_median(row: Row, verdict: str) -> None:
    assert row.verdict == verdict
    assert bool(row.target) == bool(verdict)


def test_ratios_are_taken_run_by_run() -> None:
    assert ratios([10.0, 40.0], [5.0, 10.0]) == [2.0, 4.0]


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, at) for at in (0.5, 0.95, 0.99, 1.0)] == [50.0, 95.0, 99.0, 100.0]
    assert percentile([7.0], 0.5) == 7.0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (20.0, "20"), (1234.5, "1,234"), (2.5e-13, "2.5e-13"), (0.1234, "0.1234")],
)
def test_numbers_keep_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_json_reads_back_as_it_was() -> None:
    table = {"part": [FAST, SLOW, PLAIN]}
    assert report.from_json(report.as_json(["head"], table)) == table


def test_a_row_stands_beside_the_last_table_if_it_had_one(tmp_path: Path) -> None:
    stored = tmp_path / "last.json"
    assert report.medians(stored) == {}
    stored.write_text(report.as_json(["head"], {"part": [FAST, SLOW]}))
    shown = report.text([Row.of("fast", [5.0], "ms"), PLAIN], report.medians(stored))
    assert "last 2 (x 2.50)" in shown.splitlines()[0]
    assert "last" not in shown.splitlines()[1]


def test_the_table_replaces_what_stood_between_the_marks(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    report.write_into(document, report.markdown(["once"], {"part": [FAST, SLOW]}, {"fast": 4.0}))
    written = document.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{report.BEGIN}\n")
    assert written.endswith(f"{report.END}\nafter\n")
    assert "old" not in written
    assert "| fast | **2** ms | 4 (x 0.50) | 1 .. 3 | 3 | <= 2 ms: met | a note |" in written
    assert "slow \\| wide" in written
    assert ">= 1,000 /s: MISSED" in written


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "notes.md"
    document.write_text("mine\n", encoding="utf-8")
    with pytest.raises(ValueError, match="bench: begin"):
        report.write_into(document, "table")
    assert document.read_text(encoding="utf-8") == "mine\n"


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["speed"])
    assert refused.value.code == 2
    assert "speed" in capsys.readouterr().err


def test_a_part_measured_again_takes_the_place_of_its_last_and_the_others_stay() -> None:
    before = {"iv: vols (2026-11-20)": [FAST], "peer: theirs (2026-11-20)": [SLOW]}
    now = dated({"peer: theirs": [FAST]}, "Measured 2026-11-21 on this machine.")
    assert merged(before, now) == {
        "iv: vols (2026-11-20)": [FAST],
        "peer: theirs (2026-11-21)": [FAST],
    }
