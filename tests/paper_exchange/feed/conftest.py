"""One calendar for all: it costs half a second, and is the same for everybody."""

from __future__ import annotations

import pytest

from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.synthetic import SyntheticSource


@pytest.fixture(scope="session")
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture(scope="session")
def source(calendar: Calendar) -> SyntheticSource:
    return SyntheticSource(7, calendar)
