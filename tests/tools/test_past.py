"""With past days on disk: history's tail, its backtest, and a straddle with something to compare.

The days are the exchange's calendar; the newest is what its bars say, or none would be believed,
the others are drawn at half of what today's chain implies.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from common.config import Settings
from common.pricing.moves import SESSION_MINUTES
from common.session import Session
from serving.state import desk_name
from tests.desk import Desk
from tests.e2e.changing import changes
from tests.exchange import Exchange
from tests.tools.market import PATIENT, until

CONDOR = "iron_condor_30_delta"
DAY = date(2026, 12, 8)
DAYS = 400
DAILY = 0.0037  # a calm year: about half of what the chain of that morning implies

pytestmark = pytest.mark.usefixtures("flat_after")


def full_days(exchange: Exchange) -> list[date]:
    """Return the last full sessions before today, as the exchange lists them."""
    listed = exchange.get(
        "/v2/calendar", start=DAY - timedelta(days=700), end=DAY - timedelta(days=1)
    )
    return [date.fromisoformat(one["date"]) for one in listed if one["close"] == "16:00"][-DAYS:]


def newest(exchange: Exchange, day: date) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a day's prices from its bars: the open, then each minute's close."""
    session = Session.regular(day)
    bars = exchange.get(
        "/v2/stocks/bars",
        symbols="SPY",
        timeframe="1Min",
        start=session.open.isoformat().replace("+00:00", "Z"),
        end=(session.close - timedelta(minutes=1)).isoformat().replace("+00:00", "Z"),
        limit=1000,
    )["bars"]["SPY"]
    assert len(bars) == SESSION_MINUTES
    return np.array([bars[0]["o"], *(bar["c"] for bar in bars)], dtype=np.float64)


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    home: Path = tmp_path_factory.mktemp("state")
    settings = Settings(
        alpaca_api_key=exchange.key,  # type: ignore[arg-type]  # pydantic makes it a secret
        alpaca_secret_key=exchange.secret,  # type: ignore[arg-type]  # likewise
        alpaca_base_url=exchange.url,
        state_dir=home,
    )
    days = full_days(exchange)
    rng = np.random.default_rng(17)
    returns = rng.standard_t(6, (DAYS, SESSION_MINUTES)) * DAILY / sqrt(1.5 * SESSION_MINUTES)
    paths = np.concatenate([np.zeros((DAYS, 1)), np.cumsum(returns, axis=1)], axis=1)
    prices = 670.0 * np.exp(paths)
    prices[-1] = newest(exchange, days[-1])
    folder = home / desk_name(settings)
    folder.mkdir(mode=0o700)
    np.savez_compressed(
        folder / "history-SPY.npz", days=[day.toordinal() for day in days], prices=prices
    )
    with Desk.start(home, exchange, **(PATIENT | {"history_days": DAYS})) as desk:
        yield desk


@changes("history_days")
async def test_past_days_give_a_second_tail_and_its_backtest(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        order = await client.confirmed(CONDOR, shown, width=2)
        await client.ended(order["client_order_id"])

        async def known() -> bool:
            return not (await client.ask("risk_metrics"))["unknown"]

        await until(known, "the past was not read")
        found = await client.ask("risk_metrics")
        for one in found["horizons"]:
            for name in ("var_95", "var_99", "es_975"):
                tails = (Decimal(one["by_smile"][name]), Decimal(one["by_history"][name]))
                assert Decimal(one[name]) == max(tails)
        assert [one["level"] for one in found["backtest"]] == [0.95, 0.99]
        for one in found["backtest"]:
            assert one["days"] == DAYS - 20 - 250
            assert one["kupiec_p"] > 0.01
        assert Decimal(found["jumps"]["-7%"]) < 0
        limits = (await client.ask("risk_check"))["limits"]
        [var] = [limit for limit in limits if limit["name"] == "var"]
        [half_hour] = [one for one in found["horizons"] if one["minutes"] == 30]
        assert half_hour["var_99"] in var["used"]


async def test_a_straddle_dearer_than_calm_days_is_said_to_be_dear(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        found = await client.ask("straddle_scan")
    assert set(found["forecasts"]) == {
        "today carried on",
        "median of 20 days",
        "median of 60 days",
    }
    rest = DAILY * sqrt(355 / 390)
    assert found["forecasts"]["median of 60 days"] == pytest.approx(rest, rel=0.1)
    assert found["score"] == pytest.approx(
        found["implied_vol"] / found["forecast_vol"] - 1, abs=0.01
    )
    if found["filters_failed"]:
        assert found["verdict"] == "no edge"
    else:
        beyond = found["score"] > 0.15
        worth = Decimal(found["edge"]) > 2 * Decimal(found["round_trip_cost"])
        assert (found["verdict"] == "dear") is (beyond and worth)
