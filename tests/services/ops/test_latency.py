"""Times read back from histograms lie in the bucket that the true ones lie in."""

from __future__ import annotations

from bisect import bisect_left
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ops.latency import latencies
from services.ops.metrics import FAST, Metrics


@given(st.lists(st.floats(0, 9.9), min_size=1, max_size=60))
def test_count_and_mean_are_exact_and_quantiles_are_within_their_bucket(seen: list[float]) -> None:
    metrics = Metrics()
    for seconds in seen:
        metrics.tool.labels(tool="a", result="ok").observe(seconds)
    [found] = latencies(metrics.tool)
    assert (found.count, dict(found.labels)) == (len(seen), {"tool": "a", "result": "ok"})
    assert found.mean == pytest.approx(fmean(seen))
    ordered = sorted(seen)
    for share, told in ((0.50, found.p50), (0.95, found.p95)):
        true = ordered[max(-(-len(seen) * round(share * 100) // 100) - 1, 0)]
        upper = FAST[bisect_left(FAST, true)]
        lower = FAST[bisect_left(FAST, true) - 1] if true > FAST[0] else 0.0
        assert told is not None
        assert lower <= told <= upper + 1e-12


def test_what_took_longer_than_any_bucket_is_unknown() -> None:
    metrics = Metrics()
    metrics.preview.observe(60)
    [found] = latencies(metrics.preview)
    assert (found.p50, found.p95, found.mean) == (None, None, 60)


def test_what_was_never_measured_is_not_there() -> None:
    assert list(latencies(Metrics().tool)) == []
    assert list(latencies(Metrics().preview)) == []
