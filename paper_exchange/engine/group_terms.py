"""A group under new terms: what of it may be replaced, and the check of it as a whole.

Of a bracket and of an OCO the prices may change, of an OTO nothing, as at the broker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from common.orders import OrderClass, OrderType
from paper_exchange.engine import refusals
from paper_exchange.engine.commands import ReplaceOrder, SubmitOrder
from paper_exchange.engine.form import check_form
from paper_exchange.engine.market import Market
from paper_exchange.engine.orders import GROUPS, OrderState, Status
from paper_exchange.engine.state import AccountState


def check_group_changes(old: OrderState, command: ReplaceOrder) -> None:
    """Refuse what no order of a group lets change; the texts are ours."""
    if old.order_class not in GROUPS:
        return
    if old.order_class is OrderClass.OTO:
        raise refusals.unprocessable("oto orders cannot be replaced")
    kept = (command.qty in (None, old.qty), command.time_in_force in (None, old.time_in_force))
    if not all(kept):
        kind = old.order_class.value
        raise refusals.unprocessable(f"only prices of {kind} orders can be replaced")
    for name in ("limit_price", "stop_price"):
        if getattr(command, name) is not None and getattr(old, name) is None:
            raise refusals.invalid(f"{name} is not accepted for {old.type.value} orders")


def with_exits(state: AccountState, old: OrderState, wanted: SubmitOrder) -> SubmitOrder:
    """Return what is to replace the head of a group together with the exits it has."""
    if old.order_class not in GROUPS:
        return wanted
    exits = [state.orders[child] for child in old.children]
    if old.order_class is OrderClass.OCO:
        exits.append(msgspec.structs.replace(old, limit_price=wanted.limit_price))
    return _with(wanted, exits)


def exit_replaced(
    state: AccountState, old: OrderState, command: ReplaceOrder, market: Market, now: datetime
) -> OrderState:
    """Return what replaces an exit, its group checked as a whole; raise Refused."""
    limit, stop = command.limit_price, command.stop_price
    new = msgspec.structs.replace(
        old,
        id=command.order_id,
        client_order_id=command.client_order_id or str(uuid5(UUID(command.order_id), "client")),
        created_at=now,
        submitted_at=now,
        updated_at=now,
        limit_price=old.limit_price if limit is None else limit,
        stop_price=old.stop_price if stop is None else stop,
        fills=0,
        replaces=old.id,
    )
    check_form(state, _whole(state, old, new, command), market, now)
    return new


def _whole(
    state: AccountState, old: OrderState, new: OrderState, command: ReplaceOrder
) -> SubmitOrder:
    """Return the group as a submission: the entry with its exits, or once that filled those two.

    An exit at work is held against the market of now, not against what the entry was to pay.
    """
    head = state.orders[old.parent_id or old.id]
    ids = (*head.children, head.id) if head.order_class is OrderClass.OCO else head.children
    exits = [new if order_id == old.id else state.orders[order_id] for order_id in ids]
    waiting = old.status is Status.HELD
    profit = next(order for order in exits if order.type is OrderType.LIMIT)
    whole = SubmitOrder(
        order_id=command.order_id,
        client_order_id=command.client_order_id,
        order_class=OrderClass.BRACKET if waiting else OrderClass.OCO,
        symbol=old.symbol,
        side=head.side if waiting else old.side,
        type=head.type if waiting else OrderType.LIMIT,
        time_in_force=old.time_in_force,
        qty=old.qty,
        limit_price=head.limit_price if waiting else profit.limit_price,
    )
    return _with(whole, exits)


def _with(whole: SubmitOrder, exits: Iterable[OrderState]) -> SubmitOrder:
    for order in exits:
        if order.type is OrderType.LIMIT:
            whole = replace(whole, take_profit=order.limit_price)
        else:
            whole = replace(whole, stop_loss=order.stop_price, stop_loss_limit=order.limit_price)
    return whole
