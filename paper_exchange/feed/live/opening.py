"""Opening an upstream: the keys are tried, the stocks listed, the job that follows started."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.clock import Clock, MarketClock, MonotonicClock, WallClock
from common.errors import MarketDataMissing, Misconfigured
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.live.access import Access
from paper_exchange.feed.live.board import Board
from paper_exchange.feed.live.budget import Budget
from paper_exchange.feed.live.follower import Follower, anchor
from paper_exchange.feed.live.listings import Listings
from paper_exchange.feed.live.loader import Loader
from paper_exchange.feed.live.questions import Questions
from paper_exchange.feed.live.source import LiveSource
from paper_exchange.feed.live.upstream import Upstream, UpstreamDown
from paper_exchange.feed.live.wanted import Wanted

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveMarket:
    """A market passed through, and its clock: the upstream's."""

    source: LiveSource
    clock: Clock


@asynccontextmanager
async def open_live(access: Access, calendar: Calendar) -> AsyncIterator[LiveMarket]:
    """Follow an upstream for as long as the block runs.

    Raises Misconfigured for keys it refuses, and when it cannot be asked.
    """
    upstream = await asyncio.to_thread(Upstream, access)
    try:
        market, follower = await _opened(upstream, access, calendar)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(follower.run(), name="upstream")
            yield market
            job.cancel()
    finally:
        upstream.close()


async def _opened(
    upstream: Upstream, access: Access, calendar: Calendar
) -> tuple[LiveMarket, Follower]:
    wall = MonotonicClock()
    budget = Budget(wall, access.requests_per_minute)

    async def ask() -> None:
        if upstream.trouble is not None:  # the follower goes on trying, nobody else waits for it
            raise UpstreamDown(upstream.trouble)
        await budget.ask()

    asked = Questions(upstream, access, ask)
    polled = Questions(upstream, access, budget.poll)
    clock, listings = await _greeted(asked, wall)
    board = Board(calendar, samples_are_final=access.stock_feed == "sip")
    wanted = Wanted(wall)
    loader = Loader(calendar, clock, board, listings, asked)
    follower = Follower(clock, wall, listings, wanted, loader, upstream, polled)
    source = LiveSource(access, calendar, board, listings, wanted, loader, follower)
    logger.info("passing through %s from %s", source.name, access.data_url)
    return LiveMarket(source, clock), follower


async def _greeted(questions: Questions, wall: WallClock) -> tuple[MarketClock, Listings]:
    """Return the upstream's time and its stocks; Misconfigured when it does not answer."""
    try:
        clock = MarketClock(wall, await questions.clock())
        await anchor(clock, wall, questions)
        listings = Listings(await questions.assets())
    except MarketDataMissing as e:
        raise Misconfigured(
            f"the upstream cannot be asked: {e}",
            remedy="check --upstream-url and --upstream-data-url, and that it is up",
        ) from None
    if not listings.assets:
        raise Misconfigured(
            "the upstream lists no stock that can be traded",
            remedy="check --upstream-url: it must be the trading API's root",
        )
    return clock, listings
