"""Memory over a simulated session: a clock walked from the open to the close, the market read.

Every step lives ten minutes of a working market (resting orders looked at each minute), then
asks for what a desk asks for: an option chain's snapshots, bars, the account, its orders. No
order is added on the way, since orders are kept for ever by design. What is still growing in
the second half would grow for ever.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression

from bench.exchange import ADMIN_KEY, Exchange, call, exchange
from bench.rows import Row

RUNS = 3
STEP_MINUTES, SESSION_MINUTES = 10, 390
SLOPE_MOST = 2.0  # MiB an hour over the second half
ORDERS = 50
PATHS = (
    "/v1beta1/options/snapshots/SPY?limit=100",
    "/v2/stocks/SPY/bars?timeframe=1Min&limit=10000",
    "/v2/stocks/snapshots?symbols=SPY,QQQ,AAPL",
    "/v2/account",
    "/v2/positions",
    "/v2/orders",
)


def rows() -> list[Row]:
    """Measure the growth."""
    runs = [_session() for _ in range(RUNS)]
    half = len(runs[0]) // 2
    return [
        Row.of("resident at the open", [run[0] for run in runs], "MiB"),
        Row.of("resident at midday", [run[half] for run in runs], "MiB"),
        Row.of("resident at the close", [run[-1] for run in runs], "MiB"),
        Row.of(
            "growth over the afternoon",
            [slope(run[half:]) for run in runs],
            "MiB/h",
            f"least squares; {len(runs[0]) - half} points; hours of the exchange's time",
            at_most=SLOPE_MOST,
        ),
    ]


def slope(points: Sequence[float]) -> float:
    """Return the growth in MiB an hour of the market's time, by least squares."""
    hours = [number * STEP_MINUTES / 60 for number in range(len(points))]
    return linear_regression(hours, points).slope


def _session() -> list[float]:
    """Return resident memory at each step of a day, MiB."""
    with exchange(clock="stepped", at="09:30") as running:
        _rest(running)
        points = [resident(running.process.pid)]
        for _ in range(SESSION_MINUTES // STEP_MINUTES - 1):
            step(running)
            points.append(resident(running.process.pid))
        return points


def _rest(running: Exchange) -> None:
    """Rest orders away from the market."""
    for number in range(ORDERS):
        order = {
            "symbol": ("SPY", "QQQ", "AAPL")[number % 3],
            "qty": "1",
            "side": "buy",
            "type": "limit",
            "limit_price": str(10 + number),
            "time_in_force": "day",
        }
        call(running.url, "POST", "/v2/orders", json.dumps(order).encode(), _headers(running))


def step(running: Exchange) -> None:
    """Let the market go on for a while, and ask for what a desk asks for."""
    admin = {"Authorization": f"Bearer {ADMIN_KEY}"}
    by = json.dumps({"by": STEP_MINUTES * 60}).encode()
    call(running.url, "POST", "/admin/clock", by, admin)
    for path in PATHS:
        call(running.url, "GET", path, b"", _headers(running))


def _headers(running: Exchange) -> dict[str, str]:
    key, secret = running.keys
    return {
        "APCA-API-KEY-ID": key,
        "APCA-API-SECRET-KEY": secret,
        "Content-Type": "application/json",
    }


def resident(process: int) -> float:
    """Return the resident set of a process, MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    [kib] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kib) / 1024
