"""What vendors' files become when they are imported, and which of them are refused."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from pathlib import Path

import pytest

from paper_exchange.feed import importing
from paper_exchange.feed.calendar import RECORDED_FIRST, Calendar
from paper_exchange.feed.recorded_rows import RecordingUnusable
from paper_exchange.feed.recording import Recording
from tests.paper_exchange.feed.recorder import table

HALF_DAY = date(2024, 7, 3)
NAMES = ("Date", "Open", "High", "Low", "Close", "Volume")


def minute(at: str, volume: object = "5.0") -> tuple[object, ...]:
    return (at, "550.004", "551", "549.5", "550.5", volume)


def written(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt") as file:
        return list(csv.reader(file))


def refused(*words: object) -> str:
    with pytest.raises(RecordingUnusable) as refusal:
        importing.run([str(word) for word in words])
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_new_york_times_become_utc_and_a_half_day_is_cut_at_its_close(tmp_path: Path) -> None:
    rows = [minute(f"2024-07-03 {at}:00") for at in ("04:00", "09:30", "12:59", "13:00", "15:30")]
    rows.insert(2, minute("2024-07-03 09:31:00", 0))
    file = table(tmp_path / "vendor.csv", NAMES, rows)
    folder = tmp_path / "recording"
    [said] = importing.run([str(folder), "--symbol", "SPY", "--bars", str(file)])
    assert said == (
        "vendor.csv: 2 bars of 1 days; left out 3 outside the session, 1 without volume"
    )
    assert written(folder / "2024-07-03" / "SPY.bars.csv.gz") == [
        ["at", "open", "high", "low", "close", "volume"],
        ["2024-07-03T13:30:00Z", "550.00", "551.00", "549.50", "550.50", "5"],
        ["2024-07-03T16:59:00Z", "550.00", "551.00", "549.50", "550.50", "5"],
    ]
    recording = Recording.open(folder, Calendar(RECORDED_FIRST))
    assert list(recording.days[HALF_DAY].bars["SPY"].minute) == [0, 209]


def test_an_offset_in_the_file_goes_before_the_zone(tmp_path: Path) -> None:
    file = table(tmp_path / "a.csv.gz", NAMES, [minute("2024-07-03 08:30:00-05:00")])
    words = [str(tmp_path / "r"), "--zone", "Asia/Tokyo", "--symbol", "X", "--bars", str(file)]
    importing.run(words)
    assert written(tmp_path / "r" / "2024-07-03" / "X.bars.csv.gz")[1][0] == "2024-07-03T13:30:00Z"


def test_closing_quotes_stand_from_their_minutes_end(tmp_path: Path) -> None:
    header = ("ts_et", "root", "expiry", "right", "strike", "bid", "ask", "bid_sz", "ask_sz")
    call = ("spy", "2024-07-03 00:00:00", "C", "550.0")
    rows = [
        ("2024-07-03 09:30:00", *call, "1.10", "1.12", 5, 6),
        ("2024-07-03 09:31:00", *call, "", "1.15", 0, 7),
        ("2024-07-03 13:14:00", *call, "0.01", "0.02", 1, 1),
        ("2024-07-03 13:15:00", *call, "0.01", "0.02", 1, 1),
    ]
    file = table(tmp_path / "chain.csv", header, rows)
    symbol = "SPY240703C00550000"
    folder, place = tmp_path / "r", "2024-07-03/SPY.option_quotes.csv.gz"
    importing.run([str(folder), "--minute-quotes", "--option-quotes", str(file)])
    gone = written(folder / place)
    assert gone[1:] == [
        [symbol, "2024-07-03T13:31:00Z", "1.10", "1.12", "5", "6"],
        [symbol, "2024-07-03T13:32:00Z", "", "1.15", "0", "7"],
        [symbol, "2024-07-03T17:15:00Z", "0.01", "0.02", "1", "1"],
    ]
    importing.run([str(folder), "--minute-quotes", "--keep-sides", "--option-quotes", str(file)])
    assert written(folder / place)[2] == [symbol, "2024-07-03T13:32:00Z", "1.10", "1.15", "5", "7"]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([minute("2024-07-03 09:31"), minute("2024-07-03 09:31")], "line 3: 2024-07-03 13:31:00"),
        ([minute("2024-07-03 09:32"), minute("2024-07-03 09:31")], "older than the row before"),
        ([minute("2024-07-04 09:31")], "nothing inside a session"),
        ([("2024-07-03 09:31", "550", "549", "548", "550", 1)], "line 2: open, high"),
        ([("2024-07-03 09:31", "550", "x", "548", "550", 1)], "line 2: high 'x' is no number"),
        ([minute("2024-07-03 09:31", "inf")], "line 2: volume 'inf'"),
    ],
)
def test_a_bad_file_is_refused_by_line(
    tmp_path: Path, rows: list[tuple[object, ...]], fault: str
) -> None:
    file = table(tmp_path / "bad.csv", NAMES, rows)
    message = refused(tmp_path / "r", "--symbol", "SPY", "--bars", file)
    assert fault in message
    assert "bad.csv" in message
    assert not (tmp_path / "r").exists()


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    words = (tmp_path / "r", "--symbol", "SPY", "--bars")
    assert "cannot read" in refused(*words, tmp_path / "nowhere.csv")
    (tmp_path / "torn.csv.gz").write_bytes(b"not packed")
    assert "torn.csv.gz" in refused(*words, tmp_path / "torn.csv.gz")
    (tmp_path / "no.parquet").write_bytes(b"PAR1")
    assert "no.parquet" in refused(*words, tmp_path / "no.parquet")
    columns = table(tmp_path / "few.csv", ("at", "open"), [("2024-07-03 09:31", 1)])
    assert "line 2: no high" in refused(*words, columns)
    assert "no time zone" in refused(*words, columns, "--zone", "Mars/Olympus")
    assert "need --symbol" in refused(tmp_path / "r", "--bars", columns)
    assert "nothing to import" in refused(tmp_path / "r")
    chain = table(
        tmp_path / "chain.csv",
        ("at", "symbol", "bid", "ask", "bid_size", "ask_size"),
        [("2024-07-03 09:31", "SPY", 1, 2, 1, 1)],
    )
    assert "no option contract" in refused(tmp_path / "r", "--option-quotes", chain)
