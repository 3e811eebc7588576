"""Days on which a scheduled announcement moves the whole market, as far as they were published.

Only what a primary source announced is listed; beyond the last day a list reaches, and for what
has no list, the answer is unknown, never "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Final

from common.session import new_york

FOMC_STATEMENT: Final = time(14)  # New York; the news conference follows at 14:30
# Source: Federal Reserve Board, press releases of 9 August 2024 (2025 and 2026) and 5 September
# 2025 (2027): second day of each scheduled meeting.
FOMC_DAYS: Final = MappingProxyType(
    {
        2025: ("01-29", "03-19", "05-07", "06-18", "07-30", "09-17", "10-29", "12-10"),
        2026: ("01-28", "03-18", "04-29", "06-17", "07-29", "09-16", "10-28", "12-09"),
        2027: ("01-27", "03-17", "04-28", "06-09", "07-28", "09-15", "10-27", "12-08"),
    }
)
UNLISTED: Final = ("consumer prices", "payrolls")  # 08:30, before the open; no list is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDay:
    """What is scheduled for a day. unknown: announcements of which no list reaches the day."""

    announcements: tuple[tuple[str, datetime], ...]
    unknown: tuple[str, ...]


def events_on(day: date) -> EventDay:
    """Return the scheduled announcements of a day, and which of them are not known."""
    known = FOMC_DAYS.get(day.year)
    if known is None:
        return EventDay(announcements=(), unknown=("FOMC", *UNLISTED))
    found = f"{day:%m-%d}" in known
    statement = (("FOMC statement", new_york(day, FOMC_STATEMENT)),)
    return EventDay(announcements=statement if found else (), unknown=UNLISTED)
