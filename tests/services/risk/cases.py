"""One sound order, the market it is sound in, and what risk says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from common.contracts import OptionContract, Right
from common.errors import LimitBreached
from common.limits import Halt
from common.orders import Approved, OrderIntent, PositionIntent
from common.portfolio import Exposure
from common.quotes import MarketView
from services.risk.activity import Activity
from services.risk.limits import RiskLimits
from services.risk.manager import RiskManager
from services.strategies.iron_condor import IronCondor
from tests.builders import (
    contract,
    make_exposure,
    make_intent,
    make_view,
    requoted,
)

LIMITS = RiskLimits(
    max_daily_loss=Decimal(500),
    delta_cap=50.0,
    quote_age_max=timedelta(seconds=5),
    spread_max=Decimal("0.25"),
    no_entry_before_close=timedelta(minutes=40),
    price_tolerance=Decimal("0.10"),
)
RISK = RiskManager(LIMITS)
VIEW = make_view()
FLAT = make_exposure()
QUIET = Activity(at=VIEW.now)
CONDOR = IronCondor(width=4).propose(VIEW).intent
OPEN, SELL = PositionIntent.BUY_TO_OPEN, PositionIntent.SELL_TO_OPEN


def breaches(
    intent: OrderIntent,
    *,
    exposure: Exposure = FLAT,
    view: MarketView = VIEW,
    halt: Halt = Halt.ACTIVE,
    risk: RiskManager = RISK,
    activity: Activity = QUIET,
    entries_max: int | None = None,
) -> dict[str, str]:
    """Return what approve refuses: projected by limit; nothing when it passes."""
    try:
        passed = risk.approve(intent, exposure, view, halt, activity, entries_max=entries_max)
    except LimitBreached as refused:
        return {breach.limit: breach.projected for breach in refused.breaches}
    assert passed.order == Approved(intent)
    return {}


def with_rows(changes: Mapping[OptionContract, Mapping[str, object]]) -> MarketView:
    """Return the market with fields of some rows replaced."""
    return replace(VIEW, chain=requoted(VIEW.chain, changes))


def long_call(strike: int = 673, limit: str = "0.96", qty: int = 1) -> OrderIntent:
    """Return an order to buy calls."""
    return make_intent((contract(strike, Right.CALL), OPEN), limit=limit, qty=qty)
