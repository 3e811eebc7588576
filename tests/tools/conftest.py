"""One exchange and one desk on it for a whole module of tests.

A module says what it wants otherwise: EXCHANGE holds options of the exchange, SETTINGS of the desk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.market import PATIENT

# A stepped morning whose breakout upward tests/paper_exchange/feed pins: nothing moves unless told.
MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}


@pytest.fixture(scope="module")
def exchange(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchange]:
    options = MORNING | getattr(request.module, "EXCHANGE", {})
    with Exchange.start(tmp_path_factory.mktemp("exchange"), **options) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def desk(
    request: pytest.FixtureRequest, exchange: Exchange, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    settings = PATIENT | getattr(request.module, "SETTINGS", {})
    with Desk.start(tmp_path_factory.mktemp("state"), exchange, **settings) as desk:
        yield desk


@pytest.fixture
async def flat_after(desk: Desk, exchange: Exchange) -> AsyncIterator[None]:
    """Leave nothing held and nothing working to the next test, whatever became of this one."""
    yield
    if exchange.positions() or exchange.orders("open"):
        async with desk.client() as client:
            assert (await client.ask("flatten_all"))["flat"]
