"""Whether an order is covered and paid for, and what is held for it until it trades."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from common.contracts import AssetClass, OptionContract, Right
from common.money import ZERO, Dollars, Price, Qty, cent
from common.orders import PositionIntent, Side
from common.session import trading_day
from paper_exchange.engine import fees, margin, refusals
from paper_exchange.engine.form import MINIMUM
from paper_exchange.engine.market import Listing, Market
from paper_exchange.engine.matching import touch
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import contract_of
from paper_exchange.engine.state import AccountState

SHORT_SALE_MARKUP: Final = Decimal("1.03")  # of the ask, to value a short sale


def check_level(state: AccountState, order: OrderState) -> None:
    """Refuse option strategies above the account's level: 1 covered, 2 long, 3 spreads."""
    if not order.legs and contract_of(order.symbol) is None:
        return
    if state.options_trading_level <= 0:
        raise refusals.forbidden("account not authorized to trade options")
    needed = 3 if order.is_mleg else 1
    if order.position_intent is PositionIntent.BUY_TO_OPEN:
        needed = 2
    if state.options_trading_level < needed:
        raise refusals.forbidden(f"account not eligible for level{needed} options trading")


def check_coverage(state: AccountState, order: OrderState) -> None:
    """Refuse whatever could leave a short option uncovered, however working orders fill."""
    if order.side is Side.BUY:
        return
    changes = order.changes()
    if order.legs:
        _covered_inside(order)
    sold = {symbol: qty for symbol, qty in changes.items() if qty < 0}
    if not sold:
        return
    held = margin.holdings(state)
    for underlying in {_underlying(symbol) for symbol in sold}:
        orders = state.together.options.get(underlying, ())
        if not orders and underlying in sold and not _written_on(state, underlying):
            continue  # shares of which nothing is owed
        working = [state.orders[order_id].changes() for order_id in orders]
        _calls(state, order, held, working, underlying)
        before = margin.shortfall(working, held, underlying, Right.PUT)
        after = margin.shortfall([*working, changes], held, underlying, Right.PUT)
        secured = order.position_intent is PositionIntent.SELL_TO_OPEN  # by cash, see required
        if after > before and not secured:
            raise refusals.uncovered()


def _covered_inside(order: OrderState) -> None:
    """Every short that a multi-leg order opens is covered by a long it opens."""
    opened = {
        leg.symbol: leg.side.sign * leg.qty for leg in order.legs if leg.position_intent.opens
    }
    underlying = _underlying(order.legs[0].symbol)
    if any(margin.shortfall([], opened, underlying, right) for right in Right):
        raise refusals.uncovered()


def _written_on(state: AccountState, underlying: str) -> bool:
    """Whether the account holds, long or short, options on an underlying."""
    contracts = map(contract_of, state.positions)
    return any(c is not None and c.underlying == underlying for c in contracts)


def _calls(
    state: AccountState,
    order: OrderState,
    held: Mapping[str, Qty],
    working: list[dict[str, Qty]],
    underlying: str,
) -> None:
    changes = order.changes()
    owed = margin.shortfall([*working, changes], held, underlying, Right.CALL) * 100
    if owed == 0:
        return
    leaving = state.together.leaving.get(underlying, ZERO) - min(
        changes.get(underlying, ZERO), ZERO
    )
    shares = max(held.get(underlying, ZERO) - leaving, ZERO)
    if owed <= shares:
        return
    if order.symbol == underlying:
        available = max(held.get(underlying, ZERO) - owed, ZERO)
        raise refusals.quantity(
            underlying, order.remaining, held.get(underlying, ZERO), available, ()
        )
    if order.position_intent is PositionIntent.SELL_TO_OPEN:
        raise refusals.covered_call(underlying, Decimal(owed), shares)
    raise refusals.uncovered()


def required(
    state: AccountState, order: OrderState, market: Market, now: datetime
) -> tuple[Dollars, Dollars]:
    """Return an order's cost basis and what is to be held for it, dollars.

    Options: the net price, fees, the margin of what it opens taken alone, and the change of
    margin by what it closes. Shares: half their value; coins: all of it. A hold is never
    negative: what an order would free is freed when it trades.
    """
    price = _price(order, market)
    if order.legs or contract_of(order.symbol) is not None:
        cost = _option_cost(state, order, price, market, now)
        return cost, max(cost, ZERO)
    if order.position_intent is None or not order.position_intent.opens:
        return ZERO, ZERO
    value = order.notional or cent(order.remaining * price)
    asset = market.listings[order.symbol].asset_class
    if value < MINIMUM[asset]:
        raise refusals.too_small(MINIMUM[asset])
    if asset is AssetClass.CRYPTO:
        taker = fees.accruals(AssetClass.CRYPTO, (), value, trading_day(now))
        cost = value + (fees.total(taker) if market.rules.fees else ZERO)
        return cost, cost
    if order.side is Side.SELL:
        return value, cent(value * margin.INITIAL)
    mark = margin.share_mark(state, market, order.symbol)
    lent = mark / price if 0 < mark < price else 1
    return value, value - cent(value * margin.INITIAL * lent)


def check_funds(
    state: AccountState, order: OrderState, cost: Dollars, market: Market, listing: Listing
) -> None:
    """Refuse an order whose hold is more than the account has free."""
    if order.hold == 0:
        return
    free = margin.excess(state, market)
    if listing.asset_class is AssetClass.CRYPTO:
        cash = state.cash - state.held - margin.spread_margin(margin.holdings(state))
        free = min(free, cash)
        if order.hold > free:
            raise refusals.dollars(cost, max(free, ZERO))
        return
    if order.hold <= free:
        return
    free = max(free, ZERO)
    contract = contract_of(order.symbol) if order.symbol else None
    if listing.asset_class is not AssetClass.OPTION:
        raise refusals.buying_power(free * market.rules.multiplier, cost, options=False)
    if contract is not None and order.position_intent is PositionIntent.SELL_TO_OPEN:
        raise refusals.cash_secured_put(cost, free)
    raise refusals.buying_power(free, cost, options=True)


def _option_cost(
    state: AccountState, order: OrderState, price: Price, market: Market, now: datetime
) -> Dollars:
    sign = 1 if order.is_mleg else (order.side or Side.BUY).sign
    cost = cent(sign * price * order.remaining * 100)
    legs = [(leg.side, leg.qty) for leg in order.legs] or [
        (order.side or Side.BUY, order.remaining)
    ]
    if market.rules.fees:
        cost += fees.total(fees.option_accruals(legs, trading_day(now)))
    return cost + _margin_change(state, order)


def _margin_change(state: AccountState, order: OrderState) -> Dollars:
    """Return how much more margin an order makes necessary; less, when it closes.

    A multi-leg order that only opens is taken alone: none may count on spare cover among
    the holdings that another one may use first.
    """
    changes = order.changes()
    if order.is_mleg and not order.closing():
        return margin.spread_margin(changes)
    held = margin.holdings(state)
    after = dict(held)
    for symbol, qty in changes.items():
        after[symbol] = after.get(symbol, ZERO) + qty
    before, needed = margin.spread_margin(held), margin.spread_margin(after)
    return ZERO if before == needed else needed - before  # both infinite: a call still owed for


def _price(order: OrderState, market: Market) -> Price:
    """Return the worst price an order can pay: its bound, or the touch or stop."""
    bound = order.bound
    at = touch(order, market.quotes) if bound is None else None
    if bound is not None:
        price = bound
    elif at is not None:
        price = at.net
        if order.stop_price is not None:
            worse = max if order.side is Side.BUY else min
            price = worse(price, order.stop_price)
    elif order.side is Side.SELL:
        price = ZERO  # a sale receives: without a bid it waits, and costs nothing
    else:
        raise refusals.unprocessable("unable to process order")
    if order.position_intent is PositionIntent.SELL_TO_OPEN and contract_of(order.symbol) is None:
        quote = market.quote(order.symbol)
        return max(price, quote.ask * SHORT_SALE_MARKUP) if quote is not None else price
    return price


def _underlying(symbol: str) -> str:
    contract: OptionContract | None = contract_of(symbol)
    return contract.underlying if contract is not None else symbol
