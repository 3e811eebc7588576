"""One exchange for the tests that only look, or that clean up after themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exchange import Exchange


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), clock="stepped", at="10:05") as found:
        yield found
