"""What a day's end gives up so that nothing is promised twice and no short call is naked.

Exercise and assignment move shares whatever orders or calls count on them. Orders that would
close what is no longer held, or sell what now covers a call, are canceled; a call that nothing
covers even so is bought back by the exchange at the next open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID, uuid5

from common.contracts import OPTION_MULTIPLIER, AssetClass, Right
from common.money import ZERO, Qty
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce
from paper_exchange.engine.delivery import Positions, option
from paper_exchange.engine.events import Event, OrderAccepted, OrderCanceled
from paper_exchange.engine.liquidation import closing_order_id
from paper_exchange.engine.margin import shortfall
from paper_exchange.engine.market import Market
from paper_exchange.engine.matching import release
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.positions import contract_of
from paper_exchange.engine.state import AccountState


def naked_shares(held: Mapping[str, Qty], orders: Collection[OrderState], underlying: str) -> Qty:
    """Return the shares that short calls may owe and nothing covers, however orders fill.

    What the exchange is buying back counts as bought.
    """
    held = dict(held)
    for order in orders:
        if order.liquidation and order.side is Side.BUY:
            held[order.symbol] = held.get(order.symbol, ZERO) + order.remaining
    changes = [order.changes() for order in orders]
    owed = OPTION_MULTIPLIER * shortfall(changes, held, underlying, Right.CALL)
    leaving = sum((min(change.get(underlying, ZERO), ZERO) for change in changes), ZERO)
    return max(owed - max(held.get(underlying, ZERO) + leaving, ZERO), ZERO)


def restored(
    state: AccountState,
    positions: Positions,
    orders: Iterable[OrderState],
    market: Market,
    now: datetime,
) -> list[Event]:
    """Return what makes good of the holdings a day ends with, and of the orders it leaves."""
    orders = list(orders)
    held = {symbol: position.qty for symbol, position in positions.items()}
    gone = {order.id for order in displaced(held, orders)}
    kept = [order for order in orders if order.id not in gone]
    owed: dict[str, Qty] = {}
    calls = map(contract_of, {*held, *(s for order in orders for s in order.symbols)})
    for underlying in sorted({c.underlying for c in calls if c is not None}):
        kept = _sparing(held, kept, underlying)
        owed |= _uncovered(held, kept, underlying)
    kept = [o for o in kept if o.liquidation or not any(s in owed for s in o.symbols)]
    known = {order.id for order in kept}
    return [
        *(
            OrderCanceled(order_id=order.id, posting=release(order.hold), at=now)
            for order in orders
            if order.id not in known
        ),
        *(_bought_back(state, symbol, qty, market, now) for symbol, qty in owed.items()),
    ]


def displaced(held: Mapping[str, Qty], orders: Iterable[OrderState]) -> list[OrderState]:
    """Return the orders for shares that holdings no longer bear, given oldest first.

    They would open on one side while the other is held, or close more than there is.
    """
    left, gone = dict(held), []
    for order in orders:
        opens = order.position_intent is not None and order.position_intent.opens
        toward = order.side or Side.BUY
        against = opens and held.get(order.symbol, ZERO) * toward.sign < 0
        if against and contract_of(order.symbol) is None:
            gone.append(order)
            continue
        for symbol, qty in order.closing().items():
            there = left.get(symbol, ZERO)
            if contract_of(symbol) is not None or qty == 0:
                continue
            if qty > -there * _toward(order).sign:
                gone.append(order)
            else:
                left[symbol] = there + _toward(order).sign * qty
    return gone


def _toward(order: OrderState) -> Side:
    """Return the side on which shares are closed; an entry stands for what its exits will do."""
    side = order.side or Side.BUY
    entered = bool(order.children) and order.order_class is not OrderClass.OCO
    return side.opposite if entered else side


def _sparing(
    held: Mapping[str, Qty], orders: list[OrderState], underlying: str
) -> list[OrderState]:
    """Return the orders less those that would take cover away, the newest given up first."""
    kept = list(orders)
    for order in reversed(orders):
        naked = naked_shares(held, kept, underlying)
        if not naked:
            break
        others = [other for other in kept if other is not order]
        if naked_shares(held, others, underlying) < naked:
            kept = others
    return kept


def _uncovered(
    held: Mapping[str, Qty], orders: list[OrderState], underlying: str
) -> dict[str, Qty]:
    """Return the short calls to buy back; those that live longest cover the most when bought."""
    held, bought = dict(held), dict[str, Qty]()
    working = [order for order in orders if order.liquidation]
    for symbol in sorted(_short_calls(held).get(underlying, ()), key=_latest, reverse=True):
        coming = sum((o.remaining for o in working if o.symbol == symbol), ZERO)
        most = -held[symbol] - coming
        while most > 0 and naked_shares(held, orders, underlying):
            held[symbol] += 1
            bought[symbol] = bought.get(symbol, ZERO) + 1
            most -= 1
    return bought


def _short_calls(held: Mapping[str, Qty]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for symbol, qty in held.items():
        contract = contract_of(symbol)
        if contract is not None and qty < 0 and contract.right is Right.CALL:
            found.setdefault(contract.underlying, []).append(symbol)
    return found


def _latest(symbol: str) -> tuple[object, str]:
    return option(symbol).expiry, symbol


def _bought_back(
    state: AccountState, symbol: str, qty: Qty, market: Market, now: datetime
) -> OrderAccepted:
    """Return the exchange's own order: at the market from the next open until it is done."""
    order_id = closing_order_id(state.id, symbol, now)
    opens = market.session.open if now < market.session.open else market.following.open
    order = OrderState(
        id=order_id,
        client_order_id=str(uuid5(UUID(order_id), "client")),
        status=Status.ACCEPTED,
        created_at=now,
        submitted_at=now,
        updated_at=now,
        opens_at=opens,
        expires_at=None,
        order_class=OrderClass.SIMPLE,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.GTC,
        symbol=symbol,
        asset_class=AssetClass.OPTION,
        side=Side.BUY,
        position_intent=PositionIntent.BUY_TO_CLOSE,
        qty=qty,
        liquidation=True,
    )
    return OrderAccepted(order=order, posting=(), at=now)
