"""An account's two functions: decide what a command means, evolve by what happened.

decide is pure: it never changes the state it looks at, and the same arguments give the
same events. evolve applies one event and is the only thing that changes a state; it does
so in place, because one writer owns it and copies would cost more than the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

import msgspec

from common.contracts import AssetClass, asset_class
from common.money import ZERO, Dollars, Qty
from common.orders import OrderType, Side, TimeInForce
from paper_exchange.engine import refusals
from paper_exchange.engine.admission import admit
from paper_exchange.engine.commands import (
    CancelOrder,
    ClosePosition,
    Command,
    EndDay,
    ExpireOrder,
    MatchOrder,
    OpenAccount,
    SubmitOrder,
)
from paper_exchange.engine.events import (
    AccountOpened,
    DayEnded,
    Event,
    LegFill,
    OptionSettled,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderOpened,
    OrderRejected,
)
from paper_exchange.engine.expiry import end_day, expired
from paper_exchange.engine.ledger import Book, transfer
from paper_exchange.engine.market import Market
from paper_exchange.engine.matching import execute, release
from paper_exchange.engine.orders import LegState, OrderState, Status
from paper_exchange.engine.positions import NINE_PLACES, PositionState
from paper_exchange.engine.state import AccountState


def decide(state: AccountState, command: Command, market: Market, now: datetime) -> Sequence[Event]:
    """Return what a command makes happen, possibly nothing; raise Refused."""
    match command:
        case SubmitOrder():
            return _submit(state, command, market, now)
        case ClosePosition():
            return _submit(state, _closing_order(state, command, market, now), market, now)
        case CancelOrder():
            return _cancel(state, command, now)
        case MatchOrder():
            return _match(state, command, market, now)
        case ExpireOrder():
            order = state.orders[command.order_id]
            return [] if order.status.terminal else [expired(order, now)]
        case EndDay():
            return end_day(state, command, market, now)
        case OpenAccount():
            return [_opened(command, now)]


def evolve(state: AccountState, event: Event) -> AccountState:
    """Apply an event in place and return the state; post its posting."""
    match event:
        case AccountOpened():
            state.number = event.number
            state.options_level = event.options_level
            state.opened_at = event.at
        case OrderAccepted():
            state.work(event.order)
        case OptionSettled():
            del state.positions[event.symbol]
        case DayEnded():
            state.last_equity = event.equity
            state.last_maintenance_margin = event.maintenance_margin
            state.last_day = event.day
            state.marks = dict(event.closes)
        case _:
            _evolve_order(state, event)
    if not isinstance(event, OrderOpened | DayEnded):
        state.ledger.post(event.posting)
    if isinstance(event, AccountOpened):
        state.last_equity = state.cash
    return state


def _submit(
    state: AccountState, command: SubmitOrder, market: Market, now: datetime
) -> list[Event]:
    order = admit(state, command, market, now)
    events: list[Event] = [
        OrderAccepted(order=order, posting=transfer(Book.CASH, Book.HELD, order.hold), at=now)
    ]
    if order.status is Status.NEW and (traded := execute(state, order, market, now)) is not None:
        events.append(traded)
        if isinstance(traded, OrderRejected):
            return events
        if order.time_in_force is TimeInForce.IOC and not traded.complete:
            events.append(_canceled(order, traded.hold, now))
    elif order.time_in_force is TimeInForce.IOC:
        events.append(_canceled(order, order.hold, now))
    return events


def _match(state: AccountState, command: MatchOrder, market: Market, now: datetime) -> list[Event]:
    order = state.orders[command.order_id]
    listing = market.listings.get(order.symbols[0])
    if order.status.terminal or listing is None or not market.is_open(listing, now):
        return []
    events: list[Event] = []
    if order.status is Status.ACCEPTED:
        events.append(OrderOpened(order_id=order.id, at=now))
    if (traded := execute(state, order, market, now)) is not None:
        events.append(traded)
    return events


def _cancel(state: AccountState, command: CancelOrder, now: datetime) -> list[Event]:
    order = state.orders.get(command.order_id)
    if order is None:
        raise refusals.not_found("order not found")
    if order.status is Status.CANCELED:
        return []
    if order.status.terminal:
        raise refusals.wrong_state(order.status.value)
    return [_canceled(order, order.hold, now)]


def _canceled(order: OrderState, hold: Dollars, now: datetime) -> OrderCanceled:
    return OrderCanceled(order_id=order.id, posting=release(hold), at=now)


def _closing_order(
    state: AccountState, command: ClosePosition, market: Market, now: datetime
) -> SubmitOrder:
    position = state.positions.get(command.symbol)
    if position is None:
        raise refusals.not_found("position does not exist")
    return SubmitOrder(
        order_id=command.order_id,
        symbol=command.symbol,
        side=Side.SELL if position.qty > 0 else Side.BUY,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.GTC if _is_coin(position) else TimeInForce.DAY,
        qty=_closing_qty(position, command),
    )


def _closing_qty(position: PositionState, command: ClosePosition) -> Qty:
    held = abs(position.qty)
    if command.qty is not None and command.percentage is not None:
        raise refusals.invalid("only one of qty or percentage is accepted")
    if command.qty is not None:
        return command.qty
    if command.percentage is None:
        return held
    if not 0 < command.percentage <= 100:
        raise refusals.invalid("percentage must be > 0 and <= 100")
    whole = held == held.to_integral_value() and not _is_coin(position)
    step = Decimal(1) if whole else NINE_PLACES
    return (held * command.percentage / 100).quantize(step, rounding=ROUND_FLOOR)


def _is_coin(position: PositionState) -> bool:
    return asset_class(position.symbol) is AssetClass.CRYPTO


def _opened(command: OpenAccount, now: datetime) -> AccountOpened:
    return AccountOpened(
        account_id=command.account_id,
        number=command.number,
        options_level=command.options_level,
        posting=transfer(Book.FUNDING, Book.CASH, command.cash),
        at=now,
    )


def _evolve_order(
    state: AccountState,
    event: OrderOpened | OrderFilled | OrderCanceled | OrderExpired | OrderRejected,
) -> None:
    order = state.orders[event.order_id]
    replace = msgspec.structs.replace
    match event:
        case OrderOpened():
            order = replace(order, status=Status.NEW)
        case OrderFilled():
            order = _traded(order, event)
            _hold_positions(state, event.fills)
            state.fee_day = event.fee_day
            state.fee_accruals = event.fee_accruals
        case OrderCanceled():
            order = replace(order, status=Status.CANCELED, canceled_at=event.at, hold=ZERO)
        case OrderExpired():
            order = replace(order, status=Status.EXPIRED, expired_at=event.at, hold=ZERO)
        case OrderRejected():
            order = replace(
                order,
                status=Status.REJECTED,
                failed_at=event.at,
                reject_reason=event.reason,
                hold=ZERO,
            )
    state.orders[order.id] = replace(order, updated_at=event.at)
    if order.status.terminal:
        state.rest(order)


def _traded(order: OrderState, event: OrderFilled) -> OrderState:
    by_leg = {fill.order_id: fill for fill in event.fills}
    return msgspec.structs.replace(
        order,
        status=Status.FILLED if event.complete else Status.PARTIALLY_FILLED,
        filled_qty=order.filled_qty + event.qty,
        filled_value=order.filled_value + event.qty * event.price,
        filled_at=event.at if event.complete else None,
        fills=order.fills + 1,
        hold=event.hold,
        legs=tuple(_leg_traded(leg, by_leg[leg.id]) for leg in order.legs),
    )


def _leg_traded(leg: LegState, fill: LegFill) -> LegState:
    return msgspec.structs.replace(
        leg,
        filled_qty=leg.filled_qty + fill.qty,
        filled_value=leg.filled_value + fill.qty * fill.price,
    )


def _hold_positions(state: AccountState, fills: tuple[LegFill, ...]) -> None:
    for fill in fills:
        held = state.positions.get(fill.symbol)
        if fill.position_qty == 0:
            del state.positions[fill.symbol]
            continue
        state.positions[fill.symbol] = PositionState(
            symbol=fill.symbol,
            qty=fill.position_qty,
            cost=(held.cost if held else ZERO) + fill.cost,
        )
