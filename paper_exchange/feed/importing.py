"""Turns files of bars and quotes into recorded days: python -m paper_exchange import.

Columns are known by the names vendors give them. What lies outside the session is left out
and counted, so a half day ends at its own close; what contradicts itself is refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.contracts import OptionContract, Right
from common.money import parse_decimal
from common.session import Session, trading_day
from paper_exchange.feed.calendar import RECORDED_FIRST, Calendar
from paper_exchange.feed.recorded_rows import (
    BAR_FIELDS,
    OPTION_QUOTE_FIELDS,
    QUOTE_FIELDS,
    BarRow,
    QuoteRow,
    RecordingUnusable,
    Row,
    dollars,
    in_order,
    read,
    stamp,
    write,
)
from paper_exchange.feed.recording import BARS, OPTION_QUOTES, QUOTES

_MINUTE: Final = timedelta(minutes=1)
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "at": ("at", "timestamp", "datetime", "ts", "ts_et", "ts_utc", "time", "date"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v"),
    "bid": ("bid", "bid_c", "bid_price", "bp"),
    "ask": ("ask", "ask_c", "ask_price", "ap"),
    "bid_size": ("bid_size", "bid_sz", "bs"),
    "ask_size": ("ask_size", "ask_sz", "as"),
    "symbol": ("symbol", "occ"),
    "root": ("root", "underlying"),
    "expiry": ("expiry", "expiration"),
    "right": ("right", "type"),
    "strike": ("strike",),
}


@dataclass(slots=True)
class Days:
    """The days of one file: instants and rows by day and symbol, and how many were left out."""

    found: dict[tuple[date, str], list[tuple[datetime, Sequence[object]]]] = field(
        default_factory=dict
    )
    outside: int = 0
    empty: int = 0

    def add(self, day: date, symbol: str, at: datetime, row: Sequence[object]) -> None:
        """Keep a row."""
        self.found.setdefault((day, symbol), []).append((at, row))


class Importer:
    """Writes into one recording. zone: of stamps without an offset. only: days to take, or all.

    closing: a quote is a minute's last one, stamped with its start: it stands from its end.
    keep: a side missing from a row is as it last was, not gone.
    """

    def __init__(
        self,
        folder: Path,
        zone: tzinfo,
        only: frozenset[date] = frozenset(),
        *,
        closing: bool = False,
        keep: bool = False,
    ) -> None:
        self._folder, self._zone, self._only = folder, zone, only
        self._closing, self._keep = closing, keep
        self._calendar = Calendar(RECORDED_FIRST)

    def bars(self, path: Path, symbol: str) -> str:
        """Import the minutes of a stock; return what was done in a line."""
        days, before = Days(), None
        for line in _renamed(path):
            row = BarRow.of(line, self._zone)
            before = in_order(line, before, row.at, again=False)
            session = self._session(row.at)
            if session is None or row.at >= session.close:
                days.outside += 1
            elif not row.volume:
                days.empty += 1
            else:
                days.add(session.day, symbol, row.at, _bar(row))
        return self._written(path, days, BARS, BAR_FIELDS)

    def quotes(self, path: Path, symbol: str) -> str:
        """Import the quotes of a stock; return what was done in a line."""
        return self._quotes(path, lambda line: (symbol, symbol), QUOTES, QUOTE_FIELDS)

    def option_quotes(self, path: Path) -> str:
        """Import the quotes of option contracts; return what was done in a line."""
        return self._quotes(path, _contract, OPTION_QUOTES, OPTION_QUOTE_FIELDS)

    def _quotes(
        self,
        path: Path,
        of: Callable[[Row], tuple[str, str]],
        kind: str,
        fields: Sequence[str],
    ) -> str:
        days = Days()
        latest: dict[str, QuoteRow] = {}
        for line in _renamed(path):
            row = QuoteRow.of(line, self._zone)
            underlying, symbol = of(line)
            before = latest.get(symbol)
            in_order(line, before and before.at, row.at, again=not self._closing)
            if before is not None and self._keep:
                row = _kept(row, before)
            latest[symbol] = row
            session = self._session(row.at)
            at = row.at + _MINUTE if self._closing else row.at
            if session is None or at > _end(session, underlying, kind):
                days.outside += 1
                continue
            shown = (stamp(at), dollars(row.bid), dollars(row.ask), row.bid_size, row.ask_size)
            named = shown if kind == QUOTES else (symbol, *shown)
            days.add(session.day, underlying, at, named)
        return self._written(path, days, kind, fields)

    def _session(self, at: datetime) -> Session | None:
        """Return the session an instant lies in or after the open of, if it is wanted."""
        day = trading_day(at)
        if self._only and day not in self._only:
            return None
        session = self._calendar.session(day)
        return session if session is not None and at >= session.open else None

    def _written(self, path: Path, days: Days, kind: str, fields: Sequence[str]) -> str:
        if not days.found:
            raise RecordingUnusable(f"{path.name} holds nothing inside a session that is wanted")
        for (day, symbol), rows in days.found.items():
            file = self._folder / day.isoformat() / f"{symbol}.{kind}.csv.gz"
            write(file, fields, (row for _, row in sorted(rows, key=lambda item: item[0])))
        count = sum(len(rows) for rows in days.found.values())
        of = len({day for day, _ in days.found})
        left_out = f"{days.outside} outside the session, {days.empty} without volume"
        return f"{path.name}: {count} {kind} of {of} days; left out {left_out}"


def run(argv: Sequence[str]) -> list[str]:
    """Import what the command's arguments name; return a line for each file.

    Raises RecordingUnusable, naming file and line.
    """
    arguments = parser().parse_args(argv)
    try:
        zone: tzinfo = UTC if arguments.zone == "UTC" else ZoneInfo(arguments.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise RecordingUnusable(
            f"--zone {arguments.zone!r} is no time zone", remedy="give one as America/New_York"
        ) from None
    jobs: list[tuple[Path, Callable[[Importer, Path], str]]] = [
        *((path, lambda to, p: to.bars(p, arguments.symbol)) for path in arguments.bars),
        *((path, lambda to, p: to.quotes(p, arguments.symbol)) for path in arguments.quotes),
        *((path, Importer.option_quotes) for path in arguments.option_quotes),
    ]
    if not jobs:
        raise RecordingUnusable(
            "nothing to import", remedy="give --bars, --quotes or --option-quotes FILE"
        )
    if (arguments.bars or arguments.quotes) and not arguments.symbol:
        raise RecordingUnusable("--bars and --quotes need --symbol", remedy="give --symbol")
    to = Importer(
        arguments.folder,
        zone,
        frozenset(arguments.day),
        closing=arguments.minute_quotes,
        keep=arguments.keep_sides,
    )
    return [job(to, path) for path, job in jobs]


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    flags = argparse.ArgumentParser(
        prog="paper_exchange import",
        description="Convert csv, csv.gz or parquet files into a recording to replay.",
    )
    add = flags.add_argument
    add("folder", type=Path, help="the recording; days already there are replaced by file")
    add("--bars", type=Path, action="append", default=[], help="1-minute bars of one stock")
    add("--quotes", type=Path, action="append", default=[], help="quotes of one stock")
    add("--option-quotes", type=Path, action="append", default=[], help="quotes of contracts")
    add("--symbol", help="of --bars and --quotes")
    add("--zone", default="America/New_York", help="of times without an offset")
    add("--day", type=date.fromisoformat, action="append", default=[], help="only this day")
    add(
        "--minute-quotes",
        action="store_true",
        help="quotes are the last of the minute they are stamped with the start of",
    )
    add("--keep-sides", action="store_true", help="a missing side is as it was, not gone")
    return flags


def _renamed(path: Path) -> Iterator[Row]:
    """Yield a file's rows with our own names for their columns."""
    names: Mapping[str, str] | None = None
    for row in read(path):
        if names is None:
            names = {
                ours: theirs
                for ours, known in _NAMES.items()
                if (theirs := next((name for name in known if name in row.fields), None))
            }
        yield Row(row.where, {ours: row.fields[theirs] for ours, theirs in names.items()})


def _contract(line: Row) -> tuple[str, str]:
    """Return underlying and OCC symbol, from the symbol or from its parts."""
    try:
        if "symbol" in line.fields:
            contract = OptionContract.from_occ(line.text("symbol").strip().upper())
        else:
            contract = OptionContract(
                underlying=line.text("root").strip().upper(),
                expiry=datetime.fromisoformat(line.text("expiry")).date(),
                strike=parse_decimal(line.text("strike")),
                right=Right(line.text("right").strip().upper()[:1]),
            )
            contract = OptionContract.from_occ(contract.symbol)
    except ValueError as e:
        raise RecordingUnusable(f"{line.where}: no option contract: {e}") from None
    return contract.underlying, contract.symbol


def _bar(row: BarRow) -> Sequence[object]:
    prices = (row.open, row.high, row.low, row.close)
    return (stamp(row.at), *map(dollars, prices), row.volume)


def _kept(row: QuoteRow, before: QuoteRow) -> QuoteRow:
    """Return a quote with its missing sides as they were before on its day."""
    if trading_day(before.at) != trading_day(row.at):
        return row
    if not row.bid:
        row = row._replace(bid=before.bid, bid_size=before.bid_size)
    if not row.ask:
        row = row._replace(ask=before.ask, ask_size=before.ask_size)
    return row


def _end(session: Session, underlying: str, kind: str) -> datetime:
    """Return when the last quote of a session may be made."""
    return session.close if kind == QUOTES else session.option_close(underlying)
