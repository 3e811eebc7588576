"""A desk that has a person approve, on an exchange of its own, for a whole module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.desk import Desk
from tests.e2e.approving import MORNING, asking, left_clean
from tests.exchange import Exchange


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), **MORNING) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with asking(exchange, tmp_path_factory.mktemp("state")) as desk:
        yield desk


@pytest.fixture(autouse=True)
async def flat_after(desk: Desk, exchange: Exchange) -> AsyncIterator[None]:
    async with desk.client() as client:
        await client.ready()
    yield
    await left_clean(desk, exchange)
