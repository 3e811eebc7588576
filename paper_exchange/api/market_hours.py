"""Clock and calendar, third version: by market, with the hours before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Final, NamedTuple

from common.clock import Clock
from common.session import NEW_YORK, Session, new_york, trading_day
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.feed.calendar import FIRST_DAY, LAST_DAY, Calendar
from paper_exchange.wire.errors import BadParameter, not_found

Json = dict[str, Any]

_PRE: Final = time(4)
_POST: Final = time(20)
_MARKETS: Mapping[str, Json] = {
    "NYSE": {"acronym": "NYSE", "mic": "XNYS", "name": "New York Stock Exchange"},
    "NASDAQ": {"acronym": "NASDAQ", "mic": "XNAS", "name": "Nasdaq Stock Market"},
}
_DAYS_DEFAULT: Final = timedelta(days=7)


class Stretch(NamedTuple):
    """A phase of the market and when it ends."""

    phase: str
    until: datetime


class MarketHours:
    """The v3 clock and calendar of the trading host."""

    def __init__(self, clock: Clock, calendar: Calendar) -> None:
        self._clock = clock
        self._calendar = calendar

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            trading("/v3/clock", GET=self.clock),
            trading("/v3/calendar/{market:str}", GET=self.calendar),
        )

    async def clock(self, call: Call) -> Reply:
        """Answer GET /v3/clock?markets=&time=."""
        names = call.query.symbols("markets") or tuple(_MARKETS)
        at = call.query.instant("time") or self._clock.now()
        if not FIRST_DAY < trading_day(at) < LAST_DAY:
            raise BadParameter(f"invalid time: must be between {FIRST_DAY} and {LAST_DAY}")
        return reply({"clocks": [self._shown(name, at) for name in names]})

    async def calendar(self, call: Call) -> Reply:
        """Answer GET /v3/calendar/{market}?start=&end=, a week from today by default."""
        market = _market(call.path["market"].upper())
        query = call.query
        start = max(query.day("start") or trading_day(self._clock.now()), FIRST_DAY)
        end = min(query.day("end") or start + _DAYS_DEFAULT, LAST_DAY)
        zone = UTC if query.text("timezone") else NEW_YORK
        if query.text("timezone"):
            query.choice("timezone", ("utc",), "")
        sessions = self._calendar.sessions(start, end)
        return reply({"calendar": [self._day(session, zone) for session in sessions], **market})

    def _shown(self, name: str, at: datetime) -> Json:
        day = trading_day(at)
        stretch = self._stretch(at)
        return {
            "is_market_day": self._calendar.session(day) is not None,
            "next_market_close": _local(self._next(at, opens=False)),
            "next_market_open": _local(self._next(at, opens=True)),
            "phase": stretch.phase,
            "phase_until": _local(stretch.until),
            "timestamp": _local(at),
            **_market(name),
        }

    def _stretch(self, at: datetime) -> Stretch:
        for session in self._around(at):
            pre, post = (new_york(session.day, moment) for moment in (_PRE, _POST))
            for phase, until in (
                ("closed", pre),
                ("pre", session.open),
                ("core", session.close),
                ("post", post),
            ):
                if at < until:
                    return Stretch(phase, until)
        raise BadParameter("invalid time")

    def _next(self, at: datetime, *, opens: bool) -> datetime:
        moments = (one.open if opens else one.close for one in self._around(at))
        return next(moment for moment in moments if moment > at)

    def _around(self, at: datetime) -> Iterator[Session]:
        """Yield the session of a day, or the next one, and the two after it."""
        session = self._calendar.on_or_after(trading_day(at))
        for _ in range(3):
            yield session
            session = self._calendar.next_session(session.day)

    def _day(self, session: Session, zone: tzinfo) -> Json:
        pre, post = (new_york(session.day, moment) for moment in (_PRE, _POST))
        shown = {
            "core_end": session.close,
            "core_start": session.open,
            "post_end": post,
            "post_start": session.close,
            "pre_end": session.open,
            "pre_start": pre,
        }
        return {
            "date": session.day.isoformat(),
            **{name: at.astimezone(zone).isoformat() for name, at in shown.items()},
        }


def _market(name: str) -> Json:
    found = _MARKETS.get(name)
    if found is None:
        raise not_found(f"market not found: {name:.20}, served are {', '.join(_MARKETS)}")
    return {"market": {**found, "timezone": NEW_YORK.key}}


def _local(at: datetime) -> str:
    return at.astimezone(NEW_YORK).isoformat()
