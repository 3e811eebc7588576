"""Pauses grow to a ceiling, jittered, and start over when told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ops.backoff import Backoff


@given(first=st.floats(0.01, 2), tries=st.integers(1, 40))
def test_each_pause_lies_between_half_and_all_of_a_doubling(first: float, tries: int) -> None:
    backoff = Backoff(first, 30)
    for number in range(tries):
        whole = min(first * 2**number, 30)
        assert whole / 2 <= backoff.delay() <= whole


def test_it_starts_over_and_slows_down_when_told() -> None:
    backoff = Backoff(1, 30)
    backoff.slow_down()
    assert backoff.delay() >= 15
    backoff.reset()
    assert backoff.delay() <= 1
