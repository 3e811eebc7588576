"""Recorded days in the documented layout, read whole and checked when a recording is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from common.contracts import OptionContract
from common.session import Session
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.recorded_rows import (
    BarRow,
    QuoteRow,
    RecordingUnusable,
    Row,
    in_order,
    read,
)
from paper_exchange.feed.source import HaltKind
from paper_exchange.feed.synthetic_options import Quotes
from paper_exchange.feed.synthetic_random import Ints

BARS: Final = "bars"
QUOTES: Final = "quotes"
OPTION_QUOTES: Final = "option_quotes"
HALTS: Final = "halts.csv"

_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RecordedBars:
    """One stock's minutes of one day as columns: minute of the session, cents, shares."""

    minute: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A symbol, with its options, does not trade in [start, end)."""

    symbol: str
    start: datetime
    end: datetime
    kind: HaltKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDay:
    """What was recorded of one session. Quotes are by symbol: of stocks, and of contracts."""

    session: Session
    bars: Mapping[str, RecordedBars]
    quotes: Mapping[str, Quotes]
    contracts: Mapping[str, tuple[OptionContract, ...]]  # by underlying, as recorded
    halts: tuple[Halt, ...] = field(default=())


class Recording:
    """The recorded days of a folder, by day."""

    def __init__(self, days: Mapping[date, RecordedDay]) -> None:
        self.days = dict(sorted(days.items()))
        self.symbols = tuple(sorted({symbol for day in days.values() for symbol in day.bars}))

    @classmethod
    def open(cls, folder: Path, calendar: Calendar) -> Recording:
        """Read every day of a folder; RecordingUnusable for the first fault."""
        try:
            folders = sorted(entry for entry in folder.iterdir() if entry.is_dir())
        except OSError as e:
            raise RecordingUnusable(f"cannot read the recording: {e}") from None
        days = {}
        for entry in folders:
            session = _session(entry.name, calendar)
            days[session.day] = _day(entry, session)
        if not days:
            raise RecordingUnusable(f"{folder} holds no recorded day")
        return cls(days)


def _session(name: str, calendar: Calendar) -> Session:
    try:
        session = calendar.session(date.fromisoformat(name))
    except ValueError:
        raise RecordingUnusable(f"the folder {name} is not named YYYY-MM-DD") from None
    if session is None:
        raise RecordingUnusable(f"the exchange was closed on {name}")
    return session


def _day(folder: Path, session: Session) -> RecordedDay:
    bars: dict[str, RecordedBars] = {}
    quotes: dict[str, Quotes] = {}
    contracts: dict[str, tuple[OptionContract, ...]] = {}
    quoted: set[str] = set()
    for path in sorted(folder.glob("*.csv*")):
        if path.name == HALTS:
            continue
        symbol, _, kind = path.name.removesuffix(".gz").removesuffix(".csv").rpartition(".")
        if kind == BARS:
            bars[symbol] = _bars(path, session)
            continue
        quoted.add(symbol)
        if kind == QUOTES:
            quotes |= _quotes(path, session, session.close, symbol)
        elif kind == OPTION_QUOTES:
            chain = _quotes(path, session, session.option_close(symbol))
            contracts[symbol] = _contracts(path, symbol, chain)
            quotes |= chain
        else:
            raise RecordingUnusable(f"{folder.name}/{path.name} is not of the layout")
    if without := sorted(quoted - set(bars)):
        raise RecordingUnusable(f"{folder.name} holds no bars of {without[0]}")
    return RecordedDay(
        session=session,
        bars=bars,
        quotes=quotes,
        contracts=contracts,
        halts=_halts(folder / HALTS, session),
    )


def _bars(path: Path, session: Session) -> RecordedBars:
    rows: list[BarRow] = []
    before: datetime | None = None
    for line in read(path):
        row = BarRow.of(line)
        before = in_order(line, before, row.at, again=False)
        if not session.open <= row.at < session.close:
            raise RecordingUnusable(f"{line.where}: {line.text('at')} is outside the session")
        if not row.volume:
            raise RecordingUnusable(f"{line.where}: a minute without volume has no bar")
        rows.append(row)
    if not rows:
        raise RecordingUnusable(f"{path.name} holds no minute")
    minutes = np.asarray([(row.at - session.open) // _MINUTE for row in rows], np.int64)
    return RecordedBars(minutes, *np.asarray([row[1:] for row in rows], np.int64).T)


def _quotes(
    path: Path, session: Session, end: datetime, alone: str | None = None
) -> dict[str, Quotes]:
    """Return the quotes of a file by symbol; alone: whose all of them are."""
    found: dict[str, list[QuoteRow]] = {}
    for line in read(path):
        row = QuoteRow.of(line)
        rows = found.setdefault(alone or line.text("symbol"), [])
        in_order(line, rows[-1].at if rows else None, row.at, again=True)
        if not session.open <= row.at <= end:
            raise RecordingUnusable(f"{line.where}: {line.text('at')} is outside the session")
        rows.append(row)
    if not found:
        raise RecordingUnusable(f"{path.name} holds no quote")
    return {symbol: _columns(rows, session) for symbol, rows in found.items()}


def _columns(rows: list[QuoteRow], session: Session) -> Quotes:
    made = np.asarray([(row.at - session.open) // _MICROSECOND for row in rows], np.int64)
    return Quotes(made, *np.asarray([row[1:] for row in rows], np.int64).T)


def _contracts(
    path: Path, underlying: str, chain: Mapping[str, Quotes]
) -> tuple[OptionContract, ...]:
    found = []
    for symbol in chain:
        try:
            contract = OptionContract.from_occ(symbol)
        except ValueError:
            raise RecordingUnusable(f"{path.name}: {symbol!r} is no OCC symbol") from None
        if contract.underlying != underlying:
            raise RecordingUnusable(f"{path.name}: {symbol} is not of {underlying}")
        found.append(contract)
    return tuple(sorted(found, key=lambda c: (c.expiry, c.strike, not c.is_call)))


def _halts(path: Path, session: Session) -> tuple[Halt, ...]:
    return tuple(_halt(line, session) for line in read(path)) if path.exists() else ()


def _halt(line: Row, session: Session) -> Halt:
    try:
        kind = HaltKind(line.text("kind"))
    except ValueError:
        raise RecordingUnusable(
            f"{line.where}: kind {line.text('kind')!r} is not halt or luld"
        ) from None
    start, end = line.instant("start"), line.instant("end")
    if not session.open <= start < end:
        raise RecordingUnusable(f"{line.where}: a halt begins in the session and ends later")
    return Halt(symbol=line.text("symbol"), start=start, end=end, kind=kind)
