"""The account and what it holds: look, close in part, whole, or everything."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from common.ids import Ids, OrderId
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.engine.commands import ClosePosition
from paper_exchange.engine.refusals import Refused, not_found
from paper_exchange.feed.source import Source
from paper_exchange.venue.venue import Venue
from paper_exchange.wire import accounts as wire
from paper_exchange.wire.errors import Host, body
from paper_exchange.wire.orders import order
from paper_exchange.wire.scalars import asset_id, position_symbol


class Accounts:
    """The account and position paths of the trading host."""

    def __init__(self, venue: Venue, source: Source, ids: Ids) -> None:
        self._venue = venue
        self._ids = ids
        self._exchanges = {asset.symbol: asset.exchange for asset in source.assets()}

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            trading("/v2/account", GET=self.account),
            trading("/v2/positions", GET=self.positions, DELETE=self.close_all),
            trading("/v2/positions/{symbol:path}", GET=self.position, DELETE=self.close),
        )

    async def account(self, call: Call) -> Reply:
        """Answer GET /v2/account."""
        state, figures = await self._venue.account_figures(call.account)
        return reply(wire.account(state, figures))

    async def positions(self, call: Call) -> Reply:
        """Answer GET /v2/positions."""
        held = await self._venue.position_figures(call.account)
        return reply([wire.position(one, self._exchanges.get(one.symbol, "")) for one in held])

    async def position(self, call: Call) -> Reply:
        """Answer GET /v2/positions/{symbol or id}."""
        symbol = await self._held(call)
        for one in await self._venue.position_figures(call.account):
            if one.symbol == symbol:
                return reply(wire.position(one, self._exchanges.get(symbol, "")))
        raise not_found("position does not exist")

    async def close(self, call: Call) -> Reply:
        """Answer DELETE /v2/positions/{symbol or id} with the order that closes it."""
        command = ClosePosition(
            order_id=OrderId(self._ids.uuid()),
            symbol=await self._held(call),
            qty=call.query.decimal("qty"),
            percentage=call.query.decimal("percentage"),
        )
        return reply(order(await self._venue.submit(call.account, command)))

    async def close_all(self, call: Call) -> Reply:
        """Answer DELETE /v2/positions, one line a holding: shorts first, then what covers them."""
        if call.query.flag("cancel_orders"):
            await self._venue.cancel_all(call.account)
        held = await self._venue.position_figures(call.account)
        lines = [
            await self._closed(call, one.symbol)
            for one in sorted(held, key=lambda one: one.qty > 0)
        ]
        return reply(lines, 207)

    async def _closed(self, call: Call, symbol: str) -> dict[str, Any]:
        command = ClosePosition(order_id=OrderId(self._ids.uuid()), symbol=symbol)
        try:
            closing = order(await self._venue.submit(call.account, command))
        except Refused as e:
            shown = body(e, Host.TRADING)
            return {"body": shown, "status": e.http_status, "symbol": position_symbol(symbol)}
        return {"body": closing, "status": 200, "symbol": position_symbol(symbol)}

    async def _held(self, call: Call) -> str:
        """Return the symbol of the holding a path names; raise a 404."""
        name = call.path["symbol"]
        state = await self._venue.account(call.account)
        for symbol in state.positions:
            if name.upper() in (symbol, position_symbol(symbol)) or _same(name, symbol):
                return symbol
        raise not_found("position does not exist")


def _same(name: str, symbol: str) -> bool:
    try:
        return str(UUID(name)) == asset_id(symbol)
    except ValueError:
        return False
