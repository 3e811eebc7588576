"""The settings as pricing and risk take them: values, not settings."""

from __future__ import annotations

from common.config import Settings
from common.session import CutOffs
from services.execution.pricing import Pricing
from services.risk.limits import RiskLimits
from services.strategies.sizing import SizeLimits


def pricing(settings: Settings) -> Pricing:
    """Return how the desk prices and sizes what is proposed."""
    return Pricing(
        price_tolerance=settings.price_tolerance,
        sizes=SizeLimits(
            premium_max=settings.premium_max, displayed_share=settings.displayed_share_max
        ),
    )


def risk_limits(settings: Settings) -> RiskLimits:
    """Return the limits as risk takes them: values, not settings."""
    return RiskLimits(
        max_daily_loss=settings.max_daily_loss,
        delta_cap=settings.portfolio_delta_cap,
        quote_age_max=settings.quote_age_max,
        spread_max=settings.spread_max,
        no_entry_before_close=settings.no_entry_before_close,
        price_tolerance=settings.price_tolerance,
        cut_offs=CutOffs(last_order_late_close=settings.last_order_before_close),
        trade_risk_max=settings.trade_risk_max,
        strategy_risk_max=settings.strategy_risk_max,
        exposure_max=settings.exposure_max,
        contracts_max=settings.contracts_max,
        strike_contracts_max=settings.strike_contracts_max,
        expiry_contracts_max=settings.expiry_contracts_max,
        open_interest_min=settings.open_interest_min,
        sigma_delta_cap=settings.sigma_delta_cap,
        assignment_shares_max=settings.assignment_shares_max,
        late_gamma_max=settings.late_gamma_max,
        late_gamma_from=settings.late_gamma_from,
        var_max=settings.var_max,
        es_max=settings.es_max,
        trades_per_day_max=settings.trades_per_day_max,
        orders_per_minute_max=settings.orders_per_minute_max,
        orders_per_hour_max=settings.orders_per_hour_max,
        duplicate_window=settings.duplicate_window,
        repeats_max=settings.repeats_max,
        cooldown_after_loss=settings.cooldown_after_loss,
        consecutive_losses_max=settings.consecutive_losses_max,
    )
