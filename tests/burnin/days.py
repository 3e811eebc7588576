"""The days of a burn-in: what each is like, and its minutes in the exchange's recorded layout."""

from __future__ import annotations

from collections.abc import Iterator
from csv import writer
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from math import sqrt
from pathlib import Path
from random import Random

from common.session import Session, new_york
from paper_exchange.feed.calendar import Calendar

MINUTE = timedelta(minutes=1)
PRICE_AT_FIRST = 640.0
SIGMA = 0.0075  # of an ordinary day's log moves
VOLUME = 150_000
NEAR, FAR = 560.0, 720.0  # the price is turned back here, so that strikes stay of one size


class Kind(StrEnum):
    """What a day is like."""

    TREND = "trend"
    CHOP = "chop"
    GAP = "gap"
    CRASH = "crash"
    HALT = "halt"  # a limit-up limit-down pause in a falling market
    HALF_DAY = "half day"
    FEED_LOSS = "feed loss"
    BROKER_ERRORS = "broker errors"


_ROUND = (
    Kind.TREND,
    Kind.BROKER_ERRORS,
    Kind.CHOP,
    Kind.CRASH,
    Kind.HALT,
    Kind.GAP,
    Kind.FEED_LOSS,
    Kind.TREND,
    Kind.CHOP,
    Kind.GAP,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One session and what it is like. trouble: when a halt, a crash or a fault begins."""

    kind: Kind
    session: Session
    trouble: datetime

    @property
    def day(self) -> date:
        """The date."""
        return self.session.day


def days_of(first: date, count: int) -> tuple[Day, ...]:
    """Return consecutive sessions, each kind in its turn; an early close is a half day."""
    sessions = [s for s in Calendar().all if s.day >= first][:count]
    return tuple(
        Day(
            kind=Kind.HALF_DAY if session.early else _ROUND[number % len(_ROUND)],
            session=session,
            trouble=new_york(session.day, time(11, 30)),
        )
        for number, session in enumerate(sessions)
    )


def record(folder: Path, days: tuple[Day, ...], seed: int) -> None:
    """Write a recording of the days: a folder each, with minutes of SPY and its pauses."""
    price = PRICE_AT_FIRST
    for day in days:
        place = folder / day.day.isoformat()
        place.mkdir(parents=True)
        rows = list(_minutes(day, price, Random(f"{seed} {day.day}")))
        price = float(rows[-1][4])
        _table(place / "SPY.bars.csv", ("at", "open", "high", "low", "close", "volume"), rows)
        if day.kind is Kind.HALT:
            start, end = day.trouble, day.trouble + 10 * MINUTE
            pause = ("SPY", start.isoformat(), end.isoformat(), "luld")
            _table(place / "halts.csv", ("symbol", "start", "end", "kind"), [pause])


def _minutes(day: Day, price: float, choice: Random) -> Iterator[tuple[str, ...]]:
    count = round((day.session.close - day.session.open) / MINUTE)
    step = SIGMA / sqrt(390)
    lean = -1.0 if price > FAR else 1.0 if price < NEAR else choice.choice((-1.0, 1.0))
    if day.kind is Kind.GAP:
        price *= 1 + lean * choice.uniform(0.010, 0.018)
    anchor = price
    for minute in range(count):
        at = day.session.open + minute * MINUTE
        begin, move = price, choice.gauss(0.0, step)
        if day.kind is Kind.TREND:
            move += lean * 1.4 * SIGMA / count
        if day.kind is Kind.CHOP:
            move += 0.08 * (anchor - price) / price
        since = (at - day.trouble) / MINUTE
        if day.kind is Kind.CRASH and 0 <= since < 25:
            move -= 0.0014 + abs(choice.gauss(0.0, step))
        if day.kind is Kind.HALT and -8 <= since < 0:
            move -= 0.0025
        price = begin * (1 + move)
        high = max(begin, price) * (1 + abs(choice.gauss(0.0, step)) / 3)
        low = min(begin, price) * (1 - abs(choice.gauss(0.0, step)) / 3)
        if day.kind is Kind.HALT and 0 <= since < 10:
            price = begin
            continue  # nothing prints in a pause
        volume = int(VOLUME * choice.uniform(0.4, 1.8))
        yield (at.isoformat(), *(f"{p:.2f}" for p in (begin, high, low, price)), str(volume))


def _table(path: Path, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="") as file:
        table = writer(file)
        table.writerow(names)
        table.writerows(rows)
