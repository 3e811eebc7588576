"""What a client may read and watch by address: JSON of the same views that the tools give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource

from common.errors import OrderNotFound, TradingError, told
from services.ops.events import Topic
from services.runtime import Services
from tools.cap import capped, text_of
from tools.journal import JournalView
from tools.options import SnapshotView
from tools.orders_view import OneOrderView, OrdersView
from tools.positions import PositionsView
from tools.risk import RiskView
from tools.server import DeskServer
from tools.views import View

JSON: Final = "application/json"
OPEN_MAX: Final = 20  # working orders of one reading
ORDER: Final = "order://{order_id}"
ADDRESSES: Mapping[Topic, str] = MappingProxyType(
    {
        Topic.ORDERS: "orders://open",
        Topic.POSITIONS: "positions://",
        Topic.CHAIN: "chain://spy/0dte",
        Topic.RISK: "risk://",
        Topic.JOURNAL: "journal://",
    }
)
_ABOUT: Mapping[Topic, str] = MappingProxyType(
    {
        Topic.ORDERS: "Working orders at the broker, newest first",
        Topic.POSITIONS: "Every open position at the broker",
        Topic.CHAIN: "Today's SPY options at the money: quotes and greeks",
        Topic.RISK: "Every limit with its value, use and room",
        Topic.JOURNAL: "The day's trades planned against actual",
    }
)

Reading = Callable[[], Awaitable[View]]


def add_resources(server: DeskServer, desk: Services) -> None:
    """Give a server the resources of a desk."""
    for topic, reading in _readings(desk).items():
        server.add_resource(
            FunctionResource.from_function(
                _guarded(reading),
                uri=ADDRESSES[topic],
                name=topic.value,
                description=_ABOUT[topic],
                mime_type=JSON,
            )
        )

    @server.resource(ORDER, name="order", description="How one order stands", mime_type=JSON)
    async def order(order_id: str) -> str:
        try:
            return _json(OneOrderView.of(desk.mode, await desk.orders.order(order_id)))
        except OrderNotFound as e:
            raise ResourceNotFoundError(told(e)) from e
        except TradingError as e:
            raise ResourceError(told(e)) from e


def _readings(desk: Services) -> Mapping[Topic, Reading]:
    async def orders() -> View:
        return OrdersView.of(desk.mode, await desk.orders.orders("open", OPEN_MAX))

    async def positions() -> View:
        return PositionsView.of(desk.mode, await desk.reader.positions())

    async def chain() -> View:
        return SnapshotView.of(desk.mode, desk.chain.snapshot(), ())

    async def risk() -> View:
        return RiskView.of(desk, await desk.option_desk.check(None))

    async def journal() -> View:
        return JournalView.of(desk, await desk.journal.entries(1, None))

    return {
        Topic.ORDERS: orders,
        Topic.POSITIONS: positions,
        Topic.CHAIN: chain,
        Topic.RISK: risk,
        Topic.JOURNAL: journal,
    }


def _guarded(reading: Reading) -> Callable[[], Awaitable[str]]:
    async def read() -> str:
        try:
            return _json(await reading())
        except TradingError as e:
            raise ResourceError(told(e)) from e

    return read


def _json(view: View) -> str:
    return text_of(capped(view.model_dump(mode="json")))
