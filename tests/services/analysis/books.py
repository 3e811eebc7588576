"""Books and histories to analyse, and prices worked out without the code under test."""

from __future__ import annotations

from datetime import date, timedelta
from math import erf, log, sqrt

import numpy as np

from common.contracts import Right
from common.pricing.moves import SESSION_MINUTES, MoveHistory
from common.quotes import ChainSnapshot
from services.analysis.scenarios import HeldLeg
from tests.builders import DAILY_SIGMA, contract

CONDOR = tuple(
    HeldLeg(contract=contract(strike, right), qty=qty)
    for strike, right, qty in (
        (663, Right.PUT, 10),
        (665, Right.PUT, -10),
        (675, Right.CALL, -10),
        (677, Right.CALL, 10),
    )
)
MIXED = (
    *CONDOR,
    HeldLeg(contract=contract(670, Right.CALL), qty=3),
    HeldLeg(contract=contract(668, Right.PUT), qty=-2),
    HeldLeg(contract=None, qty=-120),
)


def phi(z: float) -> float:
    """Return the normal distribution by the library's error function."""
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))


def option(forward: float, strike: float, vol: float, is_call: bool) -> float:
    """Return Black's price, written out once more."""
    if vol <= 0:
        return max(forward - strike if is_call else strike - forward, 0.0)
    d1 = log(forward / strike) / vol + vol / 2
    call = forward * phi(d1) - strike * phi(d1 - vol)
    return call if is_call else call - forward + strike


def knot_vol(chain: ChainSnapshot, strike: float) -> float:
    """Return the smile at a strike: a line between its neighbours, flat beyond the last."""
    ks, vs = chain.strikes, chain.total_vols
    if strike <= ks[0]:
        return vs[0]
    for k0, k1, v0, v1 in zip(ks, ks[1:], vs, vs[1:], strict=False):
        if strike <= k1:
            return v0 + (v1 - v0) * (strike - k0) / (k1 - k0)
    return vs[-1]


def worth(
    legs: tuple[HeldLeg, ...], chain: ChainSnapshot, ratio: float, minutes: float, vol: float
) -> float:
    """Return a book's dollars in one scenario, leg by leg."""
    total = 0.0
    for leg in legs:
        if leg.contract is None:
            total += leg.qty * float(chain.spot) * ratio
            continue
        strike = float(leg.contract.strike)
        s = knot_vol(chain, strike / ratio) * vol * sqrt(minutes / chain.minutes)
        price = option(chain.forward * ratio, strike, s, leg.contract.is_call)
        total += leg.qty * 100 * price
    return total


def history(days: int = 500, seed: int = 3, *, fat: bool = True) -> MoveHistory:
    """Return sessions whose volatility wanders and whose minutes have fat tails."""
    rng = np.random.default_rng(seed)
    shocks = (
        rng.standard_t(5, (days, SESSION_MINUTES)) / sqrt(5 / 3)
        if fat
        else rng.normal(size=(days, SESSION_MINUTES))
    )
    level = np.exp(0.3 * np.cumsum(rng.normal(size=days)) / sqrt(days))[:, None]
    returns = shocks * level * DAILY_SIGMA / sqrt(SESSION_MINUTES)
    paths = np.concatenate([np.zeros((days, 1)), np.cumsum(returns, axis=1)], axis=1)
    start = date(2024, 1, 2)
    return MoveHistory(
        days=tuple(start + timedelta(days=day) for day in range(days)),
        prices=600.0 * np.exp(paths),
    )
