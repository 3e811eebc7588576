"""A burn-in from the command line: days on the stepped clock, and a report of them.

    python -m tests.burnin.run --days 100 --report build/burnin.md
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from common.config import Settings
from tests.burnin.days import Day, days_of, record
from tests.burnin.session import Record, TradingDay, desk_on
from tests.burnin.trader import Trader
from tests.exchange import Exchange

FIRST: Final = date(2025, 8, 6)  # a hundred sessions from here hold two early closes
EVERY: Final = timedelta(minutes=23)
REJECTED_MOST: Final = 0.005


@dataclass(slots=True, kw_only=True)
class BurnIn:
    """The days of a burn-in and what the trader met in them."""

    seed: int
    days: list[Record] = field(default_factory=list)
    trader: Trader

    @property
    def faults(self) -> list[str]:
        """Return what must not be: empty when the burn-in held."""
        found = [f"{r.day.day}: cap breached: {b}" for r in self.days for b in r.breaches]
        found += [f"{r.day.day}: {orphan}" for r in self.days for orphan in r.orphans]
        found += [
            f"{r.day.day}: ${r.unexplained} unexplained" for r in self.days if r.unexplained
        ]
        orders, rejected = (sum(getattr(r, n) for r in self.days) for n in ("orders", "rejected"))
        if rejected > REJECTED_MOST * orders:
            found.append(f"{rejected} of {orders} orders were rejected by the broker")
        return found

    @property
    def trades(self) -> int:
        """How many opening orders filled."""
        return sum(r.trades for r in self.days)


async def burn_in(folder: Path, days: tuple[Day, ...], seed: int, **settings: object) -> BurnIn:
    """Live through days with a trader of a seed."""
    record(folder / "recording", days, seed)
    done = BurnIn(seed=seed, trader=Trader(Random(seed)))
    options = {"feed": "replay", "recording": folder / "recording", "day": days[0].day}
    with Exchange.start(folder, **options) as exchange:
        told = {"alpaca_api_key": exchange.key, "alpaca_secret_key": exchange.secret}
        wanted = Settings(
            _env_file=None,
            alpaca_base_url=exchange.url,
            broker_requests_per_minute=6000,
            **told,
            **settings,
        )
        for day in days:
            async with desk_on(exchange, folder, wanted) as desk:
                found = await TradingDay(exchange, desk, done.trader, day, EVERY).run()
            done.days.append(found)
            print(_line(found), flush=True)  # noqa: T201 a long run says how far it is
    return done


def _line(r: Record) -> str:
    return (
        f"| {r.day.day} | {r.day.kind} | {r.trades} | {r.orders} | {r.rejected} | {r.result:.2f} "
        f"| {r.low:.2f} | {len(r.breaches)} | {len(r.orphans)} | {r.unexplained} |"
    )


def main() -> int:
    """Run it; 1 when something must not have been."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--report", type=Path)
    told = parser.parse_args()
    with TemporaryDirectory() as folder:
        done = asyncio.run(burn_in(Path(folder), days_of(FIRST, told.days), told.seed))
    print(done.trades, done.trader.refusals, done.trader.limits)
    print("\n".join(done.faults) or "held")
    return bool(done.faults)


if __name__ == "__main__":
    sys.exit(main())
