"""Rows of recorded days as text: read from files, checked, and turned into whole numbers.

The layout is documented in docs/feeds.md. A row that cannot be believed is refused by its
file and line, never repaired.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from math import isfinite
from pathlib import Path
from typing import Final, NamedTuple

from common.errors import Misconfigured
from common.session import NEW_YORK

BAR_FIELDS: Final = ("at", "open", "high", "low", "close", "volume")
QUOTE_FIELDS: Final = ("at", "bid", "ask", "bid_size", "ask_size")
OPTION_QUOTE_FIELDS: Final = ("symbol", *QUOTE_FIELDS)
HALT_FIELDS: Final = ("symbol", "start", "end", "kind")

_MOST_CENTS: Final = 10**9
_NOTHING: Final = frozenset({"", "nan", "null", "none"})


class RecordingUnusable(Misconfigured):
    """A recorded file is not what the layout says; the message names file and line."""

    code = "recording_unusable"
    remedy = "correct the file; docs/feeds.md has the layout"


class Row(NamedTuple):
    """One line of a file: where it is, and its fields by lower-case name."""

    where: str
    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a field; RecordingUnusable when the file has no such column."""
        found = self.fields.get(name)
        if found is None:
            raise RecordingUnusable(f"{self.where}: no {name}")
        return found

    def instant(self, name: str, zone: tzinfo = NEW_YORK) -> datetime:
        """Return an instant in UTC; one without an offset is of the zone."""
        try:
            at = datetime.fromisoformat(self.text(name).strip())
        except ValueError:
            raise RecordingUnusable(
                f"{self.where}: {name} {self.text(name)!r} is no time"
            ) from None
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)

    def cents(self, name: str) -> int:
        """Return a price rounded to the cent; 0 for one that is missing."""
        return round(100 * self._number(name))

    def whole(self, name: str) -> int:
        """Return a count; 0 for one that is missing."""
        return round(self._number(name))

    def _number(self, name: str) -> float:
        text = self.text(name).strip()
        if text.lower() in _NOTHING:
            return 0.0
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not isfinite(value) or not 0 <= value <= _MOST_CENTS:
            raise RecordingUnusable(f"{self.where}: {name} {text!r} is no number from 0")
        return value


class BarRow(NamedTuple):
    """A minute: when it began, prices in cents, shares."""

    at: datetime
    open: int
    high: int
    low: int
    close: int
    volume: int

    @classmethod
    def of(cls, row: Row, zone: tzinfo = NEW_YORK) -> BarRow:
        """Return a row as a minute; RecordingUnusable when its prices contradict each other."""
        at = row.instant("at", zone)
        prices = [row.cents(name) for name in ("open", "high", "low", "close")]
        first, high, low, last = prices
        if not 0 < low <= min(first, last) <= max(first, last) <= high:
            raise RecordingUnusable(f"{row.where}: open, high, low and close contradict each other")
        if at.second or at.microsecond:
            raise RecordingUnusable(f"{row.where}: {at:%H:%M:%S.%f} is not a whole minute")
        return cls(at, first, high, low, last, row.whole("volume"))


class QuoteRow(NamedTuple):
    """A quote: when it was made, prices in cents, shares or contracts; 0 for a missing side."""

    at: datetime
    bid: int
    ask: int
    bid_size: int
    ask_size: int

    @classmethod
    def of(cls, row: Row, zone: tzinfo = NEW_YORK) -> QuoteRow:
        """Return a row as a quote; a side without a price has no size."""
        bid, ask = row.cents("bid"), row.cents("ask")
        return cls(
            row.instant("at", zone),
            bid,
            ask,
            row.whole("bid_size") if bid else 0,
            row.whole("ask_size") if ask else 0,
        )


def in_order(row: Row, before: datetime | None, at: datetime, *, again: bool) -> datetime:
    """Return an instant that follows another; again: whether it may be the same one."""
    if before is not None and (at < before or (at == before and not again)):
        fault = (
            "is there twice" if at == before else f"is older than the row before, {before:%H:%M:%S}"
        )
        raise RecordingUnusable(f"{row.where}: {at:%Y-%m-%d %H:%M:%S} UTC {fault}")
    return at


def read(path: Path) -> Iterator[Row]:
    """Yield the rows of a csv, csv.gz or parquet file."""
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file)
            for fields in reader:
                where = f"{path.name} line {reader.line_num}"
                if None in fields or None in fields.values():
                    raise RecordingUnusable(f"{where}: not as many fields as the header")
                yield Row(where, {name.strip().lower(): text for name, text in fields.items()})
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as e:
        raise RecordingUnusable(f"cannot read {path}: {e}") from None


def write(path: Path, fields: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a csv.gz file whole; the same rows make the same bytes."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows(rows)
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(gzip.compress(buffer.getvalue().encode(), mtime=0))
        fresh.replace(path)
    except OSError as e:
        raise RecordingUnusable(f"cannot write {path}: {e}") from None


def dollars(cents: int) -> str:
    """Return cents as the layout writes a price; nothing for a side nobody quotes."""
    return f"{cents // 100}.{cents % 100:02d}" if cents else ""


def stamp(at: datetime) -> str:
    """Return an instant as the layout writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _opened(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import duckdb
    except ImportError:
        raise RecordingUnusable(
            f"cannot read {path.name}: parquet needs a reader",
            remedy="pip install duckdb, or give a csv or csv.gz file",
        ) from None
    try:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            found = connection.execute(
                "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(?)", [str(path)]
            )
            names = [column[0].lower() for column in found.description or ()]
            rows = found.fetchall()
    except duckdb.Error as e:
        fault = str(e).partition("\n")[0]
        raise RecordingUnusable(f"cannot read {path}: {fault}") from None
    for number, values in enumerate(rows, 1):
        yield Row(
            f"{path.name} row {number}",
            {name: value or "" for name, value in zip(names, values, strict=True)},
        )
