"""One line of the benchmark table: a measurement, its range, its target."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The median of repeated runs, with their range. at_least and at_most are targets."""

    what: str
    median: float
    low: float
    high: float
    unit: str
    runs: int
    note: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @classmethod
    def of(
        cls,
        what: str,
        values: Sequence[float],
        unit: str,
        note: str = "",
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> Row:
        """Summarise one value a run."""
        return cls(
            what=what,
            median=statistics.median(values),
            low=min(values),
            high=max(values),
            unit=unit,
            runs=len(values),
            note=note,
            at_least=at_least,
            at_most=at_most,
        )

    @property
    def met(self) -> bool | None:
        """Whether the median meets the target; None without one."""
        if self.at_least is not None:
            return self.median >= self.at_least
        if self.at_most is not None:
            return self.median <= self.at_most
        return None

    @property
    def target(self) -> str:
        """The target as text, empty without one."""
        if self.at_least is not None:
            return f">= {number(self.at_least)} {self.unit}"
        if self.at_most is not None:
            return f"<= {number(self.at_most)} {self.unit}"
        return ""

    @property
    def verdict(self) -> str:
        """One word about the target, empty without one."""
        return {None: "", True: "met", False: "MISSED"}[self.met]

    def saying(self, note: str) -> Row:
        """Return the row with more in its note."""
        return replace(self, note="; ".join(filter(None, (self.note, note))))

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON types."""
        return asdict(self)


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Divide run by run: both sides of a run had the same machine."""
    return [a / b for a, b in zip(over, under, strict=True)]


def percentile(values: Sequence[float], at: float) -> float:
    """Return the nearest-rank percentile, at between 0 and 1."""
    ordered = sorted(values)
    return ordered[max(math.ceil(at * len(ordered)) - 1, 0)]


def number(value: float) -> str:
    """Write a measurement with three significant digits or more."""
    if value == int(value) and abs(value) < 1000:
        return str(int(value))
    if abs(value) < 0.01:
        return f"{value:.1e}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) < 10 else f"{value:.1f}"
