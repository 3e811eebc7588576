"""The list of what happened to an account, page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from common.clock import Clock
from common.session import trading_day
from paper_exchange.api.activity_pages import Page, page
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.venue.venue import Venue
from paper_exchange.wire.activities import Activity
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.query import Query

PAGE_MAX: Final = 100

# What Alpaca's names look like; those that cannot happen here list nothing.
_TYPE: Final = re.compile(r"[A-Z]{2,8}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFilter:
    """Which entries a listing shows."""

    types: frozenset[str]
    category: str | None
    order_id: str | None
    day: date | None
    after: datetime | None
    until: datetime | None

    @classmethod
    def of(cls, query: Query, kind: str | None) -> ActivityFilter:
        """Read the filters; kind is the type a path names. Raises BadParameter."""
        named = query.symbols("activity_types") if kind is None else (kind.upper(),)
        category = query.text("category")
        if named and category:
            raise BadParameter("activity_types and category are mutually exclusive")
        for name in named:
            if not _TYPE.fullmatch(name):
                raise BadParameter(f"invalid activity type: {name:.40}")
        if category:
            query.choice("category", ("trade_activity", "non_trade_activity"), "")
        return cls(
            types=frozenset(named),
            category=category and category.lower(),
            order_id=query.text("order_id"),
            day=query.day("date"),
            after=query.instant("after"),
            until=query.instant("until"),
        )

    def days(self) -> tuple[date | None, date | None]:
        """Return the first and the last day that may have any, None where there is no bound."""
        if self.day is not None:
            return self.day, self.day
        return (
            None if self.after is None else trading_day(self.after),
            None if self.until is None else trading_day(self.until),
        )

    def admits(self, activity: Activity) -> bool:
        """Whether an entry passes every filter."""
        return (
            (not self.types or activity.kind in self.types)
            and (self.category is None or activity.is_trade == (self.category == "trade_activity"))
            and (self.order_id is None or activity.order_id == self.order_id)
            and (self.day is None or trading_day(activity.at) == self.day)
            and (self.after is None or activity.at > self.after)
            and (self.until is None or activity.at < self.until)
        )


class Activities:
    """The activity paths of the trading host."""

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            trading("/v2/account/activities", GET=self.listing),
            trading("/v2/account/activities/{kind:str}", GET=self.listing),
        )

    async def listing(self, call: Call) -> Reply:
        """Answer GET /v2/account/activities[/{type}]; page_token is the last id seen."""
        query = call.query
        wanted = ActivityFilter.of(query, call.path.get("kind"))
        limit = query.integer("page_size", PAGE_MAX, low=1, high=PAGE_MAX)
        newest_first = query.choice("direction", ("asc", "desc"), "desc") == "desc"
        asked = Page(limit, newest_first, query.text("page_token"))
        history = await self._venue.history(call.account)
        now = self._clock.now()

        def shown(activity: Activity) -> bool:
            return wanted.admits(activity) and activity.is_reported(now)

        return reply(page(history.movements, shown, asked, *wanted.days()))
