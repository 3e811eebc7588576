"""From a submission to an order: every check in turn, then what is held for it."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_FLOOR

import msgspec

from common.ids import OrderId
from common.money import ZERO, Price, Qty
from common.orders import OrderType, PositionIntent, Side
from paper_exchange.engine.buying_power import (
    check_coverage,
    check_funds,
    check_level,
    required,
)
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.form import check_cut_off, check_form
from paper_exchange.engine.groups import check_group_intent
from paper_exchange.engine.hours import Terms, check_auction, placed
from paper_exchange.engine.intents import (
    check_closing,
    check_crossing,
    check_notional,
    check_short_sale,
    infer_intents,
)
from paper_exchange.engine.market import Listing, Market
from paper_exchange.engine.names import derived
from paper_exchange.engine.orders import GROUPS, LegState, OrderState, Status
from paper_exchange.engine.permissions import check_permissions, check_suspension
from paper_exchange.engine.positions import NINE_PLACES
from paper_exchange.engine.state import AccountState
from paper_exchange.engine.triggers import reference, trailing_stop


def admit(state: AccountState, command: SubmitOrder, market: Market, now: datetime) -> OrderState:
    """Return the order a submission becomes, its hold included; raise Refused.

    What the exchange liquidates must be there, and cover nothing; nothing is held for it.
    """
    if not command.liquidation:
        check_suspension(state)
    listings = check_form(state, command, market, now)
    check_auction(market, command.time_in_force, now)
    intents = infer_intents(state, command)
    if listings[0].contract is not None:
        check_cut_off(listings, intents, market, now)
    order = _order(command, listings, intents, market, now)
    closing = order.closing()
    if command.liquidation:
        check_closing(state, closing, listings)
        check_coverage(state, order)
        return order
    check_level(state, order)
    check_permissions(state, command, listings[0], intents[0])
    check_short_sale(command, listings[0], intents[0])
    check_closing(state, closing, listings)
    if command.order_class in GROUPS:
        check_group_intent(command, intents[0])
    check_notional(state, command, intents[0])
    check_crossing(state, command, intents[0])
    check_coverage(state, order)
    cost, hold = required(state, order, market, now)
    if hold:
        order = msgspec.structs.replace(order, hold=hold)
    check_funds(state, order, cost, market, listings[0])
    return order


def _order(
    command: SubmitOrder,
    listings: tuple[Listing, ...],
    intents: tuple[PositionIntent, ...],
    market: Market,
    now: datetime,
) -> OrderState:
    mleg = bool(command.legs)
    terms = Terms(command.time_in_force, command.extended_hours)
    times = placed(market, listings[0], terms, now)
    trails = command.type is OrderType.TRAILING_STOP
    hwm = _mark(command, market) if trails and times.opens_at is None else None
    return OrderState(
        id=command.order_id,
        client_order_id=command.client_order_id or derived(command.order_id, "client"),
        status=Status.NEW if times.opens_at is None else Status.ACCEPTED,
        created_at=now,
        submitted_at=now,
        updated_at=now,
        opens_at=times.opens_at,
        expires_at=times.expires_at,
        order_class=command.order_class,
        type=command.type,
        time_in_force=command.time_in_force,
        symbol=command.symbol,
        asset_class=None if mleg else listings[0].asset_class,
        side=None if mleg else command.side,
        position_intent=None if mleg else intents[0],
        qty=_qty(command, listings[0]),
        notional=command.notional,
        limit_price=command.limit_price,
        stop_price=command.stop_price if hwm is None else _trailing(command, hwm),
        trail_price=command.trail_price,
        trail_percent=command.trail_percent,
        hwm=hwm,
        extended_hours=command.extended_hours,
        liquidation=command.liquidation,
        legs=_legs(command, intents) if mleg else (),
    )


def _mark(command: SubmitOrder, market: Market) -> Price | None:
    """Return where a trail begins, None for what has no market yet."""
    return reference(command.side or Side.BUY, market.quote(command.symbol))


def _trailing(command: SubmitOrder, mark: Price) -> Price:
    side = command.side or Side.BUY
    return trailing_stop(side, mark, command.trail_price, command.trail_percent)


def _legs(command: SubmitOrder, intents: tuple[PositionIntent, ...]) -> tuple[LegState, ...]:
    units = command.qty or ZERO
    return tuple(
        LegState(
            id=OrderId(derived(command.order_id, f"leg {number}")),
            client_order_id=derived(command.order_id, f"client leg {number}"),
            symbol=leg.symbol,
            side=leg.side,
            position_intent=intent,
            ratio=leg.ratio,
            qty=units * leg.ratio,
        )
        for number, (leg, intent) in enumerate(zip(command.legs, intents, strict=True))
    )


def _qty(command: SubmitOrder, listing: Listing) -> Qty | None:
    """Return the quantity on nine places; what is finer is cut off, as at Alpaca."""
    if command.qty is None or listing.contract is not None:
        return command.qty
    return command.qty.quantize(NINE_PLACES, rounding=ROUND_FLOOR)
