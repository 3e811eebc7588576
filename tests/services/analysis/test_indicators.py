"""Indicators against the formulas of their authors, written here once more and slowly.

Sources: Wilder, New Concepts in Technical Trading Systems (1978), for RSI, ATR and ADX; Appel for
MACD; Bollinger for his bands (population deviation); Lane for the stochastic; Granville for OBV.
"""

from __future__ import annotations

import csv
import gzip
import math
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import BadArgument
from common.pricing.normal import Floats
from common.quotes import Bar
from common.session import Session
from services.analysis.bars import by_session
from services.analysis.indicators import KINDS, Columns, compute, wanted
from tests.exchange import ROOT

RECORDED = Path(os.environ.get("RECORDED_DATA", ROOT.parent / "shared" / "data"))
Line = list[float]


@st.composite
def walks(draw: st.DrawFn) -> Columns:
    """Draw a random walk of bars over one or two sessions, now and then without a move."""
    count = draw(st.integers(1, 160))
    seed = draw(st.integers(0, 2**32 - 1))
    step = draw(st.sampled_from([0.0, 0.01, 0.5, 5.0]))
    rng = np.random.default_rng(seed)
    close = np.asarray(600 + np.round(np.cumsum(rng.normal(0, step, count)), 2), np.float64)
    high: Floats = close + np.round(np.abs(rng.normal(0, step, count)), 2)
    low: Floats = close - np.round(np.abs(rng.normal(0, step, count)), 2)
    first = np.zeros(count, dtype=np.bool_)
    first[[0, draw(st.integers(0, count - 1))]] = True
    return Columns(
        high=high,
        low=low,
        close=close,
        volume=rng.integers(0, 5_000, count).astype(np.float64),
        vwap=(high + low + close) / 3,
        first=first,
    )


def sma(values: Line, period: int) -> Line:
    return [
        math.fsum(values[i + 1 - period : i + 1]) / period if i + 1 >= period else math.nan
        for i in range(len(values))
    ]


def smoothed(values: Line, period: int, weight: float) -> Line:
    """Begin with the plain mean of the first period; then old + weight * (new - old)."""
    start = next((i for i, value in enumerate(values) if not math.isnan(value)), len(values))
    out = [math.nan] * len(values)
    if start + period > len(values):
        return out
    held = math.fsum(values[start : start + period]) / period
    out[start + period - 1] = held
    for i in range(start + period, len(values)):
        held += weight * (values[i] - held)
        out[i] = held
    return out


def ema(values: Line, period: int) -> Line:
    return smoothed(values, period, 2 / (period + 1))


def wilder(values: Line, period: int) -> Line:
    return smoothed(values, period, 1 / period)


def rsi(close: Line, period: int) -> Line:
    changes = [math.nan] + [b - a for a, b in pairwise(close)]
    up = wilder([max(c, 0.0) if c == c else c for c in changes], period)
    down = wilder([max(-c, 0.0) if c == c else c for c in changes], period)
    return [100 * u / (u + d) if u + d > 0 else math.nan for u, d in zip(up, down, strict=True)]


def true_ranges(columns: Columns) -> Line:
    ranges = [math.nan]
    for i in range(1, len(columns.close)):
        before = columns.close[i - 1]
        ranges.append(float(max(columns.high[i], before) - min(columns.low[i], before)))
    return ranges


def macd(close: Line, fast: int, slow: int, signal: int) -> tuple[Line, Line, Line]:
    """Begin the fast average with the mean of the last bars of the slow one's first period."""
    late = [math.nan if i < slow - fast else value for i, value in enumerate(close)]
    line = [a - b for a, b in zip(ema(late, fast), ema(close, slow), strict=True)]
    told = ema(line, signal)
    shown = [a if not math.isnan(b) else math.nan for a, b in zip(line, told, strict=True)]
    return shown, told, [a - b for a, b in zip(shown, told, strict=True)]


def bands(close: Line, period: int, times: float) -> tuple[Line, Line, Line]:
    middle = sma(close, period)
    width = [
        times * float(np.std(close[i + 1 - period : i + 1])) if i + 1 >= period else math.nan
        for i in range(len(close))
    ]
    return (
        [m + w for m, w in zip(middle, width, strict=True)],
        middle,
        [m - w for m, w in zip(middle, width, strict=True)],
    )


def stochastic(columns: Columns, look: int, smooth: int, signal: int) -> tuple[Line, Line]:
    raw = []
    for i in range(len(columns.close)):
        top = float(max(columns.high[max(i + 1 - look, 0) : i + 1]))
        low = float(min(columns.low[max(i + 1 - look, 0) : i + 1]))
        known = i + 1 >= look and top > low
        raw.append(100 * (float(columns.close[i]) - low) / (top - low) if known else math.nan)
    k = sma(raw, smooth)
    d = sma(k, signal)
    # TA-Lib shows both lines from the bar on which both are known.
    begin = look + smooth + signal - 3
    return [v if i >= begin else math.nan for i, v in enumerate(k)], d


def directional(columns: Columns, period: int) -> tuple[Line, Line, Line]:
    """Wilder's sums: the first is of period - 1 bars, each next loses a part and gains a bar.

    They begin with the first bar that moves one way: without one there is no direction.
    """
    n, ranges = len(columns.close), true_ranges(columns)
    plus, minus = [0.0] * n, [0.0] * n
    for i in range(1, n):
        up = float(columns.high[i] - columns.high[i - 1])
        down = float(columns.low[i - 1] - columns.low[i])
        plus[i] = up if up > down and up > 0 else 0.0
        minus[i] = down if down > up and down > 0 else 0.0
    begin = next((i for i in range(1, n) if plus[i] or minus[i]), n)
    dx, plus_di, minus_di = [math.nan] * n, [math.nan] * n, [math.nan] * n
    sums = [math.fsum(one[begin : begin + period - 1]) for one in (plus, minus, ranges)]
    for i in range(begin + period - 1, n):
        sums = [
            held - held / period + one[i]
            for held, one in zip(sums, (plus, minus, ranges), strict=True)
        ]
        plus_di[i], minus_di[i] = 100 * sums[0] / sums[2], 100 * sums[1] / sums[2]
        dx[i] = 100 * abs(plus_di[i] - minus_di[i]) / (plus_di[i] + minus_di[i])
    return wilder(dx, period), plus_di, minus_di


def on_balance(columns: Columns) -> Line:
    held = float(columns.volume[0])
    out = [held]
    for i in range(1, len(columns.close)):
        held += float(np.sign(columns.close[i] - columns.close[i - 1]) * columns.volume[i])
        out.append(held)
    return out


def session_vwap(columns: Columns) -> Line:
    out, traded, volume = [], 0.0, 0.0
    for i in range(len(columns.close)):
        if columns.first[i]:
            traded = volume = 0.0
        traded += float(columns.vwap[i] * columns.volume[i])
        volume += float(columns.volume[i])
        out.append(traded / volume if volume else math.nan)
    return out


def independent(columns: Columns) -> dict[str, dict[str, Line]]:
    close = [float(value) for value in columns.close]
    pairs = {
        "sma:20": (sma(close, 20),),
        "ema:20": (ema(close, 20),),
        "rsi:14": (rsi(close, 14),),
        "macd:12/26/9": macd(close, 12, 26, 9),
        "bbands:20/2": bands(close, 20, 2.0),
        "atr:14": (wilder(true_ranges(columns), 14),),
        "stoch:14/3/3": stochastic(columns, 14, 3, 3),
        "adx:14": directional(columns, 14),
        "obv": (on_balance(columns),),
        "vwap": (session_vwap(columns),),
    }
    return {
        label: dict(zip(KINDS[label.split(":")[0]].lines, lines, strict=True))
        for label, lines in pairs.items()
    }


def same(found: Floats, expected: Line, label: str) -> None:
    # The deviation of nearly equal prices loses half its digits in TA-Lib's sum of squares.
    close = 2e-4 if label.startswith("bbands") else 1e-6
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=close, err_msg=label)


@settings(max_examples=60)
@given(walks())
def test_every_indicator_is_its_authors(columns: Columns) -> None:
    for label, lines in independent(columns).items():
        found = compute(columns, wanted(label))
        for name, expected in lines.items():
            same(found[name], expected, f"{label} {name}")


def recorded(day: date) -> list[Bar]:
    """Return SPY's recorded minutes of a day, before and after hours too."""
    path = RECORDED / "spy_1min_bars" / "spy_1min_polygon_20240220_20240517.csv.gz"
    if not path.exists():
        pytest.skip(f"recorded data absent: {path.name}")
    with gzip.open(path, "rt", newline="") as file:
        return [
            Bar(
                at=datetime.fromisoformat(row["datetime"]).astimezone(UTC),
                open=Decimal(row["open"]),
                high=Decimal(row["high"]),
                low=Decimal(row["low"]),
                close=Decimal(row["close"]),
                volume=int(float(row["volume"])),
                vwap=Decimal(row["vwap"]),
                trades=int(float(row["transactions"])),
            )
            for row in csv.DictReader(file)
            if row["datetime"].startswith(day.isoformat())
        ]


@pytest.mark.parametrize("length", [1, 5, 15])
def test_every_indicator_is_its_authors_on_recorded_minutes(length: int) -> None:
    days = (date(2024, 5, 1), date(2024, 5, 2))  # the first with a statement of the Fed
    sessions = tuple(Session.regular(day) for day in days)
    minutes = [bar for day in days for bar in recorded(day)]
    assert len(minutes) > 1_500
    kept = by_session(minutes, sessions, sessions[-1].close, length)
    assert [(len(one.bars), one.missing) for one in kept] == [(-(-390 // length), 0)] * 2
    columns = Columns.of(kept)
    for label, lines in independent(columns).items():
        for name, expected in lines.items():
            same(compute(columns, wanted(label))[name], expected, f"{label} {name}")


@given(walks())
def test_what_is_not_known_yet_is_not_told(columns: Columns) -> None:
    """No line begins before its warm-up is over, whatever the prices."""
    first = {"sma": 19, "ema": 19, "rsi": 14, "macd": 33, "bbands": 19, "atr": 14, "stoch": 17}
    for name, begin in first.items():
        for line in compute(columns, wanted(name)).values():
            assert np.isnan(line[:begin]).all(), name
            assert len(line) == len(columns.close)


def test_prices_that_never_moved_have_neither_strength_nor_direction() -> None:
    flat = np.full(80, 600.0)
    first = np.arange(80) == 0
    columns = Columns(high=flat, low=flat, close=flat, volume=flat, vwap=flat, first=first)
    for name in ("rsi", "stoch", "adx"):
        for line in compute(columns, wanted(name)).values():
            assert np.isnan(line).all(), name
    assert compute(columns, wanted("atr"))["atr"][-1] == 0


def test_no_bars_make_empty_lines() -> None:
    nothing = Columns.of(())
    assert all(line.size == 0 for name in KINDS for line in compute(nothing, wanted(name)).values())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("rsi", "rsi:14"),
        (" EMA:50 ", "ema:50"),
        ("macd:5/35", "macd:5/35/9"),
        ("bbands:20/2.5", "bbands:20/2.5"),
        ("vwap", "vwap"),
    ],
)
def test_an_indicator_is_named_with_its_numbers(text: str, label: str) -> None:
    assert wanted(text).label == label


@pytest.mark.parametrize(
    "text",
    ["", "hype", "rsi:", "rsi:1", "rsi:14.5", "ema:201", "vwap:3", "macd:26/12", "bbands:20/0",
     "sma:20/3", "rsi:-3", "sma:1e9"],
)  # fmt: skip
def test_what_is_no_indicator_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(BadArgument, match="indicators: "):
        wanted(text)
