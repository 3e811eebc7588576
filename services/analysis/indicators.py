"""Technical indicators by TA-Lib, on bars that were traded; what is not known yet is NaN.

TA-Lib is imported at the first call, in whatever thread that is. Smoothed indicators (EMA, RSI,
MACD, ATR, ADX) begin with a plain mean of their first period, as Wilder and TA-Lib do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from common.errors import BadArgument
from common.pricing.normal import Floats
from services.analysis.bars import SessionBars

PERIOD_MAX: Final = 200  # bars
Numbers: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Bars as arrays of one length, by rising time. first: whether a bar begins a session."""

    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    vwap: Floats
    first: NDArray[np.bool_]

    @classmethod
    def of(cls, sessions: Iterable[SessionBars]) -> Columns:
        """Return the columns of sessions' bars."""
        rows = [(bar, index == 0) for one in sessions for index, bar in enumerate(one.bars)]

        def column(name: str) -> Floats:
            return np.array([float(getattr(bar, name)) for bar, _ in rows], dtype=np.float64)

        return cls(
            high=column("high"),
            low=column("low"),
            close=column("close"),
            volume=column("volume"),
            vwap=column("vwap"),
            first=np.array([first for _, first in rows], dtype=np.bool_),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One indicator with its numbers. label: as it was asked for, defaults filled in."""

    name: str
    numbers: Numbers

    @property
    def label(self) -> str:
        """The indicator as it can be asked for: "macd:12/26/9"."""
        told = "/".join(f"{number:g}" for number in self.numbers)
        return f"{self.name}:{told}" if told else self.name


@dataclass(frozen=True, slots=True)
class _Kind:
    """An indicator: what it is computed with, its numbers' defaults, and its lines."""

    compute: Callable[[Columns, Numbers], tuple[Floats, ...]]
    defaults: Numbers
    lines: tuple[str, ...]


def wanted(text: str) -> Wanted:
    """Return the indicator a text names: "rsi", "ema:50", "macd:12/26/9", "bbands:20/2.5".

    Raises BadArgument for an unknown name, too many numbers, or a period outside 2 to 200.
    """
    matched = re.fullmatch(
        r"([a-z]+)(?::(\d+(?:\.\d+)?(?:/\d+(?:\.\d+)?)*))?", text.strip().lower()
    )
    kind = KINDS.get(matched[1]) if matched else None
    if matched is None or kind is None:
        raise BadArgument(
            f"indicators: {text[:40]!r} is none of {', '.join(KINDS)}",
            remedy='write a name, or a name with its numbers, such as "ema:50" or "macd:12/26/9"',
        )
    given = tuple(float(part) for part in matched[2].split("/")) if matched[2] else ()
    if len(given) > len(kind.defaults):
        raise BadArgument(f"indicators: {matched[1]} takes {len(kind.defaults)} numbers at most")
    found = Wanted(name=matched[1], numbers=given + kind.defaults[len(given) :])
    _check(found)
    return found


def compute(columns: Columns, one: Wanted) -> Mapping[str, Floats]:
    """Return an indicator's lines by name, each as long as the columns, NaN while warming up."""
    kind = KINDS[one.name]
    if not columns.close.size:
        return {line: np.empty(0) for line in kind.lines}
    return dict(zip(kind.lines, kind.compute(columns, one.numbers), strict=True))


def _check(one: Wanted) -> None:
    deviations = one.name == "bbands"
    for at, number in enumerate(one.numbers):
        if deviations and at == 1:
            if not 0.1 <= number <= 10:
                raise BadArgument("indicators: bbands takes 0.1 to 10 deviations")
        elif number != int(number) or not (1 if one.name == "stoch" else 2) <= number <= PERIOD_MAX:
            raise BadArgument(f"indicators: a period of {one.name} is 2 to {PERIOD_MAX} bars")
    if one.name == "macd" and one.numbers[0] >= one.numbers[1]:
        raise BadArgument("indicators: macd's first period must be shorter than its second")


def _sma(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    import talib

    return (talib.SMA(columns.close, int(numbers[0])),)


def _ema(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    import talib

    return (talib.EMA(columns.close, int(numbers[0])),)


def _rsi(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    import talib

    moved = np.cumsum(np.abs(np.diff(columns.close, prepend=columns.close[:1])))
    return (_where(moved > 0, talib.RSI(columns.close, int(numbers[0]))),)


def _macd(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    import talib

    fast, slow, signal = (int(number) for number in numbers)
    return talib.MACD(columns.close, fast, slow, signal)


def _bbands(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    import talib

    return talib.BBANDS(columns.close, int(numbers[0]), numbers[1], numbers[1])


def _atr(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    import talib

    return (talib.ATR(columns.high, columns.low, columns.close, int(numbers[0])),)


def _stoch(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    import talib

    look, smooth, signal = (int(number) for number in numbers)
    k, d = talib.STOCH(
        columns.high,
        columns.low,
        columns.close,
        fastk_period=look,
        slowk_period=smooth,
        slowd_period=signal,
    )
    flat = _rolling(columns.high, look, np.max) == _rolling(columns.low, look, np.min)
    over_k = _rolling(flat, smooth, np.any)
    return _where(~over_k, k), _where(~_rolling(over_k, signal, np.any), d)


def _adx(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    """Begin where prices first move one way: before that there is no direction to measure."""
    import talib

    up, down = np.diff(columns.high), -np.diff(columns.low)
    moves = np.flatnonzero((np.maximum(up, down) > 0) & (up != down))
    start = int(moves[0]) if moves.size else columns.close.size - 1
    prices = columns.high[start:], columns.low[start:], columns.close[start:]
    return tuple(
        np.concatenate((np.full(start, np.nan), line(*prices, int(numbers[0]))))
        for line in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)
    )


def _obv(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    import talib

    return (talib.OBV(columns.close, columns.volume),)


def _vwap(columns: Columns, numbers: Numbers) -> tuple[Floats, ...]:
    """Return the volume-weighted average since each session's open, of the bars' own averages."""
    session = np.cumsum(columns.first) - 1
    starts = np.flatnonzero(columns.first)
    traded, volume = np.cumsum(columns.vwap * columns.volume), np.cumsum(columns.volume)
    before = np.concatenate(([0.0], traded))[starts], np.concatenate(([0.0], volume))[starts]
    with np.errstate(invalid="ignore", divide="ignore"):
        since = (traded - before[0][session]) / (volume - before[1][session])
    return (np.asarray(since),)


def _where(known: NDArray[np.bool_], values: Floats) -> Floats:
    """Return values, NaN where they say nothing: TA-Lib tells 0 of prices that never moved."""
    return np.asarray(np.where(known, values, np.nan))


def _rolling(values: NDArray[Any], length: int, over: Callable[..., Any]) -> NDArray[Any]:
    """Return a statistic of the last so many values, of fewer at the start."""
    padded = np.concatenate((np.repeat(values[:1], length - 1), values))
    return np.asarray(over(np.lib.stride_tricks.sliding_window_view(padded, length), axis=1))


KINDS: Final[Mapping[str, _Kind]] = MappingProxyType(
    {
        "sma": _Kind(_sma, (20,), ("sma",)),
        "ema": _Kind(_ema, (20,), ("ema",)),
        "rsi": _Kind(_rsi, (14,), ("rsi",)),
        "macd": _Kind(_macd, (12, 26, 9), ("macd", "signal", "histogram")),
        "bbands": _Kind(_bbands, (20, 2), ("upper", "middle", "lower")),
        "atr": _Kind(_atr, (14,), ("atr",)),
        "vwap": _Kind(_vwap, (), ("vwap",)),
        "stoch": _Kind(_stoch, (14, 3, 3), ("k", "d")),
        "adx": _Kind(_adx, (14,), ("adx", "plus_di", "minus_di")),
        "obv": _Kind(_obv, (), ("obv",)),
    }
)
