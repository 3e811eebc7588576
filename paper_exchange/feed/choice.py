"""Which market an exchange shows, opened from what its command was given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

from common.errors import Misconfigured
from paper_exchange.feed.calendar import RECORDED_FIRST, Calendar
from paper_exchange.feed.recording import Recording
from paper_exchange.feed.replay import ReplaySource
from paper_exchange.feed.source import Source
from paper_exchange.feed.synthetic import SyntheticSource

# Prices depend on the day, so a fixed one makes a seed repeatable.
FIRST_DAY: Final = date(2026, 11, 20)


class FeedKind(StrEnum):
    """Where prices come from."""

    SYNTHETIC = "synthetic"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Feed:
    """A market, its sessions, and the day a clock of ours starts on."""

    source: Source
    calendar: Calendar
    day: date


def open_feed(kind: FeedKind, *, seed: int, recording: Path | None, day: date | None) -> Feed:
    """Open the market asked for; Misconfigured when it cannot be had.

    day None is FIRST_DAY, or the first recorded one. Files are read here, at the start.
    """
    if kind is FeedKind.SYNTHETIC:
        if recording is not None:
            raise Misconfigured(
                "--recording is for --feed replay", remedy="give --feed replay, or leave it out"
            )
        calendar = Calendar()
        return Feed(SyntheticSource(seed, calendar), calendar, day or FIRST_DAY)
    if recording is None:
        raise Misconfigured("--feed replay has nothing to replay", remedy="give --recording FOLDER")
    calendar = Calendar(RECORDED_FIRST)
    recorded = Recording.open(recording, calendar)
    days = list(recorded.days)
    if day is not None and day not in recorded.days:
        raise Misconfigured(
            f"{day} was not recorded", remedy=f"choose a --day of {days[0]} to {days[-1]}"
        )
    return Feed(ReplaySource(seed, calendar, recorded), calendar, day or days[0])
