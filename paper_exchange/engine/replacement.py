"""One order in place of another: the old one's terms, what was asked to change, all checks again.

The account is judged as if the old order were gone already, so that replacing needs no more
buying power than the larger of the two. What the old one has filled counts for the new one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from common.money import ZERO, plain
from common.orders import OrderType, Side
from paper_exchange.engine import refusals
from paper_exchange.engine.admission import admit
from paper_exchange.engine.commands import LegRequest, ReplaceOrder, SubmitOrder
from paper_exchange.engine.group_terms import check_group_changes, exit_replaced, with_exits
from paper_exchange.engine.ledger import Book, Ledger, transfer
from paper_exchange.engine.market import Market
from paper_exchange.engine.orders import LegState, OrderState, Status
from paper_exchange.engine.state import AccountState
from paper_exchange.engine.triggers import trailing_stop

_REPLACEABLE = frozenset({Status.NEW, Status.PARTIALLY_FILLED, Status.HELD})


def replacement(
    state: AccountState, command: ReplaceOrder, market: Market, now: datetime
) -> tuple[OrderState, OrderState, AccountState]:
    """Return the order to replace, what replaces it, and the account without the former.

    Raises Refused.
    """
    old = _replaceable(state, command)
    rest = _without(state, old)
    if old.parent_id is not None:
        return old, exit_replaced(state, old, command, market, now), rest
    wanted = with_exits(state, old, _wanted(old, command))
    admitted = admit(rest, wanted, market, now)
    return old, _continued(old, admitted, command), rest


def _replaceable(state: AccountState, command: ReplaceOrder) -> OrderState:
    old = state.orders.get(command.replaces)
    if old is None:
        raise refusals.not_found("order not found")
    if old.status is Status.REPLACED:
        raise refusals.unprocessable("order already replaced")
    if old.status.terminal:
        raise refusals.wrong_state(old.status.value)
    if old.status is Status.ACCEPTED:
        raise refusals.unprocessable("cannot replace order in accepted status")
    if old.status not in _REPLACEABLE or old.liquidation:
        raise refusals.unprocessable("unable to replace order in current state")
    check_group_changes(old, command)
    _check_changes(old, command)
    return old


def _check_changes(old: OrderState, command: ReplaceOrder) -> None:
    """Refuse changes that change nothing, or something this order does not let change."""
    if old.notional is not None:
        raise refusals.unprocessable("notional orders cannot be replaced")
    changes = (
        (command.qty, old.qty),
        (command.time_in_force, old.time_in_force),
        (command.limit_price, old.limit_price),
        (command.stop_price, old.stop_price),
        (command.trail, old.trail_price if old.trail_percent is None else old.trail_percent),
        (command.client_order_id, old.client_order_id),
    )
    if all(wanted is None or wanted == held for wanted, held in changes):
        raise refusals.unprocessable("order parameters are not changed")
    if command.trail is not None and old.type is not OrderType.TRAILING_STOP:
        raise refusals.invalid("trail is only allowed for trailing stop orders")
    if command.stop_price is not None and old.type is OrderType.TRAILING_STOP:
        raise refusals.invalid("stop_price of a trailing stop order follows its trail")
    if (command.stop_price, command.trail) != (None, None) and not old.watching:
        raise refusals.unprocessable("unable to replace order in current state")
    if command.qty is None or command.qty == old.qty:
        return
    if old.qty != (old.qty or ZERO).to_integral_value():
        raise refusals.unprocessable("qty of a fractional order cannot be replaced")
    if command.qty <= old.filled_qty:
        raise refusals.unprocessable(f"qty must be > filled qty {plain(old.filled_qty)}")


def _wanted(old: OrderState, command: ReplaceOrder) -> SubmitOrder:
    """Return what is left to do under the new terms, as a submission of its own."""
    trail_price, trail_percent = old.trail_price, old.trail_percent
    if command.trail is not None:
        trail_price = command.trail if trail_price is not None else None
        trail_percent = command.trail if trail_percent is not None else None
    trailing = old.type is OrderType.TRAILING_STOP
    return SubmitOrder(
        order_id=command.order_id,
        type=old.type,
        time_in_force=command.time_in_force or old.time_in_force,
        order_class=old.order_class,
        symbol=old.symbol,
        side=old.side,
        qty=(command.qty or old.qty or ZERO) - old.filled_qty,
        limit_price=old.limit_price if command.limit_price is None else command.limit_price,
        stop_price=None if trailing else command.stop_price or old.stop_price,
        trail_price=trail_price,
        trail_percent=trail_percent,
        legs=tuple(
            LegRequest(
                symbol=leg.symbol,
                ratio=leg.ratio,
                side=leg.side,
                position_intent=leg.position_intent,
            )
            for leg in old.legs
        ),
        position_intent=old.position_intent,
        client_order_id=command.client_order_id,
        extended_hours=old.extended_hours,
        elected=old.triggered_at is not None,
    )


def _continued(old: OrderState, new: OrderState, command: ReplaceOrder) -> OrderState:
    """Return the new order with what the old one has filled and seen."""
    same_time = command.time_in_force in (None, old.time_in_force)
    order = msgspec.structs.replace(
        new,
        status=new.status if new.status is Status.ACCEPTED else old.status,
        replaces=old.id,
        expires_at=old.expires_at if same_time else new.expires_at,
        qty=(new.qty or ZERO) + old.filled_qty,
        filled_qty=old.filled_qty,
        filled_value=old.filled_value,
        triggered_at=old.triggered_at,
        children=old.children,
        legs=tuple(
            _leg_continued(before, leg) for before, leg in zip(old.legs, new.legs, strict=True)
        ),
    )
    if old.hwm is None:
        return order
    side = old.side or Side.BUY
    stop = trailing_stop(side, old.hwm, new.trail_price, new.trail_percent)
    return msgspec.structs.replace(order, hwm=old.hwm, stop_price=stop)


def _leg_continued(old: LegState, new: LegState) -> LegState:
    return msgspec.structs.replace(
        new,
        qty=new.qty + old.filled_qty,
        filled_qty=old.filled_qty,
        filled_value=old.filled_value,
    )


def _without(state: AccountState, order: OrderState) -> AccountState:
    """Return an account as it would stand with a working order off the market."""
    ledger = Ledger(state.ledger.balances)
    ledger.post(transfer(Book.HELD, Book.CASH, order.hold))
    working = dict(state.working)
    del working[order.id]
    return replace(state, ledger=ledger, working=working, together=state.together.without(order))
