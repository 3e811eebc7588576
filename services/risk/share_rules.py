"""Limits of an order in a stock or a coin that opens, in the order a refusal names them.

Those of the account and of the session's past are the same as for options. Whatever is not
known is a breach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Final

from common.contracts import AssetClass
from common.limits import Breach
from common.money import CENT, ZERO, plain
from common.orders import Side
from common.portfolio import Position
from common.session import Phase, new_york_text
from common.shares import ShareIntent
from services.risk import account_rules, activity_rules, concentration
from services.risk.finding import UNKNOWN, Finding, dollars, finding, joined, seconds
from services.risk.share_case import ShareCase

SPREAD_LEAST: Final = 5 * CENT  # a spread that always passes
SPREAD_SHARE: Final = Decimal("0.01")  # of the mid, where no limit bounds a fill
TOLERANCE_LEAST: Final = 2 * CENT
_HELD: Final = "read the positions again; close no more than is held and not claimed by an order"


def session(case: ShareCase) -> Finding:
    """Stocks are bought in regular hours, around them by limit day orders that say so."""
    inside = case.session.phase(case.now) is Phase.OPEN
    coin, extended = case.intent.is_coin, case.intent.extended_hours
    hours = f"{new_york_text(case.session.open)} to {new_york_text(case.session.close)}"
    return finding(
        "session",
        allowed="at all hours" if coin else hours,
        used=new_york_text(case.now),
        ok=coin or inside or extended,
        remedy="wait for the session, or send a limit day order with extended_hours",
    )


def order_form(case: ShareCase) -> Finding:
    """The broker trades the asset, in parts or short where that is asked for."""
    wrong = joined(_malformed(case))
    return finding(
        "order_form",
        allowed="what the broker trades",
        used=wrong or "tradable",
        ok=not wrong,
        remedy="choose another symbol, a whole quantity, or the other side",
    )


def quote_age(case: ShareCase) -> Finding:
    """The quote is young enough to trade on."""
    age = None if case.quote is None else max(case.now - case.quote.at, timedelta(0))
    return finding(
        "quote_age",
        allowed=seconds(case.stale_after),
        used="never quoted" if age is None else seconds(age),
        ok=age is not None and age <= case.stale_after,
        remedy="wait for a new quote, or look whether the symbol trades now",
    )


def quote_spread(case: ShareCase) -> Finding:
    """Quoted on both sides; tight enough where no limit bounds the fill."""
    quote = case.usable
    if quote is None:
        used, ok = "no two-sided quote", False
    else:
        most = max(SPREAD_LEAST, SPREAD_SHARE * quote.mid)
        ok = case.intent.priced or quote.spread <= most
        used = f"{plain(quote.spread)} at {plain(quote.mid)}"
    return finding(
        "spread",
        allowed=f"{SPREAD_LEAST} or {SPREAD_SHARE:.0%} of the mid, any with a limit",
        used=used,
        ok=ok,
        remedy="name a limit, or wait for a tighter quote",
    )


def limit_price(case: ShareCase) -> Finding | None:
    """The limit is not further through the market than a slip of the keyboard explains."""
    limit, touch = case.intent.limit, case.touch
    if limit is None:
        return None
    share = case.limits.price_tolerance
    if touch is None:
        return _price("limit_price", "near the market", UNKNOWN, ok=False)
    room = max(touch * share, TOLERANCE_LEAST)
    if case.intent.stop is not None:  # it is held against its own trigger
        touch = case.intent.stop
    bound = touch + case.intent.side.sign * room
    ok = (limit - bound) * case.intent.side.sign <= 0
    word = "at most" if case.intent.side is Side.BUY else "at least"
    return _price("limit_price", f"{word} {bound:.2f}", plain(limit), ok=ok)


def stop_price(case: ShareCase) -> Finding | None:
    """A stop waits on the far side of the market, or it would trigger at once."""
    stop, touch = case.intent.stop, case.touch
    if stop is None:
        return None
    if touch is None:
        return _price("stop_price", "beyond the market", UNKNOWN, ok=False)
    word = "above" if case.intent.side is Side.BUY else "below"
    ok = (stop - touch) * case.intent.side.sign > 0
    return _price("stop_price", f"{word} {plain(touch)}", plain(stop), ok=ok)


def exit_prices(case: ShareCase) -> Finding | None:
    """The exits of an entry lie on either side of where it begins, or one would fire at once."""
    intent, touch = case.intent, case.touch
    exits = [(-1, "stop_loss", intent.stop_loss), (1, "take_profit", intent.take_profit)]
    told = [(way, name, price) for way, name, price in exits if price is not None]
    if not told:
        return None
    start = intent.limit if intent.limit is not None else touch
    wrong = joined(
        f"{name} {plain(price)}"
        for way, name, price in told
        if start is None or (price - start) * way * intent.side.sign <= 0
    )
    begins = UNKNOWN if start is None else plain(start)
    return _price("exit_prices", f"either side of {begins}", wrong or "so", ok=not wrong)


def delta(case: ShareCase) -> Finding:
    """The portfolio's delta stays within the cap; other symbols count at a beta of 1."""
    cap, after = case.limits.delta_cap, case.delta
    reach = None if after is None else max(after, key=abs)
    known = reach is not None and isfinite(reach)
    return finding(
        "delta",
        allowed=f"{-cap:+.0f} to {cap:+.0f} shares",
        used=f"{reach:+.1f} shares" if known else UNKNOWN,
        ok=reach is not None and known and abs(reach) <= cap,
        known=known,
        remedy="choose a smaller quantity, or close what leans the same way",
    )


def buying_power(case: ShareCase) -> Finding:
    """The order's value is paid by the account's buying power; a coin's by its cash."""
    account, cost = case.exposure.account, case.order_cost
    coin = case.intent.is_coin
    power = min(account.cash, account.buying_power) if coin else account.buying_power
    return finding(
        "buying_power",
        allowed=dollars(power),
        used=UNKNOWN if cost is None else dollars(cost),
        room="none" if cost is None else dollars(max(power - cost, ZERO)),
        ok=cost is not None and cost <= power,
        remedy="reduce the quantity, or close positions that hold margin",
    )


def duplicate(case: ShareCase) -> Finding:
    """The same order is not sent twice in a moment."""
    window = case.limits.duplicate_window
    twin = next(
        (
            trade
            for trade in reversed(case.activity.alike_shares(case.intent))
            if (trade.intent.qty, trade.intent.notional) == (case.intent.qty, case.intent.notional)
            and case.activity.at - trade.sent_at < window
        ),
        None,
    )
    return finding(
        "duplicate",
        allowed=f"none within {window.total_seconds():.0f} s",
        used="none" if twin is None else f"the same order sent {new_york_text(twin.sent_at)}",
        ok=twin is None,
        remedy="stock_orders shows the first; wait if a second one is truly wanted",
    )


def repeats(case: ShareCase) -> Finding:
    """The same symbol is not opened on the same side over and over."""
    most, after = case.limits.repeats_max, len(case.activity.alike_shares(case.intent)) + 1
    return finding(
        "repeats",
        allowed=f"{most} in the same symbol and side",
        used=str(after),
        room=str(max(most - after, 0)),
        ok=after <= most,
        remedy="leave this symbol for today",
    )


ShareRule = Callable[[ShareCase], Finding | None]

SHARE_RULES: Final[tuple[ShareRule, ...]] = (
    account_rules.halted,
    account_rules.account_open,
    session,
    account_rules.loss_budget,
    activity_rules.trade_risk,
    concentration.exposure,
    delta,
    buying_power,
    activity_rules.trades_per_day,
    activity_rules.orders_per_minute,
    activity_rules.orders_per_hour,
    duplicate,
    repeats,
    activity_rules.cooldown,
    activity_rules.losing_streak,
    order_form,
    quote_age,
    quote_spread,
    limit_price,
    stop_price,
    exit_prices,
)


def reduces_shares(intent: ShareIntent, positions: Sequence[Position]) -> tuple[Breach, ...]:
    """Return why an order could do more than reduce what is held; nothing when it cannot."""
    held = next((p for p in positions if p.symbol == intent.symbol), None)
    if held is None or held.qty * intent.side.sign >= 0:
        have = "nothing" if held is None else plain(held.qty)
        wanted = f"{intent.side.value} against {have}"
        return (_reduce_only(f"closing a holding of {intent.symbol}", wanted),)
    free = abs(held.qty_available)
    if intent.qty is None:
        return (_reduce_only(f"a quantity of at most {plain(free)}", "an amount of dollars"),)
    if intent.qty > free:
        return (_reduce_only(f"{plain(free)} of {intent.symbol}", plain(intent.qty)),)
    return ()


def _reduce_only(allowed: str, projected: str) -> Breach:
    return Breach(limit="reduce_only", allowed=allowed, projected=projected, remedy=_HELD)


def _price(name: str, allowed: str, used: str, *, ok: bool) -> Finding:
    remedy = "look at the quote and choose another price"
    return finding(name, allowed=allowed, used=used, ok=ok, remedy=remedy)


def _malformed(case: ShareCase) -> Iterator[str]:
    intent, asset = case.intent, case.asset
    if asset is None or asset.kind is not intent.asset:
        yield f"{intent.symbol} is not listed"
        return
    if not asset.tradable:
        yield f"{intent.symbol} is not tradable"
    if asset.kind is AssetClass.EQUITY and intent.fractional and not asset.fractionable:
        yield f"parts of a share of {intent.symbol}"
    stock = asset.kind is AssetClass.EQUITY
    if intent.side is Side.SELL and (intent.fractional or not asset.shortable or not stock):
        yield f"{intent.symbol} cannot be sold short so, and none is held"
