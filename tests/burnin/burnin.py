"""Many days in a row: one exchange, one account, the desk started anew each morning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from common.config import Settings
from tests.burnin.days import Day, record
from tests.burnin.session import DayRecord, TradingDay, desk_on
from tests.burnin.trader import Trader
from tests.exchange import Exchange

LONG: Final = 50  # days after which every limit must have refused something
TRADES_LEAST: Final = 200
REJECTED_MOST: Final = 0.005  # of the orders, by the broker

RESTARTED: Final = 3  # every so many days the desk is started anew before noon

# How the desk is set, in turn by day: each has another limit that binds first.
PROFILES: Final[tuple[dict[str, Any], ...]] = (
    {"portfolio_delta_cap": 50},
    {"portfolio_delta_cap": 12, "trades_per_day_max": 2},
    {"max_daily_loss": 250, "orders_per_hour_max": 2},
    {"spread_max": "0.05", "strike_contracts_max": 2, "expiry_contracts_max": 6},
    {"no_entry_before_close": 120, "trade_risk_max": 60},
    {"strategy_risk_max": 120, "contracts_max": 2},
    {"exposure_max": 200, "orders_per_minute_max": 1},
    {"late_gamma_max": 3_000, "late_gamma_from": 380},
    {"open_interest_min": 4_000, "repeats_max": 1, "duplicate_window": 0},
    {"var_max": 60},
    {"es_max": 80},
    {"assignment_shares_max": 150, "sigma_delta_cap": 30},
    {"consecutive_losses_max": 1},
)
ROOM: Final[dict[str, Any]] = {"portfolio_delta_cap": 300}  # else a drift halts half of all days

# What this trader never meets, or is told by another name: a halt as kill_switch, an old quote
# as stale_quote, and what the desk's own strategies never ask for.
NOT_MET: Final = frozenset(
    {"account", "halt", "max_profit", "options_level", "order_form", "quote_age", "tick"}
)


@dataclass(slots=True, kw_only=True)
class BurnIn:
    """The days lived through and what the trader met in them."""

    seed: int
    trader: Trader
    days: list[DayRecord] = field(default_factory=list)

    @property
    def trades(self) -> int:
        """How many opening orders filled."""
        return sum(day.trades for day in self.days)

    @property
    def faults(self) -> list[str]:
        """Return what must not be: empty when the burn-in held."""
        found = []
        for day in self.days:
            found += [f"{day.date}: the loss cap was passed: {low}" for low in day.breaches]
            found += [f"{day.date}: nobody's {orphan}" for orphan in day.orphans]
            if day.unexplained:
                found.append(f"{day.date}: ${day.unexplained} unexplained")
        if len(self.days) >= LONG:
            unmet = self.trader.known - set(self.trader.limits) - NOT_MET
            found += [f"the limit {name} never refused" for name in sorted(unmet)]
            if self.trades < TRADES_LEAST:
                found.append(f"only {self.trades} trades")
        orders, rejected = (
            sum(getattr(day, n) for day in self.days) for n in ("orders", "rejected")
        )
        if rejected > REJECTED_MOST * orders:
            found.append(f"{rejected} of {orders} orders were rejected by the broker")
        return found


async def burn_in(
    folder: Path,
    days: tuple[Day, ...],
    seed: int,
    every: timedelta,
    told: Callable[[DayRecord], None] = lambda _: None,
) -> BurnIn:
    """Live through days with a trader of a seed, who looks at the market every so often."""
    record(folder / "recording", days, seed)
    done = BurnIn(seed=seed, trader=Trader(Random(seed)))
    options = {"feed": "replay", "recording": folder / "recording", "day": days[0].day}
    with Exchange.start(folder, **options) as exchange:
        for number, day in enumerate(days):
            settings = _settings(exchange, PROFILES[number % len(PROFILES)])
            trading = TradingDay(exchange, done.trader, day, every)
            if number % RESTARTED == 0:
                async with desk_on(exchange, folder, settings) as desk:
                    await trading.walk(desk, day.trouble)
            async with desk_on(exchange, folder, settings) as desk:
                await trading.walk(desk, day.session.close)
                done.days.append(await trading.finish(desk))
            told(done.days[-1])
    return done


def _settings(exchange: Exchange, profile: dict[str, Any]) -> Settings:
    known: dict[str, Any] = {
        "alpaca_api_key": exchange.key,
        "alpaca_secret_key": exchange.secret,
        "alpaca_base_url": exchange.url,
        "broker_requests_per_minute": 6000,
    }
    return Settings(_env_file=None, **known | ROOM | profile)
