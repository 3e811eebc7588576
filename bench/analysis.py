"""Analysis of a book: the scenario grid against the same grid leg by leg, its tail, a preview."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from bench.rows import Row, ratios
from common.contracts import Right
from common.pricing.moves import SESSION_MINUTES, MoveHistory
from common.pricing.normal import Floats
from common.quotes import ChainSnapshot
from services.analysis.scenarios import HeldLeg, ScenarioGrid, scenario_grid
from services.analysis.var import HORIZON_MINUTES, book_risk
from services.risk.analysis import analyse
from services.strategies.iron_condor import IronCondor
from tests.builders import DAILY_SIGMA, DAY, contract, make_chain, make_exposure, make_view

ROUNDS = 11
LEGS = 20
SPOTS = np.linspace(650.0, 690.0, 41)
MINUTES = np.linspace(355.0, 0.0, 9)
VOLS = np.array([0.7, 0.85, 1.0, 1.25, 1.5])
GRID_MOST = 25.0  # milliseconds
RISK_MOST = 10.0
PREVIEW_MOST = 10.0
HELD = tuple(
    HeldLeg(contract=contract(650 + 2 * i, Right.CALL if i % 2 else Right.PUT), qty=(-1) ** i)
    for i in range(LEGS)
)


def rows() -> list[Row]:
    """Measure one grid, one tail and one preview's analysis, in CPU time."""
    chain, view = make_chain(), make_view()
    condor = IronCondor(width=4).propose(view).intent
    exposure, history = make_exposure(), _history()
    grid = _grid(chain)
    apart = _by_leg(chain)
    if not np.allclose(grid.pnl, apart, atol=1e-5):
        raise ValueError("the two grids differ")
    ours = _times(lambda: _grid(chain))
    theirs = _times(lambda: _by_leg(chain), rounds=3)
    size = f"{LEGS} legs x {SPOTS.size} x {MINUTES.size} x {VOLS.size}"
    return [
        Row.of(f"scenario grid, {size}", ours, "ms", at_most=GRID_MOST),
        Row.of(f"scenario grid leg by leg, {size}", theirs, "ms"),
        Row.of("leg by leg / ours", ratios(theirs, ours[: len(theirs)]), "x"),
        Row.of(
            f"VaR and ES of {LEGS} legs, 500 days of history",
            _times(lambda: book_risk(HELD, chain, history, HORIZON_MINUTES)),
            "ms",
            at_most=RISK_MOST,
        ),
        Row.of(
            "everything a condor's preview analyses",
            _times(lambda: analyse(condor, view, exposure)),
            "ms",
            at_most=PREVIEW_MOST,
        ),
    ]


def _grid(chain: ChainSnapshot) -> ScenarioGrid:
    return scenario_grid(HELD, chain, spots=SPOTS, minutes=MINUTES, vols=VOLS)


def _by_leg(chain: ChainSnapshot) -> Floats:
    """Return the same grid by the textbook formula, one scenario and one leg at a time."""
    now = _worth(chain, 1.0, chain.minutes, 1.0)
    spot = float(chain.spot)
    return np.array(
        [[[_worth(chain, s / spot, t, v) - now for s in SPOTS] for v in VOLS] for t in MINUTES]
    )


def _worth(chain: ChainSnapshot, ratio: float, minutes: float, vol: float) -> float:
    total, normal = 0.0, NormalDist()
    for leg in HELD:
        assert leg.contract is not None  # only options are held here
        strike, forward = float(leg.contract.strike), chain.forward * ratio
        smile = float(np.interp(strike / ratio, chain.strikes, chain.total_vols))
        s = max(smile * vol * math.sqrt(minutes / chain.minutes), 1e-14)
        d1 = math.log(forward / strike) / s + s / 2
        call = forward * normal.cdf(d1) - strike * normal.cdf(d1 - s)
        total += leg.qty * 100 * (call if leg.contract.is_call else call - forward + strike)
    return total


def _history() -> MoveHistory:
    shocks = np.random.default_rng(1).normal(size=(500, SESSION_MINUTES))
    path = np.cumsum(shocks * DAILY_SIGMA / math.sqrt(SESSION_MINUTES), axis=1)
    prices = 670.0 * np.exp(np.concatenate([np.zeros((500, 1)), path], axis=1))
    return MoveHistory(days=(DAY,) * 500, prices=prices)


def _times(run: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the CPU milliseconds of each of some runs, the first left out."""
    taken = []
    for _ in range(rounds + 1):
        start = time.process_time_ns()
        run()
        taken.append((time.process_time_ns() - start) / 1e6)
    return taken[1:]
