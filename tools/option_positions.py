"""The options held: one by one, gathered by expiry, and what was traded of each contract."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from common.portfolio import Position
from services.portfolio.groups import OptionGroup, Traded, option_groups, traded
from services.runtime import Services
from tools.orders_view import exit_text
from tools.positions import PositionsView, PositionView
from tools.toolset import READS, Toolset
from tools.views import GreeksView, View, dollars, quantity
from tools.wants import Desk

option_positions = Toolset("positions")

FILLS_MAX = 1_000  # executions looked through

HeldSymbol = Annotated[str, Field(max_length=21, description="as get_positions lists it")]
Since = Annotated[str | None, Field(max_length=35, description="day or instant; default all")]


class OnePositionView(View):
    """One holding, the trade of this desk it belongs to, and what guards it."""

    position: PositionView
    opened_by: str | None
    strategy: str | None
    exit: str | None


class GroupView(BaseModel):
    """Options of one expiry together; null where any holding's is unknown."""

    underlying: str
    expiry: str
    contracts: int
    net_qty: str
    cost: str
    value: str | None
    unrealized_pl: str | None
    greeks: GreeksView | None
    unknown: list[str]

    @classmethod
    def of(cls, group: OptionGroup) -> GroupView:
        """Return the view of a group."""
        found = group.sensitivity
        return cls(
            underlying=group.underlying,
            expiry=group.expiry.isoformat(),
            contracts=len(group.holdings),
            net_qty=quantity(group.net),
            cost=dollars(group.cost) or "",
            value=dollars(group.value),
            unrealized_pl=dollars(group.result),
            greeks=None if found is None else GreeksView.of(found),
            unknown=list(group.unknown),
        )


class GroupsView(View):
    """Option holdings by underlying and expiry; amounts by the broker's marks."""

    groups: list[GroupView]


class TradedView(BaseModel):
    """One contract: what was bought and sold of it, the cash before fees, what is held."""

    symbol: str
    status: str = Field(description="open or closed")
    held: str
    bought: str
    sold: str
    net_cash: str

    @classmethod
    def of(cls, found: Traded) -> TradedView:
        """Return the view of a contract."""
        return cls(
            symbol=found.contract.symbol,
            status="closed" if found.held is None else "open",
            held="0" if found.held is None else quantity(found.held.qty),
            bought=quantity(found.bought),
            sold=quantity(found.sold),
            net_cash=dollars(found.cash) or "",
        )


class AllOptionsView(View):
    """Options held and options traded. complete: whether all executions were looked through."""

    complete: bool
    contracts: list[TradedView]


@option_positions.tool(READS, basic=True)
async def get_open_position(desk: Desk, symbol: HeldSymbol) -> OnePositionView:
    """Show one holding: quantity, cost, value, the trade it belongs to and its exit."""
    return _one(desk, await desk.dealing.by_hand.position(symbol))


@option_positions.tool(READS)
async def open_option_positions(desk: Desk) -> PositionsView:
    """List the option contracts held; a spread shows as its legs."""
    return PositionsView.of(desk.mode, _options(await desk.reader.positions()))


@option_positions.tool(READS)
async def all_option_positions(desk: Desk, after: Since = None) -> AllOptionsView:
    """List every option contract held or traded, closed ones too, with the cash it brought."""
    fills, complete = await desk.ledger.fills(FILLS_MAX, after)
    found = traded(fills, await desk.reader.positions())
    return AllOptionsView(mode=desk.mode, complete=complete, contracts=_traded(found))


@option_positions.tool(READS)
async def aggregate_option_positions(desk: Desk) -> GroupsView:
    """Sum the options held by underlying and expiry: net quantity, cost, value, greeks."""
    book = await desk.portfolio.book()
    return GroupsView(mode=desk.mode, groups=_groups(option_groups(book.positions, book.chain)))


def _one(desk: Services, held: Position) -> OnePositionView:
    contract = held.contract
    owner = None if contract is None else desk.dealing.holdings.of([held]).owner(contract)
    record = None if owner is None else desk.store.order(owner)
    plan = None if owner is None else desk.store.exit_plan(owner)
    return OnePositionView(
        mode=desk.mode,
        position=PositionView.of(held),
        opened_by=owner,
        strategy=None if record is None else record.intent.strategy,
        exit=exit_text(plan),
    )


def _options(held: tuple[Position, ...]) -> list[Position]:
    return [position for position in held if position.contract is not None]


def _groups(found: tuple[OptionGroup, ...]) -> list[GroupView]:
    return [GroupView.of(group) for group in found]


def _traded(found: tuple[Traded, ...]) -> list[TradedView]:
    return [TradedView.of(one) for one in found]
