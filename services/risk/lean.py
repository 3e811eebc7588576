"""How the account leans, now and where the market may take it: limits that drift by themselves.

Each is looked at before an order and every second without one, so a rule here needs no order
and no quotes but the chain. Whatever is not known is a breach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import isfinite
from typing import Final

import numpy as np

from common.contracts import OPTION_MULTIPLIER
from common.orders import OrderIntent
from common.portfolio import Exposure
from common.quotes import ChainSnapshot
from common.session import Session, new_york_text
from services.portfolio.greeks import greeks_of_legs, greeks_of_positions
from services.portfolio.sigma import STEPS, deltas_of_order, deltas_of_positions
from services.risk.finding import UNKNOWN, Finding, finding, joined
from services.risk.limits import RiskLimits

_SMALLER: Final = "choose a smaller size or a position that leans the other way"


@dataclass(frozen=True, kw_only=True)
class Lean:
    """What the rules here look at. chain None: none has been received.

    reckonable: whether there is no order, or one that can be reckoned with at all.
    """

    limits: RiskLimits
    exposure: Exposure
    chain: ChainSnapshot | None
    session: Session
    now: datetime
    intent: OrderIntent | None = None
    reckonable: bool = True

    @cached_property
    def orders(self) -> tuple[OrderIntent, ...]:
        """Every order that may still fill: those pending, and this one."""
        return (*self.exposure.pending, *((self.intent,) if self.intent is not None else ()))

    @cached_property
    def order_delta(self) -> float | None:
        """Share equivalents this order adds; 0 without one, None when not known."""
        if self.intent is None:
            return 0.0 if self.reckonable else None
        if self.chain is None:
            return None
        report = greeks_of_legs(self.intent.legs, self.intent.qty, self.chain)
        return report.total.delta if report.total is not None else None

    @cached_property
    def delta_reaches(self) -> tuple[float, ...] | None:
        """The furthest delta at each sigma step whichever pending orders fill; None unknown."""
        held = deltas_of_positions(self.exposure.positions, self.chain)
        added = [deltas_of_order(order, self.chain) for order in self.orders]
        known = [each for each in added if each is not None]
        if held is None or len(known) < len(added) or not self.reckonable:
            return None
        # This order is taken as filled; those pending may or may not.
        sure = held + (known.pop() if self.intent is not None else 0.0)
        down = sure + sum((np.minimum(each, 0.0) for each in known), np.zeros(len(STEPS)))
        up = sure + sum((np.maximum(each, 0.0) for each in known), np.zeros(len(STEPS)))
        return tuple(float(d if abs(d) > abs(u) else u) for d, u in zip(down, up, strict=True))


def delta_now(lean: Lean) -> Finding:
    """The portfolio's delta stays within the cap whichever pending orders fill."""
    cap, held, added = lean.limits.delta_cap, lean.exposure.delta, lean.order_delta
    allowed = f"{-cap:+.0f} to {cap:+.0f} shares"
    if held is None or added is None or not isfinite(held + added):
        why = joined(lean.exposure.unknown) if held is None else "of the order"
        return _unknown("delta", allowed, why)
    down, up = lean.exposure.pending_delta
    reach = max((held + added + min(down, 0.0), held + added + max(up, 0.0)), key=abs)
    return _within("delta", allowed, reach, cap)


def delta_over_sigma(lean: Lean) -> Finding:
    """Delta stays within its wider cap wherever one sigma of the remaining session leads."""
    cap = lean.limits.sigma_delta
    allowed = f"{-cap:+.0f} to {cap:+.0f} shares"
    if lean.delta_reaches is None:
        return _unknown("delta_sigma", allowed, "the smile does not price every holding")
    return _within("delta_sigma", allowed, max(lean.delta_reaches, key=abs), cap)


def assignment(lean: Lean) -> Finding:
    """No more shares would be had or owed if every short call, or every short put, is assigned.

    Long options are no cover here: they are exercised by their holder's will, a day late.
    """
    most = lean.limits.assignment_shares_max
    held: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    puts: Counter[str] = Counter()
    for position in lean.exposure.positions:
        contract = position.contract
        if contract is None:
            held[position.symbol] += int(position.qty)
        elif position.qty < 0:
            short = calls if contract.is_call else puts
            short[contract.underlying] += int(-position.qty) * OPTION_MULTIPLIER
    for order in lean.orders:
        for leg in order.legs:
            if leg.intent.opens and leg.signed_ratio < 0:
                short = calls if leg.contract.is_call else puts
                short[leg.contract.underlying] += leg.ratio * order.qty * OPTION_MULTIPLIER
    assigned = [
        after
        for symbol in calls.keys() | puts.keys()
        for after in (held[symbol] - calls[symbol], held[symbol] + puts[symbol])
    ]
    worst = max(assigned, key=abs, default=0)
    return finding(
        "assignment",
        allowed=f"{most} shares either way",
        used=f"{worst:+d} shares",
        room=f"{max(most - abs(worst), 0)} shares",
        ok=abs(worst) <= most,
        remedy="reduce the number of short contracts",
    )


def late_gamma(lean: Lean) -> Finding:
    """Near the close a small move makes a large position: gamma is bounded from then on."""
    cap = lean.limits.late_gamma_max
    starts = lean.session.close - lean.limits.late_gamma_from
    allowed = f"${cap:,.0f} of delta per 1%, from {new_york_text(starts)}"
    gammas = _gammas(lean)
    if gammas is None:
        if not lean.exposure.positions and not lean.orders:
            gammas = ()
        else:
            late = lean.now >= starts
            return _unknown("late_gamma", allowed, "a holding has no greeks", ok=not late)
    total = sum(gammas)
    return finding(
        "late_gamma",
        allowed=allowed,
        used=f"${total:,.0f}",
        room=f"${max(cap - abs(total), 0.0):,.0f}",
        ok=lean.now < starts or abs(total) <= cap,
        remedy=_SMALLER,
    )


def _gammas(lean: Lean) -> Iterable[float] | None:
    """Return the gamma of what is held and of every order as filled; None when not known."""
    if lean.chain is None:
        return None
    chain = lean.chain
    reports = [
        greeks_of_positions(lean.exposure.positions, chain),
        *(greeks_of_legs(order.legs, order.qty, chain) for order in lean.orders),
    ]
    known = [report.total.gamma_percent for report in reports if report.total is not None]
    return known if len(known) == len(reports) else None


def _within(name: str, allowed: str, delta: float, delta_cap: float) -> Finding:
    return finding(
        name,
        allowed=allowed,
        used=f"{delta:+.1f} shares",
        room=f"{max(delta_cap - abs(delta), 0.0):.1f} shares",
        ok=abs(delta) <= delta_cap,
        remedy=_SMALLER,
    )


def _unknown(name: str, allowed: str, why: str, *, ok: bool = False) -> Finding:
    return finding(
        name,
        allowed=allowed,
        used=f"{UNKNOWN} ({why or 'no reason given'})",
        room="none",
        ok=ok,
        known=False,
        remedy=_SMALLER,
    )
