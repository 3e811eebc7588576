"""Many days in a row: one exchange, one account, the desk started anew each morning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from common.config import Settings
from tests.burnin.days import Day, record
from tests.burnin.drills import (
    Drill,
    breakouts,
    dear,
    demoted,
    killed,
    naked,
    pointless,
    same_again,
    suspended,
)
from tests.burnin.session import DayRecord, TradingDay, seat_at
from tests.burnin.trader import Trader
from tests.exchange import Exchange

LONG: Final = 50  # days after which every limit must have refused something
TRADES_LEAST: Final = 200
REJECTED_MOST: Final = 0.005  # of the orders, by the broker

RESTARTED: Final = 3  # every so many days the desk is started anew before noon


@dataclass(frozen=True, slots=True)
class Profile:
    """How the desk is set for a day, and what the trader tries on purpose at each look."""

    settings: Mapping[str, Any]
    drills: tuple[Drill, ...] = ()


# In turn by day: each has another limit that binds first.
PROFILES: Final[tuple[Profile, ...]] = (
    Profile({"portfolio_delta_cap": 50}, (naked,)),
    Profile({"portfolio_delta_cap": 12, "trades_per_day_max": 2}),
    Profile({"max_daily_loss": 250, "orders_per_hour_max": 2}),
    Profile({"spread_max": "0.05", "strike_contracts_max": 2, "expiry_contracts_max": 6}),
    Profile({"no_entry_before_close": 120, "trade_risk_max": 60}),
    Profile({"cooldown_after_loss": 0, "consecutive_losses_max": 100}, (breakouts,)),
    Profile({"strategy_risk_max": 120, "contracts_max": 2}, (pointless,)),
    Profile({"exposure_max": 200, "orders_per_minute_max": 1}, (dear,)),
    Profile({"late_gamma_max": 3_000, "late_gamma_from": 380}, (killed,)),
    Profile({"repeats_max": 2, "duplicate_window": 0, "cooldown_after_loss": 0}, (same_again,)),
    Profile({"open_interest_min": 4_000}, (suspended, demoted)),
    Profile({"quote_age_max": 1}),
    Profile({"var_max": 60}),
    Profile({"es_max": 80}),
    Profile({"assignment_shares_max": 150, "sigma_delta_cap": 30}),
    Profile({"consecutive_losses_max": 1}),
)
ROOM: Final[Mapping[str, Any]] = {"portfolio_delta_cap": 300}  # else a drift halts half of all days

# No call can meet this: every tool refuses a limit off the tick as a bad argument, and what the
# desk prices is put on it. It stands behind them, for what a later strategy might get wrong.
NOT_MET: Final = frozenset({"tick"})


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
    first: int = 0,
) -> BurnIn:
    """Live through days with a trader of a seed, who looks at the market every so often.

    first: the number of the first day, which tells how the desk is set on it.
    """
    record(folder / "recording", days, seed)
    done = BurnIn(seed=seed, trader=Trader(Random(seed)))
    options = {"feed": "replay", "recording": folder / "recording", "day": days[0].day}
    with Exchange.start(folder, **options) as exchange:
        for number, day in enumerate(days, first):
            profile = PROFILES[number % len(PROFILES)]
            settings = _settings(exchange, profile.settings)
            trading = TradingDay(exchange, done.trader, day, every, profile.drills)
            if number % RESTARTED == 0:
                async with seat_at(exchange, folder, settings) as seat:
                    await trading.walk(seat, day.trouble)
            async with seat_at(exchange, folder, settings) as seat:
                await trading.walk(seat, day.session.close)
                done.days.append(await trading.finish(seat))
            told(done.days[-1])
    return done


def _settings(exchange: Exchange, profile: Mapping[str, Any]) -> Settings:
    known: dict[str, Any] = {
        "alpaca_api_key": exchange.key,
        "alpaca_secret_key": exchange.secret,
        "alpaca_base_url": exchange.url,
        "broker_requests_per_minute": 6000,
    }
    return Settings(_env_file=None, **{**known, **ROOM, **profile})
