"""The bounds of the desk, as values of Settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from common.money import Dollars
from common.session import CutOffs


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """What is allowed. Dollars at worst, share equivalents either way, counts of a session.

    spread_max: of a leg's mid; five cents always pass. price_tolerance: of the net price; two
    cents always pass. contracts_max: units of one order, a stop to typing errors rather than a
    view on size. A bound that is None follows another: the property of its name without _max
    or _cap tells it.
    """

    max_daily_loss: Dollars
    delta_cap: float
    quote_age_max: timedelta
    spread_max: Decimal
    no_entry_before_close: timedelta
    price_tolerance: Decimal
    cut_offs: CutOffs = field(default_factory=CutOffs)

    trade_risk_max: Dollars | None = None
    strategy_risk_max: Dollars | None = None
    exposure_max: Dollars | None = None
    contracts_max: int = 100
    strike_contracts_max: int = 100
    expiry_contracts_max: int = 400
    open_interest_min: int = 10

    sigma_delta_cap: float | None = None
    assignment_shares_max: int = 1_000
    late_gamma_max: float = 500_000.0  # dollars of delta a 1% move brings
    late_gamma_from: timedelta = timedelta(minutes=60)  # before the close

    var_max: Dollars | None = None
    es_max: Dollars | None = None

    trades_per_day_max: int = 20
    orders_per_minute_max: int = 10
    orders_per_hour_max: int = 60
    duplicate_window: timedelta = timedelta(seconds=60)
    repeats_max: int = 5
    cooldown_after_loss: timedelta = timedelta(minutes=10)
    consecutive_losses_max: int = 3

    @property
    def trade_risk(self) -> Dollars:
        """What one trade may lose."""
        return self.max_daily_loss if self.trade_risk_max is None else self.trade_risk_max

    @property
    def strategy_risk(self) -> Dollars:
        """What the open trades of one strategy may lose together."""
        return self.max_daily_loss if self.strategy_risk_max is None else self.strategy_risk_max

    @property
    def exposure(self) -> Dollars:
        """What everything open and pending may lose from here, gains so far not counted."""
        return 2 * self.max_daily_loss if self.exposure_max is None else self.exposure_max

    @property
    def sigma_delta(self) -> float:
        """How far delta may come within one standard deviation of the remaining session."""
        return 2 * self.delta_cap if self.sigma_delta_cap is None else self.sigma_delta_cap

    @property
    def value_at_risk(self) -> Dollars:
        """What half an hour may lose at 99 %."""
        return self.max_daily_loss if self.var_max is None else self.var_max

    @property
    def expected_shortfall(self) -> Dollars:
        """What half an hour may lose in the mean of its worst 2.5 %."""
        return self.max_daily_loss if self.es_max is None else self.es_max
