"""Corporate actions of both hosts: the cash dividends that were declared by now.

They are announced and, as on Alpaca's paper accounts, not paid. Alpaca's documents write a
kind as "Dividend", its client reads "dividend" only: a list answers in the words it was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from operator import attrgetter
from typing import Any, Final

from common.clock import Clock
from common.session import trading_day
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, data, trading
from paper_exchange.feed.dividends import Dividend, Dividends
from paper_exchange.wire.errors import BadParameter, not_found
from paper_exchange.wire.query import Query, date_range, page_offset, page_token
from paper_exchange.wire.scalars import number, text

Json = dict[str, Any]

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000
ANNOUNCED_DAYS_MAX: Final = 90

_KINDS: Final = frozenset({"spinoff", "merger", "split", "reorg", "dividend"})
_TYPES: Final = frozenset(
    {
        "reverse_split", "forward_split", "unit_split", "cash_dividend", "stock_dividend",
        "spin_off", "cash_merger", "stock_merger", "stock_and_cash_merger", "redemption",
        "name_change", "worthless_removal", "rights_distribution", "partial_call",
        "reorganization", "capital_gains_distribution",
    }
)  # fmt: skip
_BY: Final[Mapping[str, Callable[[Dividend], date]]] = {
    "declaration_date": attrgetter("declared"),
    "ex_date": attrgetter("ex_date"),
    "record_date": attrgetter("ex_date"),
    "payable_date": attrgetter("payable"),
}
_YEARS: Final = timedelta(days=3 * 366)  # around today, in which an announcement is found by id


class CorporateActions:
    """What was declared."""

    def __init__(self, dividends: Dividends, clock: Clock) -> None:
        self._dividends, self._clock = dividends, clock

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        announcements = "/v2/corporate_actions/announcements"
        return (
            data("/v1/corporate-actions", self.corporate_actions),
            trading(announcements, GET=self.announcements),
            trading(f"{announcements}/{{id:str}}", GET=self.announcement),
        )

    async def corporate_actions(self, call: Call) -> Reply:
        """Answer GET /v1/corporate-actions: by the day they are processed, which is paid on."""
        query, today = call.query, self._today
        start, end = date_range(query, "start", "end")
        limit = query.integer("limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX)
        descending = query.choice("sort", ("asc", "desc"), "asc") == "desc"
        types = _known(query, "types", _TYPES)
        found = self._declared(start or today, end or max(start or today, today), "payable_date")
        if types and "cash_dividend" not in types:
            found = []
        found = _about(found, query)
        if descending:
            found.reverse()
        offset = page_offset(query)
        page, more = found[offset : offset + limit], offset + limit < len(found)
        return reply(
            {
                "corporate_actions": {"cash_dividends": [_action(d) for d in page]} if page else {},
                "next_page_token": page_token(str(offset + limit)) if more else None,
            }
        )

    async def announcements(self, call: Call) -> Reply:
        """Answer GET /v2/corporate_actions/announcements?ca_types=&since=&until=."""
        query = call.query
        for name in ("ca_types", "since", "until"):
            query.required(name)
        kinds = _known(query, "ca_types", _KINDS)
        since, until = date_range(query, "since", "until", ANNOUNCED_DAYS_MAX)
        by = query.choice("date_type", tuple(_BY), "ex_date")
        found = self._declared(since or self._today, until or self._today, by)
        symbol, cusip = query.text("symbol"), query.text("cusip")
        return reply(
            [
                _announcement(dividend, kinds["dividend"])
                for dividend in found
                if "dividend" in kinds
                and symbol in (None, dividend.symbol)
                and cusip in (None, dividend.cusip)
            ]
        )

    async def announcement(self, call: Call) -> Reply:
        """Answer GET of one announcement; 404 for what was not declared."""
        today = self._today
        for dividend in self._declared(today - _YEARS, today + _YEARS, "ex_date"):
            if dividend.id == call.path["id"]:
                return reply(_announcement(dividend, "dividend"))
        raise not_found("announcement not found")

    @property
    def _today(self) -> date:
        return trading_day(self._clock.now())

    def _declared(self, first: date, last: date, by: str) -> list[Dividend]:
        found = self._dividends.between(first, last, _BY[by])
        return [dividend for dividend in found if dividend.declared <= self._today]


def _known(query: Query, name: str, known: frozenset[str]) -> dict[str, str]:
    """Return the kinds asked for, as they were written; raise BadParameter for one there is not."""
    asked = {kind.lower(): kind for kind in (query.text(name) or "").split(",") if kind}
    for kind, written in asked.items():
        if kind not in known:
            raise BadParameter(f"invalid {name}: {written:.40}")
    return asked


def _about(found: list[Dividend], query: Query) -> list[Dividend]:
    """Keep what the symbols, cusips and ids asked for name."""
    wanted = {
        "symbol": set(query.symbols("symbols")),
        "cusip": set(query.symbols("cusips")),
        "id": {name.lower() for name in query.symbols("ids")},
    }
    return [
        dividend
        for dividend in found
        if all(not names or getattr(dividend, what) in names for what, names in wanted.items())
    ]


def _action(of: Dividend) -> Json:
    return {
        "cusip": of.cusip,
        "ex_date": of.ex_date.isoformat(),
        "foreign": False,
        "id": of.id,
        "payable_date": of.payable.isoformat(),
        "process_date": of.payable.isoformat(),
        "rate": number(of.rate),
        "record_date": of.ex_date.isoformat(),
        "special": False,
        "symbol": of.symbol,
    }


def _announcement(of: Dividend, kind: str) -> Json:
    return {
        "ca_sub_type": "cash",
        "ca_type": kind,
        "cash": text(of.rate),
        "corporate_action_id": f"{of.cusip}_{of.ex_date:%y%m%d}",
        "declaration_date": of.declared.isoformat(),
        "effective_date": of.ex_date.isoformat(),
        "ex_date": of.ex_date.isoformat(),
        "id": of.id,
        "initiating_original_cusip": of.cusip,
        "initiating_symbol": of.symbol,
        "new_rate": "1",
        "old_rate": "1",
        "payable_date": of.payable.isoformat(),
        "record_date": of.ex_date.isoformat(),
        "target_original_cusip": of.cusip,
        "target_symbol": of.symbol,
    }
