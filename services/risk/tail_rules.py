"""Limits of the tail: what the book may lose in the next half hour, each path revalued in full."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from common.money import ZERO, Dollars, to_price
from services.analysis.var import BookRisk
from services.risk.case import Case
from services.risk.finding import UNKNOWN, Finding, dollars, finding


def value_at_risk(case: Case) -> Finding:
    """One half hour in a hundred loses more than this, by the smile or by past days."""
    return _bounded(
        "var",
        [_money(risk, "var_99") for risk in case.tails],
        case.limits.value_at_risk,
        follows="daily_loss" if case.limits.var_max is None else "",
    )


def expected_shortfall(case: Case) -> Finding:
    """The mean of the worst half hours, one in forty, loses no more than this."""
    return _bounded(
        "es",
        [_money(risk, "es_975") for risk in case.tails],
        case.limits.expected_shortfall,
        follows="daily_loss" if case.limits.es_max is None else "",
    )


def _money(risk: BookRisk, field: str) -> Dollars | None:
    """Return one figure of a tail as money; None where it is not a number."""
    told = getattr(risk, field)
    return None if told is None or not isfinite(told) else to_price(told)


def _bounded(name: str, losses: Sequence[Dollars | None], cap: Dollars, *, follows: str) -> Finding:
    known = [loss for loss in losses if loss is not None]
    worst = max(known, default=ZERO) if len(known) == len(losses) else None
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
