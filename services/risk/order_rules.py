"""Limits of the order itself and of the quotes it is priced from.

A rule says nothing (None) when there is no order. Whatever is not known is a breach.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from math import gcd
from typing import Final

from common.contracts import Right, option_tick
from common.money import CENT, ZERO, on_tick
from common.orders import OrderIntent
from common.quotes import ChainRow
from services.risk.case import Case
from services.risk.finding import UNKNOWN, Finding, dollars, finding, joined, seconds

SPREAD_LEAST: Final = Decimal("0.05")  # a spread that always passes
TOLERANCE_LEAST: Final = Decimal("0.02")  # of the net price, always passes
# A limit stands one tolerance beyond the natural price it was previewed at, which may since
# have moved by another; the half absorbs that tolerances are shares of two different prices.
LIMIT_REACH: Final = Decimal("2.5")  # tolerances
LEGS_MAX: Final = 4
LEVEL_LONG, LEVEL_SPREADS = 2, 3  # the broker's levels of options approval


def options_level(case: Case) -> Finding | None:
    """The account is approved for what the order is; a lone short is never sent."""
    if case.intent is None:
        return None
    needed = LEVEL_SPREADS if len(case.intent.legs) > 1 else LEVEL_LONG
    level = case.exposure.account.options_level
    return finding(
        "options_level",
        allowed=f"level {level}",
        used=f"level {needed}",
        ok=level >= needed,
        remedy="ask the broker for a higher options level",
    )


def order_form(case: Case) -> Finding | None:
    """One to four different same-day contracts of one underlying, every short one covered."""
    if case.intent is None:
        return None
    wrong = joined(_malformed(case.intent, case))
    return finding(
        "order_form",
        allowed="1 to 4 covered legs of one underlying, expiring today",
        used=wrong or f"{len(case.intent.legs)} legs",
        ok=not wrong,
        remedy="build the order from today's chain, buying a wing for every short",
    )


def no_conflict(case: Case) -> Finding | None:
    """No leg opens against what is held in its contract, or may soon be: the broker nets the two.

    It refuses such an order, or takes the leg for the closing of what another trade holds; and
    what is left of either trade may be a short without its cover, which it does not let close.
    """
    if case.intent is None:
        return None
    held = {position.symbol: position.qty for position in case.exposure.positions}
    pending = {
        (leg.contract, leg.side)
        for intent in case.exposure.pending
        for leg in intent.legs
        if leg.intent.opens
    }
    against = joined(
        leg.contract.symbol
        for leg in case.intent.legs
        if leg.intent.opens
        and (
            held.get(leg.contract.symbol, ZERO) * leg.side.sign < 0
            or (leg.contract, leg.side.opposite) in pending
        )
    )
    return finding(
        "position_conflict",
        allowed="no leg against what is held or working",
        used=f"against {against}" if against else "none",
        ok=not against,
        remedy="choose another delta or width, or close that position first",
    )


def size(case: Case) -> Finding | None:
    """At least one unit and at most the bound against typing errors."""
    if case.intent is None:
        return None
    return finding(
        "qty",
        allowed=f"1 to {case.limits.contracts_max}",
        used=str(case.intent.qty),
        ok=1 <= case.intent.qty <= case.limits.contracts_max,
        remedy="ask for a quantity within the bounds",
    )


def quote_age(case: Case) -> Finding | None:
    """Every leg's own quote is young enough to trade on."""
    if case.intent is None:
        return None
    limit = case.limits.quote_age_max
    ages = {symbol: row.age if row else None for symbol, row in case.rows.items()}
    old = {s: age for s, age in ages.items() if age is None or not timedelta(0) <= age <= limit}
    worst = max((age for age in ages.values() if age is not None), default=timedelta(0))
    return finding(
        "quote_age",
        allowed=seconds(limit),
        used=joined(
            f"{symbol} {'never quoted' if age is None else seconds(age)}"
            for symbol, age in old.items()
        )
        or seconds(worst),
        ok=not old,
        remedy="look at streaming_status and wait for a new quote",
    )


def quote_spread(case: Case) -> Finding | None:
    """Every leg is quoted on both sides, no wider than five cents or a share of its mid."""
    if case.intent is None:
        return None
    share = case.limits.spread_max
    wide = [
        f"{symbol} {text}" for symbol, row in case.rows.items() if (text := _too_wide(row, share))
    ]
    return finding(
        "spread",
        allowed=f"{SPREAD_LEAST} or {share:.0%} of the mid",
        used=joined(wide) or "within it",
        ok=not wide,
        remedy="choose other strikes, or wait for a tighter quote",
    )


def open_interest(case: Case) -> Finding | None:
    """Enough of every contract opened was open at the previous day's end; untold is nothing."""
    if case.intent is None:
        return None
    least = case.limits.open_interest_min
    opened = {leg.contract.symbol for leg in case.intent.legs if leg.intent.opens}
    counts = {s: row.open_interest if row else None for s, row in case.rows.items() if s in opened}
    thin = {s: count for s, count in counts.items() if (count or 0) < least}
    known = [count for count in counts.values() if count is not None]
    return finding(
        "open_interest",
        allowed=f"at least {least} contracts",
        used=joined(f"{s} {UNKNOWN if n is None else n}" for s, n in thin.items())
        or f"{min(known, default=0)} or more",
        ok=not thin,
        remedy="choose strikes that are traded; OPEN_INTEREST_MIN=0 where the broker tells none",
    )


def tick(case: Case) -> Finding | None:
    """The limit lies on the price grid."""
    if case.intent is None:
        return None
    step = CENT
    if len(case.intent.legs) == 1:
        step = option_tick(case.intent.legs[0].contract.underlying, case.intent.limit)
    return finding(
        "tick",
        allowed=f"multiples of {step}",
        used=str(case.intent.limit),
        ok=case.intent.limit.is_finite() and on_tick(case.intent.limit, step),
        remedy="round the limit to the tick",
    )


def limit_price(case: Case) -> Finding | None:
    """The limit is not further beyond natural than a preview and its confirmation explain."""
    if case.intent is None:
        return None
    remedy = "preview again at the present price"
    natural = case.natural
    if natural is None or not case.intent.limit.is_finite():
        return finding(
            "limit_price",
            allowed="near the natural price",
            used=UNKNOWN if natural is None else str(case.intent.limit),
            ok=False,
            remedy=remedy,
        )
    tolerance = max(abs(natural) * case.limits.price_tolerance, TOLERANCE_LEAST)
    most = natural + LIMIT_REACH * tolerance
    return finding(
        "limit_price",
        allowed=f"at most {most:.2f} net, natural is {natural}",
        used=str(case.intent.limit),
        ok=case.intent.limit <= most,
        remedy=remedy,
    )


def can_profit(case: Case) -> Finding | None:
    """Some price at expiry pays more than the order costs with its fees."""
    if case.intent is None:
        return None
    best = case.payoff.best if case.payoff is not None else None
    ok = case.payoff is not None and (best is None or best > 0)
    return finding(
        "max_profit",
        allowed="above $0.00 after fees",
        used=UNKNOWN if case.payoff is None else "unlimited" if best is None else dollars(best),
        ok=ok,
        remedy="choose wider wings or strikes with more premium",
    )


def _malformed(intent: OrderIntent, case: Case) -> Iterator[str]:
    legs = intent.legs
    if not 1 <= len(legs) <= LEGS_MAX:
        yield f"{len(legs)} legs"
        return
    if len({leg.contract for leg in legs}) < len(legs):
        yield "a contract twice"
    if len({leg.contract.underlying for leg in legs}) > 1:
        yield "several underlyings"
    if any(leg.ratio < 1 for leg in legs) or gcd(*(leg.ratio for leg in legs)) != 1:
        yield f"ratios {'/'.join(str(leg.ratio) for leg in legs)}"
    for right in Right:
        if sum(leg.signed_ratio for leg in legs if leg.contract.right is right) < 0:
            yield f"an uncovered short {right.name.lower()}"
    for leg in legs:
        if leg.contract.expiry != case.view.session.day:
            yield f"{leg.contract.symbol} expires {leg.contract.expiry}"
        elif case.rows[leg.contract.symbol] is None:
            yield f"{leg.contract.symbol} is not in the chain"


def _too_wide(row: ChainRow | None, share: Decimal) -> str | None:
    """Return what is wrong with a leg's quote, None when it is tight."""
    if row is None or row.quote is None:
        return "has no quote"
    quote = row.quote
    if not quote.two_sided:
        return f"is quoted {quote.bid} to {quote.ask}"
    if quote.spread > max(SPREAD_LEAST, share * quote.mid):
        return f"is {quote.spread} wide at {quote.mid}"
    return None
