"""Limits of the tail: what the book may lose in the next half hour, each path revalued in full."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from common.money import ZERO, Dollars
from services.risk.case import Case
from services.risk.finding import UNKNOWN, Finding, dollars, finding


def value_at_risk(case: Case) -> Finding:
    """One half hour in a hundred loses more than this, by the smile or by past days."""
    return _bounded(
        "var",
        [risk.var_99 for risk in case.tails],
        case.limits.value_at_risk,
        follows="daily_loss" if case.limits.var_max is None else "",
    )


def expected_shortfall(case: Case) -> Finding:
    """The mean of the worst half hours, one in forty, loses no more than this."""
    return _bounded(
        "es",
        [risk.es_975 for risk in case.tails],
        case.limits.expected_shortfall,
        follows="daily_loss" if case.limits.es_max is None else "",
    )


def _bounded(name: str, losses: Sequence[float | None], cap: Dollars, *, follows: str) -> Finding:
    known = [Decimal(repr(loss)) for loss in losses if loss is not None]
    sure = len(known) == len(losses) and all(loss.is_finite() for loss in known)
    worst = max(known, default=ZERO) if sure else None
    return finding(
        name,
        allowed=f"{dollars(cap)} in 30 min",
        used=UNKNOWN if worst is None else dollars(worst),
        room="none" if worst is None else dollars(max(cap - worst, ZERO)),
        ok=worst is not None and worst <= cap,
        known=worst is not None,
        remedy="reduce the size, or buy wings nearer to the shorts",
        follows=follows,
    )
