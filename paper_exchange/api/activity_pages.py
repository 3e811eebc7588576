"""An account's entries day by day, and no more of them than a page needs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from typing import Final, NamedTuple

from common.session import NEW_YORK, new_york, trading_day
from paper_exchange.engine.events import Event, OrderFilled
from paper_exchange.engine.orders import OrderState
from paper_exchange.wire.activities import Activity, Json, activities, fee_activities
from paper_exchange.wire.errors import BadParameter

Movements = Sequence[tuple[Event, OrderState | None]]

_DAY: Final = timedelta(days=1)
_STAMP: Final = "%Y%m%d%H%M%S%f"


class Page(NamedTuple):
    """Which part of a listing is wanted: the entries after the one that a token names."""

    limit: int
    newest_first: bool
    token: str | None


def page(
    movements: Movements,
    wanted: Callable[[Activity], bool],
    page: Page,
    since: date | None,
    until: date | None,
) -> list[Json]:
    """Return a page of the entries wanted, of days since to until; raise BadParameter.

    movements: oldest first.
    """
    if page.token is None:
        entries = _entries(movements, page.newest_first, since, until)
        return [entry.show() for entry in islice(filter(wanted, entries), page.limit)]
    stamp = _stamp(page.token)
    day = stamp.date()
    if page.newest_first:
        until = day if until is None else min(day, until)
    else:
        since = day if since is None else max(day, since)
    entries = _entries(movements, page.newest_first, since, until)
    for entry in entries:
        told = entry.stamp.astimezone(NEW_YORK).replace(tzinfo=None) - stamp
        if timedelta() <= told < timedelta(milliseconds=1) and entry.show()["id"] == page.token:
            return [entry.show() for entry in islice(filter(wanted, entries), page.limit)]
    raise BadParameter("invalid page_token")


def _entries(
    movements: Movements, newest_first: bool, since: date | None, until: date | None
) -> Iterator[Activity]:
    """Yield the entries of some days in order, the fees of each day at its end."""
    low = 0 if since is None else _place(movements, since)
    high = len(movements) if until is None else _place(movements, until + _DAY)
    while low < high:
        if newest_first:
            start, end = _place(movements, trading_day(movements[high - 1][0].at)), high
            high = start
        else:
            start, end = low, _place(movements, trading_day(movements[low][0].at) + _DAY)
            low = end
        yield from _day(movements[start:end], newest_first)


def _day(movements: Movements, newest_first: bool) -> Iterator[Activity]:
    fills = (event for event, _ in reversed(movements) if isinstance(event, OrderFilled))
    last = next(fills, None)
    fees = () if last is None else tuple(fee_activities(last))
    if newest_first:
        moved = (
            entry
            for event, order in reversed(movements)
            for entry in reversed(tuple(activities(event, order)))
        )
        return chain(reversed(fees), moved)
    return chain((e for event, order in movements for e in activities(event, order)), fees)


def _place(movements: Movements, day: date) -> int:
    """Return the place of the first movement of a day, or of the next one that has any."""
    return bisect_left(movements, new_york(day, time.min), key=lambda moved: moved[0].at)


def _stamp(token: str) -> datetime:
    """Return the time an id tells, New York's, to the millisecond."""
    try:
        # an id has no zone, and an hour that comes twice is told by the same digits
        return datetime.strptime(token.partition("::")[0] + "000", _STAMP)  # noqa: DTZ007
    except ValueError:
        raise BadParameter("invalid page_token") from None
