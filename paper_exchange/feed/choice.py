"""Which market an exchange shows, opened from what its command was given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

from common.clock import Clock, SystemClock
from common.errors import Misconfigured
from paper_exchange.feed.calendar import RECORDED_FIRST, Calendar
from paper_exchange.feed.dividends import PAYERS, Dividends
from paper_exchange.feed.live.access import Access
from paper_exchange.feed.recording import Recording
from paper_exchange.feed.replay import ReplaySource
from paper_exchange.feed.source import Source
from paper_exchange.feed.synthetic import SyntheticSource
from paper_exchange.feed.treasuries import TREASURIES, Treasuries

# Prices depend on the day, so a fixed one makes a seed repeatable.
FIRST_DAY: Final = date(2026, 11, 20)


class FeedKind(StrEnum):
    """Where prices come from."""

    SYNTHETIC = "synthetic"
    REPLAY = "replay"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Feed:
    """A market, its sessions, the day a clock of ours starts on, and what time it really is.

    Dividends and bonds belong to the synthetic market only: none were recorded, and those of a
    live one are not passed through.
    """

    source: Source
    calendar: Calendar
    day: date
    dividends: Dividends
    treasuries: Treasuries
    clock: Clock = field(default_factory=SystemClock)

    @classmethod
    def bare(cls, source: Source, calendar: Calendar, day: date, clock: Clock) -> Feed:
        """Return a market that announces no dividends and lists no bonds."""
        nothing = Dividends({}, calendar), Treasuries((), calendar, 0)
        return cls(source, calendar, day, *nothing, clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a feed is opened with; each kind takes what is its own and refuses the rest."""

    kind: FeedKind
    seed: int
    recording: Path | None
    day: date | None
    upstream: Access | None


@asynccontextmanager
async def open_feed(wish: Wish) -> AsyncIterator[Feed]:
    """Have the market asked for while the block runs; Misconfigured when it cannot be had.

    day None is FIRST_DAY, or the first recorded one. Files are read here, at the start.
    """
    if wish.recording is not None and wish.kind is not FeedKind.REPLAY:
        raise Misconfigured(
            "--recording is for --feed replay", remedy="give --feed replay, or leave it out"
        )
    if wish.kind is FeedKind.LIVE:
        from paper_exchange.feed.live.opening import open_live  # slow, and only this feed needs it

        calendar = Calendar()
        async with open_live(_access(wish), calendar) as market:
            yield Feed.bare(market.source, calendar, FIRST_DAY, market.clock)
    elif wish.kind is FeedKind.REPLAY:
        yield _replayed(wish)
    else:
        calendar = Calendar()
        yield Feed(
            SyntheticSource(wish.seed, calendar),
            calendar,
            wish.day or FIRST_DAY,
            Dividends(PAYERS, calendar),
            Treasuries(TREASURIES, calendar, wish.seed),
        )


def _access(wish: Wish) -> Access:
    if wish.upstream is None:
        raise Misconfigured(
            "--feed live needs the keys of an Alpaca account",
            remedy="set PAPER_EXCHANGE_UPSTREAM_KEY and PAPER_EXCHANGE_UPSTREAM_SECRET, "
            "or choose --feed synthetic",
        )
    if wish.day is not None:
        raise Misconfigured("a live market has no --day to choose", remedy="leave it out")
    return wish.upstream


def _replayed(wish: Wish) -> Feed:
    if wish.recording is None:
        raise Misconfigured("--feed replay has nothing to replay", remedy="give --recording FOLDER")
    calendar = Calendar(RECORDED_FIRST)
    recorded = Recording.open(wish.recording, calendar)
    days = list(recorded.days)
    if wish.day is not None and wish.day not in recorded.days:
        raise Misconfigured(
            f"{wish.day} was not recorded", remedy=f"choose a --day of {days[0]} to {days[-1]}"
        )
    source = ReplaySource(wish.seed, calendar, recorded)
    return Feed.bare(source, calendar, wish.day or days[0], SystemClock())
