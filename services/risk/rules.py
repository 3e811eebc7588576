"""Every limit, in the order a refusal names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from services.risk import account_rules, order_rules
from services.risk.case import Case
from services.risk.finding import Finding

Rule: TypeAlias = Callable[[Case], Finding | None]

RULES: Final[tuple[Rule, ...]] = (
    account_rules.halted,
    account_rules.account_open,
    account_rules.session,
    account_rules.loss_budget,
    account_rules.delta_cap,
    account_rules.buying_power,
    order_rules.options_level,
    order_rules.order_form,
    order_rules.no_conflict,
    order_rules.size,
    order_rules.quote_age,
    order_rules.quote_spread,
    order_rules.tick,
    order_rules.limit_price,
    order_rules.can_profit,
)
