"""The short form of the burn-in; `make burn-in` lives through a hundred days."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from tests.burnin.burnin import LONG, BurnIn, burn_in
from tests.burnin.days import Kind, days_of
from tests.burnin.session import DayRecord
from tests.burnin.trader import Trader


async def test_days_end_flat_with_every_cent_explained(tmp_path: Path) -> None:
    days = days_of(date(2025, 11, 26), 2)
    assert [day.kind for day in days] == [Kind.TREND, Kind.HALF_DAY]
    done = await burn_in(tmp_path, days, seed=7, every=timedelta(minutes=45))
    assert done.faults == []
    assert done.trades >= 1
    assert done.trader.refusals


def test_the_hundred_days_hold_every_kind_and_two_early_closes() -> None:
    kinds = Counter(day.kind for day in days_of(date(2025, 8, 6), 100))
    assert set(kinds) == set(Kind)
    assert kinds[Kind.HALF_DAY] == 2


def test_what_must_not_be_is_told() -> None:
    [day] = days_of(date(2025, 11, 25), 1)
    bad = DayRecord(
        day=day,
        trades=1,
        orders=2,
        rejected=1,
        breaches=["-501 at 15:00Z"],
        orphans=["position 1 SPY"],
        unexplained=Decimal("0.01"),
    )
    told = " ".join(BurnIn(seed=1, trader=Trader(Random(1)), days=[bad]).faults)
    for word in ("loss cap", "nobody's position 1 SPY", "$0.01", "rejected"):
        assert word in told
    trader = Trader(Random(1), known={"delta"})
    long = BurnIn(seed=1, trader=trader, days=[DayRecord(day=day, trades=0)] * LONG)
    assert long.faults == ["the limit delta never refused", "only 0 trades"]
