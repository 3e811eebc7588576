"""The job that keeps what is followed up to date, and the exchange's clock with it.

By asking again and again, not by Alpaca's streams: an account has one connection to each of
those, which belongs to whoever uses the keys besides us.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from common.clock import NS, MarketClock, WallClock
from common.errors import MarketDataMissing, Misconfigured
from common.session import trading_day
from paper_exchange.feed.live.listings import Listings
from paper_exchange.feed.live.loader import Loader
from paper_exchange.feed.live.questions import Questions
from paper_exchange.feed.live.upstream import QuestionRefused, Upstream
from paper_exchange.feed.live.wanted import Turn, Wanted

ROUND: Final = 0.5  # seconds a round takes at least
CLOCK_EVERY: Final = 5  # seconds between looks at the upstream's clock
BACK_OFF: Final = 2.0  # seconds after a failure

logger = logging.getLogger(__name__)


class Follower:
    """run() is its job; questions are asked in turns of its own."""

    def __init__(
        self,
        clock: MarketClock,
        wall: WallClock,
        listings: Listings,
        wanted: Wanted,
        loader: Loader,
        upstream: Upstream,
        questions: Questions,
    ) -> None:
        self._clock, self._wall = clock, wall
        self._listings, self._wanted, self._loader = listings, wanted, loader
        self._upstream, self._questions = upstream, questions
        self._anchored = wall.ns()
        self._failed: str | None = None

    def trouble(self) -> str | None:
        """Return why nothing new is known, None while all is well."""
        return self._upstream.trouble or self._failed

    async def run(self) -> None:
        """Follow for ever; what fails is said once, and tried again."""
        while True:
            started = self._wall.ns()
            try:
                await self._round()
                self._say(None)
                pause = ROUND - (self._wall.ns() - started) / NS
            except (MarketDataMissing, Misconfigured) as e:
                self._say(f"{e} [{e.code}]. Next: {e.remedy}")
                pause = BACK_OFF
            await asyncio.sleep(max(pause, 0.0))

    async def _round(self) -> None:
        if self._wall.ns() - self._anchored > CLOCK_EVERY * NS:
            await anchor(self._clock, self._wall, self._questions)
            self._anchored = self._wall.ns()
        today = trading_day(self._clock.now())
        await self._loader.list_contracts(self._listings.missing(today), self._questions)
        for turn in self._wanted.turns():
            await self._ask(turn)

    async def _ask(self, turn: Turn) -> None:
        """Ask for one call's symbols; one that spoils the call for the others is left out."""
        try:
            await self._loader.ask(turn, self._questions)
        except QuestionRefused as e:
            if len(turn.symbols) > 1:
                for half in turn.halves:
                    await self._ask(half)
                return
            logger.warning("%s is not followed: %s", *turn.symbols, e)
            self._wanted.drop(*turn.symbols)

    def _say(self, failed: str | None) -> None:
        if failed is not None and self._failed is None:
            logger.warning("the market stands still: %s", failed)
        elif failed is None and self._failed is not None:
            logger.info("the upstream answers again")
        self._failed = failed


async def anchor(clock: MarketClock, wall: WallClock, questions: Questions) -> None:
    """Set the exchange's clock by the upstream's; half the way there and back is added."""
    asked = wall.ns()
    told = await questions.clock()
    half = timedelta(microseconds=(wall.ns() - asked) / 2000)
    clock.anchor(told + half)
