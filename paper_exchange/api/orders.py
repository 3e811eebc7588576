"""Orders: submit, replace, list, find, cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from common.contracts import AssetClass
from common.ids import OrderId
from paper_exchange.api.endpoint import NOTHING, Call, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.engine.orders import OrderState
from paper_exchange.venue.venue import Venue
from paper_exchange.wire import orders as wire
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.query import Query
from paper_exchange.wire.submission import posted, to_command, to_replacement

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders a listing shows, by when they were submitted.

    nested: whether groups are shown inside their heads; legs of a multi-leg order always are.
    """

    status: str
    limit: int
    after: datetime | None
    until: datetime | None
    newest_first: bool
    symbols: frozenset[str]
    side: str | None
    classes: frozenset[str]
    before_id: str | None
    after_id: str | None
    nested: bool

    @classmethod
    def of(cls, query: Query) -> OrderFilter:
        """Read the filters; raise BadParameter."""
        found = cls(
            status=query.choice("status", ("open", "closed", "all"), "open"),
            limit=query.integer("limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX),
            after=query.instant("after"),
            until=query.instant("until"),
            newest_first=query.choice("direction", ("asc", "desc"), "desc") == "desc",
            symbols=frozenset(query.symbols()),
            side=query.choice("side", ("buy", "sell"), "buy") if query.text("side") else None,
            classes=frozenset(name.lower() for name in query.symbols("asset_class")),
            before_id=_uuid_or_none(query.text("before_order_id")),
            after_id=_uuid_or_none(query.text("after_order_id")),
            nested=query.flag("nested"),
        )
        if found.before_id and found.after_id:
            raise BadParameter("before_order_id and after_order_id are mutually exclusive")
        return found

    def admission(self) -> Callable[[OrderState], bool]:
        """Return what tells of each order in turn, in the direction wanted, if it is shown."""
        first, last = self.after_id, self.before_id
        if self.newest_first:
            first, last = last, first
        inside = first is None

        def admitted(order: OrderState) -> bool:
            nonlocal inside
            if order.id == last:
                inside = False
            shown = inside and self._admits(order)
            if order.id == first:
                inside = True
            return shown

        return admitted

    @property
    def working_only(self) -> bool:
        """Whether only orders not ended can pass, so that the others need no look."""
        return self.status == "open" and self.before_id is None and self.after_id is None

    def _admits(self, order: OrderState) -> bool:
        return (
            (self.status == "all" or (self.status == "open") == wire.is_open(order))
            and (self.after is None or order.submitted_at > self.after)
            and (self.until is None or order.submitted_at < self.until)
            and (not self.symbols or not self.symbols.isdisjoint(_names(order)))
            and (self.side is None or (order.side is not None and order.side.value == self.side))
            and (not self.classes or _class(order).value in self.classes)
        )


class Orders:
    """The order paths of the trading host."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            trading("/v2/orders", POST=self.submit, GET=self.listing, DELETE=self.cancel_all),
            trading("/v2/orders:by_client_order_id", GET=self.by_client_order_id),
            trading(
                "/v2/orders/{order_id:str}", GET=self.one, PATCH=self.replace, DELETE=self.cancel
            ),
        )

    async def submit(self, call: Call) -> Reply:
        """Answer POST /v2/orders once the order is durable."""
        command = to_command(posted(call.body), self._venue.new_order_id())
        order = await self._venue.submit(call.account, command)
        return reply(wire.order(order, self._venue.children(call.account, order)))

    async def replace(self, call: Call) -> Reply:
        """Answer PATCH /v2/orders/{id} with the order that takes its place."""
        replaces = OrderId(_uuid(call.path["order_id"]))
        command = to_replacement(call.body, replaces, self._venue.new_order_id())
        order = await self._venue.replace(call.account, command)
        return reply(wire.order(order, self._venue.children(call.account, order)))

    async def listing(self, call: Call) -> Reply:
        """Answer GET /v2/orders."""
        wanted = OrderFilter.of(call.query)
        found = await self._venue.orders(
            call.account,
            wanted.admission(),
            limit=wanted.limit,
            newest_first=wanted.newest_first,
            working_only=wanted.working_only,
        )
        shown = {order.id for order in found} if wanted.nested else set()
        return reply(
            [
                self._order(call, order, nested=wanted.nested)
                for order in found
                if order.parent_id not in shown
            ]
        )

    async def one(self, call: Call) -> Reply:
        """Answer GET /v2/orders/{id}."""
        order_id = OrderId(_uuid(call.path["order_id"]))
        order = await self._venue.order(call.account, order_id)
        return reply(self._order(call, order, nested=call.query.flag("nested")))

    async def by_client_order_id(self, call: Call) -> Reply:
        """Answer GET /v2/orders:by_client_order_id."""
        name = call.query.required("client_order_id")
        return reply(wire.order(await self._venue.order_by_client_id(call.account, name)))

    def _order(self, call: Call, order: OrderState, *, nested: bool) -> dict[str, Any]:
        children = self._venue.children(call.account, order) if nested else ()
        return wire.order(order, children)

    async def cancel(self, call: Call) -> Reply:
        """Answer DELETE /v2/orders/{id} once it is off the market."""
        await self._venue.cancel(call.account, OrderId(_uuid(call.path["order_id"])))
        return NOTHING

    async def cancel_all(self, call: Call) -> Reply:
        """Answer DELETE /v2/orders, one line an order."""
        canceled = await self._venue.cancel_all(call.account)
        return reply([wire.canceled(order_id) for order_id in canceled], 207)


def _uuid(text: str) -> str:
    """Return an order id in the form they are kept in; raise BadParameter."""
    try:
        return str(UUID(text))
    except ValueError:
        raise BadParameter("order_id must be a UUID") from None


def _uuid_or_none(text: str | None) -> str | None:
    return None if text is None else _uuid(text)


def _names(order: OrderState) -> frozenset[str]:
    """Return the symbols a listing may ask for it by, underlyings of options included."""
    return frozenset(order.symbols) | frozenset(wire.underlyings(order))


def _class(order: OrderState) -> AssetClass:
    return order.asset_class or AssetClass.OPTION
