"""The account and what it holds: look, close in part, whole, or everything."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from common.clock import Clock
from common.session import trading_day
from paper_exchange.api.closes import Closes
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.engine.figures import PositionFigures
from paper_exchange.engine.refusals import Refused, not_found
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source
from paper_exchange.venue.venue import Venue
from paper_exchange.venue.views import Closed
from paper_exchange.wire import accounts as wire
from paper_exchange.wire.errors import Host, body
from paper_exchange.wire.orders import order
from paper_exchange.wire.scalars import asset_id, position_symbol


class Accounts:
    """The account and position paths of the trading host."""

    def __init__(self, venue: Venue, source: Source, calendar: Calendar, clock: Clock) -> None:
        self._venue = venue
        self._calendar = calendar
        self._clock = clock
        self._closes = Closes(source, calendar)
        self._exchanges = {asset.symbol: asset.exchange for asset in source.assets()}

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            trading("/v2/account", GET=self.account),
            trading("/v2/positions", GET=self.positions, DELETE=self.close_all),
            trading("/v2/positions/{symbol}/exercise", POST=self.exercise),
            trading("/v2/positions/{symbol}/do-not-exercise", POST=self.decline),
            trading("/v2/positions/{symbol:path}", GET=self.position, DELETE=self.close),
        )

    async def account(self, call: Call) -> Reply:
        """Answer GET /v2/account."""
        before = self._calendar.previous_session(trading_day(self._clock.now()))
        view = await self._venue.account(call.account)
        return reply(
            wire.account(
                view.figures,
                account_id=view.id,
                number=view.number,
                level=view.options_level,
                configuration=view.configuration,
                opened_at=view.opened_at,
                balance_asof=before.day,
            )
        )

    async def positions(self, call: Call) -> Reply:
        """Answer GET /v2/positions."""
        held = await self._venue.positions(call.account)
        return reply(self._shown(held))

    async def position(self, call: Call) -> Reply:
        """Answer GET /v2/positions/{symbol or id}."""
        return reply(self._shown([await self._held(call)])[0])

    async def close(self, call: Call) -> Reply:
        """Answer DELETE /v2/positions/{symbol or id} with the order that closes it."""
        position = await self._held(call)
        closing = await self._venue.close(
            call.account,
            position.symbol,
            qty=call.query.decimal("qty"),
            percentage=call.query.decimal("percentage"),
        )
        return reply(order(closing))

    async def exercise(self, call: Call) -> Reply:
        """Answer POST /v2/positions/{symbol or id}/exercise: all of it, at once."""
        await self._venue.exercise(call.account, await self._option(call))
        return Reply(200)

    async def decline(self, call: Call) -> Reply:
        """Answer POST /v2/positions/{symbol or id}/do-not-exercise."""
        await self._venue.decline_exercise(call.account, await self._option(call))
        return Reply(200)

    async def close_all(self, call: Call) -> Reply:
        """Answer DELETE /v2/positions, one line a holding."""
        cancel_orders = call.query.flag("cancel_orders")
        closed = await self._venue.close_all(call.account, cancel_orders=cancel_orders)
        return reply([_line(one) for one in closed], 207)

    async def _option(self, call: Call) -> str:
        """Return the symbol of the holding a path names, or what it says if none is held."""
        try:
            return (await self._held(call)).symbol
        except Refused:
            return call.path["symbol"].upper()

    async def _held(self, call: Call) -> PositionFigures:
        """Return the holding a path names; raise a 404."""
        name = call.path["symbol"]
        for position in await self._venue.positions(call.account):
            symbol = position.symbol
            if name.upper() in (symbol, position_symbol(symbol)) or _is_id(name, symbol):
                return position
        raise not_found("position does not exist")

    def _shown(self, held: Sequence[PositionFigures]) -> list[dict[str, object]]:
        today = trading_day(self._clock.now())
        closes = self._closes.before([position.symbol for position in held], today)
        return [
            wire.position(
                position,
                exchange=self._exchanges.get(position.symbol, ""),
                close=closes.get(position.symbol, position.avg_entry_price),
            )
            for position in held
        ]


def _is_id(name: str, symbol: str) -> bool:
    try:
        return str(UUID(name)) == asset_id(symbol)
    except ValueError:
        return False


def _line(closed: Closed) -> dict[str, object]:
    """Return one line of the answer to closing everything."""
    line = {"status": 200, "symbol": position_symbol(closed.symbol)}
    if closed.refused is not None:
        refused = body(closed.refused, Host.TRADING)
        return line | {"body": refused, "status": closed.refused.http_status}
    return line if closed.order is None else line | {"body": order(closed.order)}
