"""Every limit, in the order a refusal names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from services.risk import (
    account_rules,
    activity_rules,
    concentration,
    lean,
    order_rules,
    tail_rules,
)
from services.risk.case import Case
from services.risk.finding import Finding
from services.risk.lean import Lean

Rule: TypeAlias = Callable[[Case], Finding | None]
LeanRule: TypeAlias = Callable[[Lean], Finding]


def _of_case(rule: LeanRule) -> Rule:
    return lambda case: rule(case.lean)


# What may come to breach its bound without a trade, so that it is watched all the time.
DRIFTING: Final[tuple[LeanRule, ...]] = (lean.delta_now, lean.delta_over_sigma, lean.late_gamma)

RULES: Final[tuple[Rule, ...]] = (
    account_rules.halted,
    account_rules.account_open,
    account_rules.session,
    account_rules.loss_budget,
    activity_rules.trade_risk,
    activity_rules.strategy_risk,
    concentration.exposure,
    *(_of_case(rule) for rule in DRIFTING),
    _of_case(lean.assignment),
    concentration.per_strike,
    concentration.per_expiry,
    account_rules.buying_power,
    activity_rules.entries,
    activity_rules.trades_per_day,
    activity_rules.orders_per_minute,
    activity_rules.orders_per_hour,
    activity_rules.duplicate,
    activity_rules.repeats,
    activity_rules.cooldown,
    activity_rules.losing_streak,
    order_rules.options_level,
    order_rules.order_form,
    order_rules.no_conflict,
    order_rules.size,
    order_rules.quote_age,
    order_rules.quote_spread,
    order_rules.open_interest,
    order_rules.tick,
    order_rules.limit_price,
    order_rules.can_profit,
    tail_rules.value_at_risk,  # the dearest to reckon come last
    tail_rules.expected_shortfall,
)
