"""How close the synthetic market is to recorded ones: python -m paper_exchange calibrate.

The recorded numbers are of 297 full days of SPY minutes (2024-02 to 2025-07), 566 days of
same-day SPX options (2023-11 to 2026-02) for volatility and smile, three days of them (2021-01)
for how often quotes change, and SPY option quotes of 2023 and 2026 for spreads.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Final

from common.clock import SystemClock
from common.session import new_york
from paper_exchange.feed import calibration_measures as measures
from paper_exchange.feed.calendar import RECORDED_FIRST, Calendar
from paper_exchange.feed.recorded_rows import RecordingUnusable
from paper_exchange.feed.recording import Recording
from paper_exchange.feed.replay import ReplaySource
from paper_exchange.feed.source import Source
from paper_exchange.feed.synthetic import SyntheticSource

SEEDS: Final = (7, 8, 9, 10, 11)
DAYS: Final = (date(2026, 8, 17), date(2026, 9, 4))
BEGIN, END = "<!-- table -->", "<!-- end of table -->"

_VOLUME: Final = (11.3, 8.5, 7.1, 6.5, 5.5, 5.0, 4.8, 4.9, 4.9, 6.0, 6.2, 7.5, 21.8)
_MINUTES: Final = (  # measure, what it is called, recorded, least, most
    ("volume", "volume of a day, million shares, median", 42.7, 30, 60),
    ("last minute", "volume of the last minute, % of the day, median", 4.1, 2.5, 6.0),
    ("range 5", "opening range, 5 minutes, % of the open, median", 0.147, 0.10, 0.21),
    ("range 15", "opening range, 15 minutes", 0.215, 0.15, 0.30),
    ("range 30", "opening range, 30 minutes", 0.293, 0.20, 0.40),
    ("range 60", "opening range, 60 minutes", 0.419, 0.29, 0.56),
    ("range 390", "range of the day", 0.840, 0.60, 1.15),
    ("return", "1-minute returns, basis points, standard deviation", 3.3, 2.3, 4.4),
    ("return robust", "1-minute returns, basis points, robust", 2.3, 1.6, 2.9),
    ("kurtosis", "their excess kurtosis, scaled by the day's", 3.2, 1.5, 7.0),
    ("tail", "minutes beyond 4 of the day's sigmas, %", 0.32, 0.1, 0.7),
    ("day vol", "realised volatility of a day, annual %, median", 8.5, 6.5, 11.5),
    ("variance 0", "variance of the first half hour, % of the day", 14.0, 10, 19),
    ("variance 12", "variance of the last half hour, % of the day", 10.6, 7, 15),
)
_MONEY: Final = (0.513, 0.385, 0.271, 0.204, 0.162)  # by measures.HOURS
_SMILES: Final = (  # by measures.HOURS, ratios at measures.DELTAS
    (1.088, 1.203, 0.933, 0.945),
    (1.091, 1.245, 0.959, 0.955),
    (1.081, 1.227, 0.998, 0.973),
    (1.079, 1.217, 1.034, 0.993),
    (1.070, 1.173, 1.039, 1.002),
)
_SKEWS: Final[Mapping[time, float]] = {time(10): 0.20, time(15, 30): 0.08}
_SPREADS: Final = ((1, 1, 3), (10, 6, 16), (30, 20, 42), (57, 42, 80))  # cents by DEPTHS
_UPDATES: Final = (0.06, 0.28, 0.45, 0.70, 0.94, 0.99)  # by measures.BANDS
_UPDATES_OFF: Final = 0.15
_MANY: Final = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """One number beside the recorded one, and what it may be at least and at most."""

    name: str
    recorded: float
    least: float
    most: float
    ours: float

    @property
    def within(self) -> bool:
        """Whether it is as tolerated."""
        return self.least <= self.ours <= self.most


def rows(sources: Sequence[Source], calendar: Calendar) -> Iterator[Row]:
    """Yield the whole table for some synthetic markets, over the full sessions of DAYS."""
    days = measures.full_days(sources, calendar.sessions(*DAYS))
    shown = measures.minutes(days)
    for part, recorded in enumerate(_VOLUME):
        name = f"volume from {9 + (part + 1) // 2:02d}:{30 * ((part + 1) % 2):02d}, % of the day"
        yield Row(name, recorded, 0.85 * recorded, 1.15 * recorded, shown[f"volume {part}"])
    for key, name, recorded, least, most in _MINUTES:
        yield Row(name, recorded, least, most, shown[key])
    yield from _options(days[::2])
    cents, size = measures.touch(days, time(11))
    yield Row("spread of the stock, cents, median", 1, 1, 1, cents)
    yield Row("size at its touch, shares, median", 600, 300, 2000, size)
    for depth, (recorded, least, most), ours in zip(
        measures.DEPTHS, _SPREADS, measures.spreads(days, time(11, 30)), strict=True
    ):
        name = f"spread of a call {100 * depth:.1f}% in the money, cents, median"
        yield Row(name, recorded, least, most, ours)
    bands = zip(measures.BANDS, measures.BANDS[1:], strict=False)
    rates = measures.update_rates(days[::15])
    for (low, high), recorded, ours in zip(bands, _UPDATES, rates, strict=True):
        priced = f"{low:.0f} to {high:.0f} ticks" if high < _MANY else f"{low:.0f} ticks or more"
        name = f"share of minutes with a new quote, priced {priced}"
        yield Row(name, recorded, max(recorded - _UPDATES_OFF, 0.0), recorded + _UPDATES_OFF, ours)


def _options(days: Sequence[measures.Day]) -> Iterator[Row]:
    for hour, money, smile in zip(measures.HOURS, _MONEY, _SMILES, strict=True):
        found = measures.smiles(days, hour)
        name = f"{hour:%H:%M} volatility left at the money, % of spot, median"
        yield Row(name, money, 0.75 * money, 1.3 * money, found["money"])
        for (delta, _), recorded in zip(measures.DELTAS, smile, strict=True):
            off = 0.08 if delta == "10d put" else 0.05
            name = f"{hour:%H:%M} volatility of the {delta}, over the money's"
            yield Row(name, recorded, recorded - off, recorded + off, found[delta])
        if hour in _SKEWS:
            skew = _SKEWS[hour]
            yield Row(f"{hour:%H:%M} skew", skew, skew - 0.06, skew + 0.06, found["skew"])


def replayed(recording: Recording, calendar: Calendar) -> Iterator[tuple[str, ...]]:
    """Yield a line for each recorded stock and day: what was recorded, and what was told of it."""
    source = ReplaySource(SEEDS[0], calendar, recording)
    for day, recorded in recording.days.items():
        session = recorded.session
        for symbol, bars in recorded.bars.items():
            told = source.bars(symbol, session.open, session.close, 1)
            columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
            minutes = zip(*(column.tolist() for column in columns), strict=True)
            same = sum(
                [100 * b.open, 100 * b.high, 100 * b.low, 100 * b.close, b.volume] == list(minute)
                for b, minute in zip(told, minutes, strict=True)
            )
            noon = new_york(day, time(12))
            spread = measures.nearest_spread(source, symbol, day, noon)
            quoted = recorded.contracts.get(symbol, ())
            quotes = sum(len(recorded.quotes[contract.symbol].made) for contract in quoted)
            yield (
                f"{symbol} {day}",
                f"{session.open:%H:%M} to {session.close:%H:%M}",
                str(len(bars.minute)),
                str(same),
                "recorded" if quoted else "by the smile",
                str(len(source.contracts(symbol, day))),
                str(quotes) if quoted else "",
                f"{spread:.2f}" if spread is not None else "none",
            )


def run(argv: Sequence[str]) -> Iterator[str]:
    """Measure, and yield the tables as Markdown; Misconfigured for a file that cannot be used."""
    flags = argparse.ArgumentParser(prog="paper_exchange calibrate", description=__doc__)
    flags.add_argument("--recording", type=Path, action="append", default=[], help="also replay")
    flags.add_argument("--write", type=Path, help="Markdown file whose tables to replace")
    arguments = flags.parse_args(argv)
    calendar = Calendar()
    sources = [SyntheticSource(seed, calendar) for seed in SEEDS]
    lines = [f"Measured on {SystemClock().now():%Y-%m-%d}.", "", *table(rows(sources, calendar))]
    old = Calendar(RECORDED_FIRST)
    found = [
        line for path in arguments.recording for line in replayed(Recording.open(path, old), old)
    ]
    if found:
        lines += ["", *_markdown(_REPLAYED, found)]
    if arguments.write is not None:
        _write(arguments.write, lines)
    yield from lines


def table(of: Iterator[Row]) -> list[str]:
    """Return rows as a Markdown table."""
    return _markdown(
        ("measure", "recorded", "tolerated", "ours", ""),
        [
            (
                row.name,
                f"{row.recorded:g}",
                f"{row.least:.3g} to {row.most:.3g}",
                f"{row.ours:.3g}",
                "" if row.within else "OUTSIDE",
            )
            for row in of
        ],
    )


_REPLAYED: Final = (
    "day",
    "session, UTC",
    "minutes",
    "told the same",
    "chain",
    "contracts",
    "its quotes",
    "spread at the money 12:00, $",
)


def _markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *lines)]


def _write(path: Path, lines: Sequence[str]) -> None:
    """Replace what stands between the marks of a document."""
    try:
        text = path.read_text()
        before, mark, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not mark or not end:
            raise RecordingUnusable(f"{path} has no place for a table", remedy=f"add {BEGIN} {END}")
        path.write_text("\n".join((before + mark, *lines, end + after)))
    except OSError as e:
        raise RecordingUnusable(f"cannot write {path}: {e}") from None
