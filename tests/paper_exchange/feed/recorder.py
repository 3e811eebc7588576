"""Writes small days in the documented layout, with nothing of the code that reads them."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from paper_exchange.feed.source import Source
from tests.exchange import ROOT

RECORDED = Path(os.environ.get("RECORDED_DATA", ROOT.parent / "shared" / "data"))
GOOG = RECORDED / "lean_goog_0dte_20151224_halfday"
SPY_JULY = RECORDED / "spy_1min_bars" / "spy_1min_202507.csv.gz"

BARS = ("at", "open", "high", "low", "close", "volume")
QUOTES = ("at", "bid", "ask", "bid_size", "ask_size")
HALTS = ("symbol", "start", "end", "kind")


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a csv file, packed when its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = path.suffix == ".gz"
    with gzip.open(path, "wt", newline="") if packed else path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def record(folder: Path, source: Source, opens: datetime, minutes: int, *, chain: bool) -> Path:
    """Record SPY's first minutes of a day; chain: also its same-day options near the money."""
    day, until = opens.date(), opens + timedelta(minutes=minutes)
    bars = source.bars("SPY", opens, until, 1)
    table(
        folder / f"{day}" / "SPY.bars.csv",
        BARS,
        [(b.at.isoformat(), b.open, b.high, b.low, b.close, b.volume) for b in bars],
    )
    if chain:
        symbols = near(source, opens, day)
        times = [opens + timedelta(minutes=n) for n in range(minutes + 1)]
        table(
            folder / f"{day}" / "SPY.option_quotes.csv.gz",
            ("symbol", *QUOTES),
            [
                (symbol, at.isoformat(), q.bid, q.ask, q.bid_size, q.ask_size)
                for at in times
                for symbol, q in zip(symbols, source.quotes(symbols, at), strict=True)
                if q is not None
            ],
        )
    return folder


def near(source: Source, at: datetime, day: date, strikes: int = 3) -> list[str]:
    """Return SPY's same-day contracts nearest the money."""
    spot = source.spot("SPY", at)
    return [
        contract.symbol
        for contract in source.contracts("SPY", day)
        if contract.expiry == day and abs(contract.strike - spot) <= strikes
    ]
