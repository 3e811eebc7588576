"""Implied volatility and four greeks of a whole chain, against two published engines.

The same prices go to all three: QuantLib's Black formula on known volatilities, S = 600, three
hours left, $200 of strikes, a smile of 0.12 + 11 |ln K/F|. The known volatility is the truth
that each engine's error is taken against. No rates: Black-76 of a same-day option.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import QuantLib as ql  # noqa: N813 (the name its own manual uses)
from numpy.typing import NDArray

from bench.rows import Row, ratios
from common.pricing.clocks import TRADING_MINUTES
from common.pricing.implied_vol import iv_and_greeks

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its docstrings hold escapes that new Pythons dislike
    import py_vollib_vectorized as vollib

Floats: TypeAlias = NDArray[np.float64]
Solve: TypeAlias = Callable[[], Floats]  # iv, delta, gamma, theta, vega, a row each

FORWARD = 600.0
MINUTES = 180.0
YEARS = MINUTES / TRADING_MINUTES
ERROR_MOST = 1e-8  # of an implied volatility
QL_ACCURACY = 1e-10  # of a total volatility; what it takes to be within ERROR_MOST
ROUNDS = 11
ROUND_SECONDS = 0.1  # a round repeats an engine for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Prices of both rights at every strike, and the volatilities they were made of."""

    strike: Floats
    is_call: NDArray[np.bool_]
    sigma: Floats
    price: Floats

    @classmethod
    def of(cls, contracts: int) -> Chain:
        strikes = np.linspace(501.0, 700.0, contracts // 2)
        strike, is_call = np.repeat(strikes, 2), np.tile([True, False], contracts // 2)
        sigma = 0.12 + 11.0 * np.abs(np.log(strike / FORWARD))
        total = (sigma * math.sqrt(YEARS)).tolist()
        price = [
            ql.blackFormula(_type(call), k, FORWARD, s)
            for k, call, s in zip(strike.tolist(), is_call.tolist(), total, strict=True)
        ]
        return cls(strike=strike, is_call=is_call, sigma=sigma, price=np.array(price))


def ours(chain: Chain) -> Solve:
    def solve() -> Floats:
        s = iv_and_greeks(chain.price, FORWARD, chain.strike, chain.is_call, MINUTES)
        return np.array((s.iv, s.delta, s.gamma, s.theta, s.vega))

    return solve


def vollibs(chain: Chain) -> Solve:
    """Return its fastest way: get_all_greeks, though that adds rho, beats four separate calls."""
    flag = np.where(chain.is_call, "c", "p")

    def solve() -> Floats:
        iv = vollib.vectorized_implied_volatility_black(
            chain.price, FORWARD, chain.strike, 0.0, YEARS, flag, return_as="numpy"
        )
        made = vollib.get_all_greeks(
            flag, FORWARD, chain.strike, YEARS, 0.0, iv, model="black", return_as="dict"
        )
        return np.array((iv, made["delta"], made["gamma"], made["theta"], made["vega"]))

    return solve


def quantlibs(chain: Chain) -> Solve:
    root = math.sqrt(YEARS)

    def solve() -> Floats:
        found = []
        columns = (chain.strike.tolist(), chain.is_call.tolist(), chain.price.tolist())
        for strike, call, price in zip(*columns, strict=True):
            right = _type(call)
            total = ql.blackFormulaImpliedStdDev(
                right, strike, FORWARD, price, 1.0, 0.0, 0.01, QL_ACCURACY
            )
            black = ql.BlackCalculator(ql.PlainVanillaPayoff(right, strike), FORWARD, total, 1.0)
            found.append(
                (
                    total / root,
                    black.delta(FORWARD),
                    black.gamma(FORWARD),
                    black.theta(FORWARD, YEARS),
                    black.vega(YEARS),
                )
            )
        return np.array(found).T

    return solve


ENGINES = {
    "common.pricing": ours,
    "py_vollib_vectorized": vollibs,
    "QuantLib": quantlibs,
}


def rows() -> list[Row]:
    """Measure a chain of usual size and one ten times it."""
    return [*_chain_rows(400, (4.0, 20.0)), *_chain_rows(4000, (None, None))]


def _chain_rows(contracts: int, targets: tuple[float | None, float | None]) -> list[Row]:
    chain = Chain.of(contracts)
    engines = {name: make(chain) for name, make in ENGINES.items()}
    answers = {name: solve() for name, solve in engines.items()}  # warmed, and compiled
    _agree(answers)
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        for name, solve in engines.items():
            times[name].append(_seconds(solve) * 1e6)
    errors = {name: float(np.abs(a[0] - chain.sigma).max()) for name, a in answers.items()}
    mine = times.pop("common.pricing")
    what = f"IV and 4 greeks of {contracts} contracts"
    made = [Row.of(f"{what}, common.pricing", mine, "us")]
    for (name, theirs), target in zip(times.items(), targets, strict=True):
        made.append(Row.of(f"{what}, {name}", theirs, "us", f"max IV error {errors[name]:.1e}"))
        speed = Row.of(f"{what}, {name} / ours", ratios(theirs, mine), "x", at_least=target)
        made.append(speed)
    worst = [errors["common.pricing"]]
    return [*made, Row.of(f"{what}, our max IV error", worst, "vol", at_most=ERROR_MOST)]


def _seconds(solve: Solve) -> float:
    """Return the CPU time of the fastest call of a round, on all threads of this process.

    What other processes take is not in it; on an idle machine it is the time that passes.
    """
    taken: list[float] = []
    while sum(taken) < ROUND_SECONDS:
        start = time.process_time_ns()
        solve()
        taken.append((time.process_time_ns() - start) / 1e9)
    return min(taken)


def _agree(answers: dict[str, Floats]) -> None:
    """Check that all engines solved the same thing: IV and delta have one definition."""
    mine = answers["common.pricing"]
    for name, theirs in answers.items():
        if not np.allclose(theirs[:3], mine[:3], rtol=1e-4, atol=1e-6):
            raise ValueError(f"{name} answers something else than common.pricing")


def _type(call: bool) -> int:
    return int(ql.Option.Call if call else ql.Option.Put)
