"""How long things took, read back from the histograms that are scraped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from prometheus_client import Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """One series since the start, seconds. p50 and p95 are where in its bucket, by even spread.

    None where it lies beyond the last bucket, and cannot be told.
    """

    labels: Mapping[str, str]
    count: int
    mean: float
    p50: float | None
    p95: float | None


def latencies(histogram: Histogram) -> Iterator[Latency]:
    """Yield each series of a histogram that has any observation."""
    series: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    for metric in histogram.collect():
        for sample in metric.samples:
            labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            if sample.name.endswith("_bucket"):
                series.setdefault(labels, {})[float(sample.labels["le"])] = sample.value
            elif sample.name.endswith("_sum"):
                sums[labels] = sample.value
    for labels, buckets in series.items():
        if count := buckets[inf]:
            yield Latency(
                labels=dict(labels),
                count=int(count),
                mean=sums[labels] / count,
                p50=_quantile(buckets, 0.50),
                p95=_quantile(buckets, 0.95),
            )


def _quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Return where a share of the observations ends, spread evenly within its bucket."""
    wanted = share * buckets[inf]
    lower, below = 0.0, 0.0
    for upper in sorted(buckets):
        within = buckets[upper] - below
        if buckets[upper] >= wanted and within:
            return None if upper == inf else lower + (upper - lower) * (wanted - below) / within
        lower, below = upper, buckets[upper]
    return None
