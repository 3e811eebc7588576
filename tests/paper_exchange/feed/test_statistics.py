"""The synthetic market looks like the recorded one.

Bounds are around numbers measured on 297 days of SPY minutes (2024-02 to 2025-07), 566 days of
SPX same-day options (2023-11 to 2026-02), and recorded SPX and SPY spreads. Ours are of 75
days, so the bounds leave room for what so few days may differ by.
"""

from __future__ import annotations

from datetime import date, time, timedelta

import numpy as np
import pytest

from common.contracts import Right
from common.pricing.implied_vol import implied_total_vol
from common.quotes import Bar, Quote
from common.session import new_york
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.synthetic import SyntheticSource
from paper_exchange.feed.synthetic_random import Floats

DAYS, SEEDS = (date(2026, 8, 17), date(2026, 9, 4)), (7, 8, 9, 10, 11)
HALF_HOURS = 13
VOLUME_SHARES = (11.3, 8.5, 7.1, 6.5, 5.5, 5.0, 4.8, 4.9, 4.9, 6.0, 6.2, 7.5, 21.8)


@pytest.fixture(scope="module")
def days(calendar: Calendar) -> list[list[Bar]]:
    return [
        SyntheticSource(seed, calendar).bars("SPY", session.open, session.close, 1)
        for seed in SEEDS
        for session in calendar.sessions(*DAYS)
    ]


@pytest.fixture(scope="module")
def returns(days: list[list[Bar]]) -> Floats:
    """One-minute returns in basis points, a row a day."""
    prices = np.asarray(
        [[float(bars[0].open)] + [float(bar.close) for bar in bars] for bars in days]
    )
    return np.asarray(1e4 * np.diff(np.log(prices), axis=1))


def test_minute_returns_have_the_size_and_the_tails(returns: Floats) -> None:
    daily = returns.std(axis=1, keepdims=True)
    scaled = returns / daily
    assert 2.3 < returns.std() < 4.4  # 3.3
    assert 1.6 < 1.4826 * np.median(np.abs(returns)) < 2.9  # 2.3
    assert 1.5 < (scaled**4).mean() - 3 < 7.0  # 3.2
    assert 0.001 < (np.abs(scaled) > 4).mean() < 0.007  # 0.0032


def test_returns_have_no_memory_but_their_size_has(returns: Floats) -> None:
    scaled = returns / returns.std(axis=1, keepdims=True)

    def lagged(x: Floats, lag: int) -> float:
        return float(np.corrcoef(x[:, :-lag].ravel(), x[:, lag:].ravel())[0, 1])

    assert abs(lagged(scaled, 1)) < 0.03
    assert 0.06 < lagged(np.abs(scaled), 1) < 0.2  # 0.13
    assert 0.03 < lagged(np.abs(scaled), 5) < 0.15  # 0.09


def test_days_differ_as_days_do(returns: Floats) -> None:
    realised = np.log(np.sqrt((returns**2).sum(axis=1) * 252) / 1e4)
    assert -2.75 < realised.mean() < -2.15  # -2.43
    assert 0.25 < realised.std() < 0.55  # 0.40


def test_the_open_and_the_close_are_the_lively_hours(returns: Floats) -> None:
    halves = (returns**2).mean(axis=0).reshape(HALF_HOURS, 30).sum(axis=1)
    share = 100 * halves / halves.sum()
    assert 10 < share[0] < 19  # 14.0
    assert 7 < share[-1] < 15  # 10.6
    assert share[4:9].max() < share[0]
    assert 3.5 < share[4:9].mean() < 7.5  # 5.6


def test_volume_has_its_profile(days: list[list[Bar]]) -> None:
    volume = np.asarray([[bar.volume for bar in bars] for bars in days], dtype=float)
    share = volume.reshape(-1, HALF_HOURS, 30).sum(axis=2)
    share = 100 * (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    assert np.abs(share / VOLUME_SHARES - 1).max() < 0.15
    assert 30e6 < np.median(volume.sum(axis=1)) < 60e6  # 42.7 million
    assert 0.025 < np.median(volume[:, -1] / volume.sum(axis=1)) < 0.06  # 0.041


def test_opening_ranges_are_as_wide_as_they_are(days: list[list[Bar]]) -> None:
    def width(minutes: int) -> float:
        return float(
            np.median(
                [
                    100
                    * float(
                        max(b.high for b in bars[:minutes]) - min(b.low for b in bars[:minutes])
                    )
                    / float(bars[0].open)
                    for bars in days
                ]
            )
        )

    assert 0.10 < width(5) < 0.21  # 0.147
    assert 0.15 < width(15) < 0.30  # 0.215
    assert 0.20 < width(30) < 0.40  # 0.293
    assert 0.6 < width(390) < 1.15  # 0.840


@pytest.fixture(scope="module")
def smiles(calendar: Calendar) -> dict[time, list[tuple[float, Floats]]]:
    """Per hour and day: the money's total vol in percent, and the smile at z = -1.5, -1, 1, 1.5."""
    found: dict[time, list[tuple[float, Floats]]] = {}
    for hour in (time(10), time(12), time(15)):
        found[hour] = [
            _smile(SyntheticSource(seed, calendar), session.day, hour)
            for seed in SEEDS
            for session in calendar.sessions(*DAYS)[::2]
        ]
    return found


def _smile(source: SyntheticSource, day: date, hour: time) -> tuple[float, Floats]:
    at = new_york(day, hour)
    spot = float(source.spot("SPY", at))
    listed = [
        c
        for c in source.contracts("SPY", day)
        if c.expiry == day and (float(c.strike) >= spot) is (c.right is Right.CALL)
    ]
    quotes = source.quotes([c.symbol for c in listed], at)
    strikes = np.asarray([float(c.strike) for c in listed])
    mids = np.asarray([_mid(quote) for quote in quotes])
    vols = implied_total_vol(mids, spot, strikes, strikes >= spot)
    usable = np.isfinite(vols)
    z = np.log(strikes[usable] / spot)
    money = float(np.interp(0.0, z, vols[usable]))
    return 100 * money, np.interp([-1.5, -1, 1, 1.5], z / money, vols[usable] / money)


def _mid(quote: Quote | None) -> float:
    return float(quote.mid) if quote is not None and quote.two_sided else float("nan")


@pytest.mark.parametrize(
    ("hour", "median"), [(time(10), 0.513), (time(12), 0.385), (time(15), 0.204)]
)
def test_the_money_costs_and_decays_as_recorded(
    smiles: dict[time, list[tuple[float, Floats]]], hour: time, median: float
) -> None:
    level = np.median([money for money, _ in smiles[hour]])
    assert 0.75 * median < level < 1.3 * median


@pytest.mark.parametrize(
    ("hour", "fit"),
    [
        (time(10), (-0.113, 0.042, 0.013)),
        (time(12), (-0.100, 0.054, 0.008)),
        (time(15), (-0.057, 0.057, 0.004)),
    ],
)
def test_the_smile_is_skewed_as_recorded(
    smiles: dict[time, list[tuple[float, Floats]]], hour: time, fit: tuple[float, float, float]
) -> None:
    z = np.asarray([-1.5, -1, 1, 1.5])
    a, b, c = fit
    shape = np.median([ratio for _, ratio in smiles[hour]], axis=0)
    assert np.abs(shape - (1 + a * z + b * z**2 + c * z**3)).max() < 0.04


@pytest.mark.parametrize(
    ("in_the_money", "least", "most"),
    [
        (0.00, 0.01, 0.03),  # a cent to the money
        (0.01, 0.06, 0.16),  # 10 cents
        (0.023, 0.20, 0.42),  # 30 cents
        (0.045, 0.42, 0.80),  # 50 to 65 cents
    ],
)
def test_spreads_widen_in_the_money(
    source: SyntheticSource, calendar: Calendar, in_the_money: float, least: float, most: float
) -> None:
    spreads = []
    for session in calendar.sessions(*DAYS):
        at = session.open + timedelta(hours=2)
        strike = round(float(source.spot("SPY", at)) * (1 - in_the_money))
        quote = source.quote(f"SPY{session.day:%y%m%d}C{strike:05d}000", at)
        assert quote is not None
        spreads.append(float(quote.spread))
    assert least <= np.median(spreads) <= most


def test_the_first_minutes_and_the_last_are_wider(source: SyntheticSource) -> None:
    day = date(2026, 8, 19)

    def spread(at: time, depth: int) -> float:
        spot = round(float(source.spot("SPY", new_york(day, at))))
        symbols = [f"SPY{day:%y%m%d}C{spot - depth + n:05d}000" for n in range(-2, 3)]
        quotes = source.quotes(symbols, new_york(day, at))
        return float(np.mean([float(quote.spread) for quote in quotes if quote is not None]))

    assert spread(time(9, 31), 6) > 1.7 * spread(time(11), 6)
    assert spread(time(15, 50), 15) > 1.7 * spread(time(14), 15)


def test_the_stock_is_a_cent_wide(source: SyntheticSource) -> None:
    start = new_york(date(2026, 8, 19), time(11))
    history = source.quote_history("SPY", start, start + timedelta(minutes=1), 1_000)
    assert {float(quote.spread) for quote in history} == {0.01}
    assert 300 < np.median([quote.bid_size for quote in history]) < 2_000
