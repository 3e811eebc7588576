"""Clock, calendar, assets and option contracts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from common.clock import Clock
from common.contracts import AssetClass, OptionContract
from common.session import Session, trading_day
from paper_exchange.api.closes import Closes
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.feed.calendar import FIRST_DAY, LAST_DAY, Calendar
from paper_exchange.feed.source import Listed, Source
from paper_exchange.wire import reference as wire
from paper_exchange.wire.contracts import ContractFilter
from paper_exchange.wire.errors import not_found
from paper_exchange.wire.query import Query, page_offset, page_token
from paper_exchange.wire.scalars import asset_id, position_symbol

CONTRACTS_DEFAULT: Final = 100
CONTRACTS_MAX: Final = 10_000


class Reference:
    """What is listed, and when it trades."""

    def __init__(self, source: Source, clock: Clock, calendar: Calendar) -> None:
        self._source = source
        self._clock = clock
        self._calendar = calendar
        self._closes = Closes(source, calendar)
        self._assets = {asset.symbol: asset for asset in source.assets()}
        self._by_name = {
            name: asset
            for asset in source.assets()
            for name in (asset.symbol, position_symbol(asset.symbol), asset_id(asset.symbol))
        }
        self._underlyings = sorted(asset.symbol for asset in source.assets() if asset.has_options)

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            trading("/v2/clock", GET=self.clock),
            trading("/v2/calendar", GET=self.calendar),
            trading("/v2/assets", GET=self.assets),
            trading("/v2/assets/{symbol:path}", GET=self.asset),
            trading("/v2/options/contracts", GET=self.contracts),
            trading("/v2/options/contracts/{symbol:str}", GET=self.contract),
        )

    async def clock(self, call: Call) -> Reply:
        """Answer GET /v2/clock."""
        now = self._clock.now()
        current = self._current()
        is_open = current.open <= now
        following = self._calendar.next_session(current.day) if is_open else current
        return reply(
            wire.clock(now, is_open=is_open, next_open=following.open, next_close=current.close)
        )

    async def calendar(self, call: Call) -> Reply:
        """Answer GET /v2/calendar?start=&end=."""
        query = call.query
        start = max(query.day("start") or FIRST_DAY, FIRST_DAY)
        end = min(query.day("end") or LAST_DAY, LAST_DAY)
        sessions = self._calendar.sessions(start, end)
        return reply([wire.calendar_day(session, self._settles(session)) for session in sessions])

    async def assets(self, call: Call) -> Reply:
        """Answer GET /v2/assets?asset_class=&status=&attributes=&exchange=."""
        query = call.query
        wanted = query.choice("asset_class", [kind.value for kind in AssetClass], "us_equity")
        status = query.choice("status", ("all", "active", "inactive"), "all")
        exchange = query.text("exchange")
        attributes = {name.lower() for name in query.symbols("attributes")}
        return reply(
            [
                wire.asset(asset)
                for asset in self._assets.values()
                if asset.asset_class.value == wanted
                and status != "inactive"
                and (exchange is None or asset.exchange == exchange.upper())
                and (not attributes or attributes & set(asset.attributes))
            ]
        )

    async def asset(self, call: Call) -> Reply:
        """Answer GET /v2/assets/{symbol or id}."""
        name = call.path["symbol"]
        found = self._by_name.get(name) or self._by_name.get(name.upper())
        if found is None:
            raise not_found(f"asset not found for {name:.40}")
        return reply(wire.asset(found))

    async def contracts(self, call: Call) -> Reply:
        """Answer GET /v2/options/contracts; without an expiry, those up to the weekend."""
        query = call.query
        limit = query.integer("limit", CONTRACTS_DEFAULT, low=1, high=CONTRACTS_MAX)
        status = query.choice("status", ("active", "inactive"), "active")
        offset = page_offset(query)
        today = trading_day(self._clock.now())
        wanted = ContractFilter.of(query, expiry_to=_weekend_after(today))
        found = [
            contract
            for contract in await self._listed(query, today)
            if wanted.admits(contract) and self._tradable(contract) == (status == "active")
        ]
        shown = found[offset : offset + limit]
        more = offset + limit < len(found)
        return reply(
            {
                "next_page_token": page_token(str(offset + limit)) if more else None,
                "option_contracts": self._shown(shown, today),
            }
        )

    async def contract(self, call: Call) -> Reply:
        """Answer GET /v2/options/contracts/{symbol or id}."""
        name = call.path["symbol"]
        today = trading_day(self._clock.now())
        for contract in await self._candidates(name, today):
            if name.upper() == contract.symbol or name == asset_id(contract.symbol):
                return reply(self._shown([contract], today)[0])
        raise not_found(f"option contract not found for {name:.40}")

    async def _candidates(self, name: str, today: date) -> list[OptionContract]:
        """Return the contracts among which a symbol or an id must be."""
        try:
            underlyings = [OptionContract.from_occ(name.upper()).underlying]
            await self._source.prepare(Listed(underlyings))
        except ValueError:
            underlyings = self._underlyings
        return [
            contract
            for underlying in underlyings
            for contract in self._source.contracts(underlying, today)
        ]

    async def _listed(self, query: Query, today: date) -> list[OptionContract]:
        wanted = query.symbols("underlying_symbols")
        await self._source.prepare(Listed(wanted))
        return [
            contract
            for underlying in self._underlyings
            if not wanted or underlying in wanted
            for contract in self._source.contracts(underlying, today)
        ]

    def _shown(self, contracts: Sequence[OptionContract], today: date) -> list[dict[str, object]]:
        closes = self._closes.before([contract.symbol for contract in contracts], today)
        before = self._calendar.previous_session(today).day
        return [
            wire.contract(
                contract,
                self._source.open_interest(contract, today),
                closes.get(contract.symbol),
                before,
                tradable=self._tradable(contract),
            )
            for contract in contracts
        ]

    def _tradable(self, contract: OptionContract) -> bool:
        """Whether a contract can still trade: until its expiry day's option close."""
        session = self._calendar.session(contract.expiry)
        return session is not None and self._clock.now() < session.option_close(contract.underlying)

    def _current(self) -> Session:
        """Return the session that is on, or else the next one."""
        now = self._clock.now()
        session = self._calendar.on_or_after(trading_day(now))
        return session if now < session.close else self._calendar.next_session(session.day)

    def _settles(self, session: Session) -> date:
        try:
            return self._calendar.next_session(session.day).day
        except LookupError:  # the last day the calendar knows
            return session.day + timedelta(days=1)


def _weekend_after(day: date) -> date:
    """Return the Sunday of a day's week: Alpaca's default bound of expiries."""
    return day + timedelta(days=6 - day.weekday())
