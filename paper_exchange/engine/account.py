"""An account's two functions: decide what a command means, evolve by what happened.

decide is pure: it never changes the state it looks at, and the same arguments give the
same events. evolve applies one event and is the only thing that changes a state; it does
so in place, because one writer owns it and copies would cost more than the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from common.contracts import AssetClass, asset_class
from common.money import ZERO, Dollars, Qty
from common.orders import OrderType, Side, TimeInForce
from paper_exchange.engine import refusals
from paper_exchange.engine.admission import admit
from paper_exchange.engine.commands import (
    CancelOrder,
    ClosePosition,
    Command,
    ConfigureAccount,
    DeclineExercise,
    EndDay,
    ExerciseOption,
    ExpireOrder,
    MatchOrder,
    OpenAccount,
    ReplaceOrder,
    ResetAccount,
    SubmitOrder,
)
from paper_exchange.engine.delivery import holdings_after
from paper_exchange.engine.events import (
    AccountConfigured,
    AccountOpened,
    AccountReset,
    DayEnded,
    Event,
    ExerciseDeclined,
    LegFill,
    OptionEnded,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderOpened,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
    OrderTrailed,
    OrderTriggered,
)
from paper_exchange.engine.exercise import instruct
from paper_exchange.engine.expiry import end_day, expired
from paper_exchange.engine.groups import followed, grouped, relinked
from paper_exchange.engine.hours import AT_ONCE, AUCTIONS, Terms, works
from paper_exchange.engine.ledger import Book, transfer
from paper_exchange.engine.lifecycle import OrderEvent, after
from paper_exchange.engine.market import Market
from paper_exchange.engine.matching import execute, release
from paper_exchange.engine.opening import begin, opened, reset
from paper_exchange.engine.orders import GROUPS, OrderState, Status
from paper_exchange.engine.positions import NINE_PLACES, PositionState
from paper_exchange.engine.replacement import replacement
from paper_exchange.engine.state import AccountState
from paper_exchange.engine.triggers import awakened

_WITHOUT_POSTING: Final = (OrderOpened, OrderTrailed, OrderTriggered, OrderReduced)


def decide(state: AccountState, command: Command, market: Market, now: datetime) -> Sequence[Event]:
    """Return what a command makes happen, possibly nothing; raise Refused."""
    events = _decided(state, command, market, now)
    if state.together.grouped or (
        isinstance(command, SubmitOrder) and command.order_class in GROUPS
    ):
        return list(followed(state.orders, events, now))
    return events


def _decided(
    state: AccountState, command: Command, market: Market, now: datetime
) -> Sequence[Event]:
    """Return what a command makes happen to the order it names, or to the account."""
    match command:
        case SubmitOrder() | ClosePosition() | ReplaceOrder():
            return _submit(state, command, market, now)
        case CancelOrder():
            return _cancel(state, command, now)
        case MatchOrder() | ExpireOrder() | EndDay():
            return _pass(state, command, market, now)
        case ExerciseOption() | DeclineExercise():
            return instruct(state, command, market, now)
        case OpenAccount():
            return [opened(command, now)]
        case ResetAccount():
            return reset(state, command, now)
        case ConfigureAccount():
            return [AccountConfigured(configuration=command.configuration, at=now)]


def evolve(state: AccountState, event: Event) -> AccountState:
    """Apply an event in place and return the state; post its posting."""
    match event:
        case OrderAccepted():
            _accept(state, event.order)
            state.ledger.post(event.posting)
        case OrderFilled() | OrderCanceled():
            _evolve_order(state, event)
        case AccountOpened() | AccountReset():
            begin(state, event)
            state.ledger.post(event.posting)
            state.last_equity = state.cash
            state.movements.append((event, None))
        case AccountConfigured():
            state.configuration = event.configuration
        case OptionEnded():
            state.positions = holdings_after(state.positions, event)
            state.declined &= state.positions.keys()
            state.ledger.post(event.posting)
            state.movements.append((event, None))
        case ExerciseDeclined():
            state.declined.add(event.symbol)
        case DayEnded():
            state.last_equity = event.equity
            state.last_maintenance_margin = event.maintenance_margin
            state.last_day = event.day
            state.marks = dict(event.closes)
        case _:
            _evolve_order(state, event)
    return state


def _submit(
    state: AccountState,
    command: SubmitOrder | ClosePosition | ReplaceOrder,
    market: Market,
    now: datetime,
) -> list[Event]:
    if isinstance(command, ReplaceOrder):
        return _replace(state, command, market, now)
    if isinstance(command, ClosePosition):
        command = _closing_order(state, command, market, now)
    head, rest = grouped(admit(state, command, market, now), command)
    return _entered(state, head, market, now, rest)


def _replace(
    state: AccountState, command: ReplaceOrder, market: Market, now: datetime
) -> list[Event]:
    old, new, rest = replacement(state, command, market, now)
    gone = OrderReplaced(order_id=old.id, replaced_by=new.id, posting=release(old.hold), at=now)
    return [gone, *_entered(rest, new, market, now)]


def _entered(
    state: AccountState,
    order: OrderState,
    market: Market,
    now: datetime,
    rest: tuple[OrderState, ...] = (),
) -> list[Event]:
    """Return what happens to an admitted order at once; state does not know it yet."""
    events: list[Event] = [
        OrderAccepted(order=order, posting=transfer(Book.CASH, Book.HELD, order.hold), at=now)
    ]
    if rest:
        events += [OrderAccepted(order=other, posting=(), at=now) for other in rest]
    if order.watching:
        return events
    ready = order.status not in (Status.ACCEPTED, Status.HELD)
    if ready and (traded := execute(state, order, market, now)) is not None:
        events.append(traded)
        if isinstance(traded, OrderRejected):
            return events
        if order.time_in_force in AT_ONCE and not traded.complete:
            events.append(_canceled(order, traded.hold, now))
    elif order.time_in_force in AT_ONCE:
        events.append(_canceled(order, order.hold, now))
    return events


def _match(state: AccountState, command: MatchOrder, market: Market, now: datetime) -> list[Event]:
    order = state.orders[command.order_id]
    listing = market.listings.get(order.symbols[0])
    terms = Terms(order.time_in_force, order.extended_hours)
    if order.status.terminal or listing is None or not works(market, listing, terms, now):
        return []
    if order.status is Status.HELD:
        return []
    events: list[Event] = []
    for event in awakened(order, market, now):
        events.append(event)
        order = after(order, event)
    if order.watching:
        return events
    traded = execute(state, order, market, now)
    if traded is not None:
        events.append(traded)
    if order.time_in_force in AUCTIONS:
        if traded is None:
            events.append(_canceled(order, order.hold, now))
        elif isinstance(traded, OrderFilled) and not traded.complete:
            events.append(_canceled(order, traded.hold, now))
    return events


def _pass(
    state: AccountState, command: MatchOrder | ExpireOrder | EndDay, market: Market, now: datetime
) -> list[Event]:
    """Return what time passing does."""
    if isinstance(command, MatchOrder):
        return _match(state, command, market, now)
    if isinstance(command, EndDay):
        return end_day(state, command, market, now)
    order = state.orders.get(command.order_id)  # none: its account was made new
    return [] if order is None or order.status.terminal else [expired(order, now)]


def _cancel(state: AccountState, command: CancelOrder, now: datetime) -> list[Event]:
    order = state.orders.get(command.order_id)
    if order is None:
        raise refusals.not_found("order not found")
    if order.status is Status.CANCELED:
        return []
    if order.status.terminal:
        raise refusals.wrong_state(order.status.value)
    if order.liquidation:
        raise refusals.unprocessable("orders entered by the broker cannot be canceled")
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
        liquidation=command.liquidation,
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


def _accept(state: AccountState, order: OrderState) -> None:
    state.orders[order.id] = order
    for other in relinked(order, state.orders.__getitem__):
        state.orders[other.id] = other
    state.working[order.id] = None
    state.together.put(None, order)
    state.client_ids[order.client_order_id] = order.id


def _evolve_order(state: AccountState, event: OrderEvent) -> None:
    before = state.orders[event.order_id]
    order = after(before, event)
    state.orders[order.id] = order
    state.together.put(before, order)
    if isinstance(event, OrderFilled):
        _hold_positions(state, event.fills)
        state.fee_day = event.fee_day
        state.fee_accruals = event.fee_accruals
        state.movements.append((event, order))
        state.ledger.post(event.posting)
    elif not isinstance(event, _WITHOUT_POSTING):
        state.ledger.post(event.posting)
    if order.status.terminal:
        del state.working[order.id]


def _hold_positions(state: AccountState, fills: tuple[LegFill, ...]) -> None:
    for fill in fills:
        held = state.positions.get(fill.symbol)
        if fill.position_qty == 0:
            del state.positions[fill.symbol]
            state.declined.discard(fill.symbol)
            continue
        state.positions[fill.symbol] = PositionState(
            symbol=fill.symbol,
            qty=fill.position_qty,
            cost=(held.cost if held else ZERO) + fill.cost,
        )
