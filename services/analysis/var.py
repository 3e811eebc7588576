"""Value at risk and expected shortfall of a book, each path revalued in full.

Two sets of moves, and the worse of the two counts: the smile's own distribution with volatility
free to move, and the moves of the same window of the clock on past days, scaled to what is
implied now. Close to expiry VaR of a short book falls towards nothing while a tail remains:
expected shortfall and the worst cell of the grid tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Final

import numpy as np

from common.errors import MarketDataMissing
from common.pricing.moves import MoveHistory
from common.pricing.normal import Floats, cdf
from common.pricing.smile import Smile
from common.quotes import ChainSnapshot
from common.session import REGULAR_OPEN, new_york, trading_day
from services.analysis.scenarios import Cell, HeldLeg, ScenarioGrid, Valuer, one_sigma

HORIZON_MINUTES: Final = 30.0  # the horizon of limits and previews
DAYS_LEAST: Final = 250  # of history, below which its tail is not told
TO_CLOSE: Final = inf
VOLS: Final = (0.7, 0.85, 1.0, 1.25, 1.5)  # multiples of the grid
SCAN_LEAST: Final = 0.015  # of spot, either way
SCAN_SIGMAS: Final = 3.0
SPOTS: Final = 41
VOL_OF_VOL: Final = 0.25  # log volatility's standard deviation over an hour; an assumption
_STATES: Final = ((-sqrt(3.0), 1 / 6), (0.0, 2 / 3), (sqrt(3.0), 1 / 6))  # a normal in three points
_NORMAL: Final = np.linspace(-6.0, 6.0, 241)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """How bad a book's worst cases are.

    var_95 and var_99: dollars, >= 0, that at most 5 and 1 % of cases lose more than; es_975: the
    mean loss of the worst 2.5 %. moves: how many cases; source: where they are from.
    """

    var_95: float
    var_99: float
    es_975: float
    moves: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRisk:
    """What a book may lose over a horizon of minutes, dollars >= 0; None where unknown says why.

    var_95, var_99 and es_975 are the worse of the two tails; historical is None, with the reason
    in short, where days are too few. grid and worst_cell: spot x vol at the horizon's end.
    """

    horizon: float
    var_95: float | None
    var_99: float | None
    es_975: float | None
    worst_cell: Cell | None
    grid: ScenarioGrid | None
    smile: Tail | None = None
    historical: Tail | None = None
    short: str | None = None
    unknown: tuple[str, ...] = ()


def book_risk(
    legs: Sequence[HeldLeg],
    chain: ChainSnapshot,
    history: MoveHistory | None,
    horizon: float = TO_CLOSE,
) -> BookRisk:
    """Return what legs may lose in the next minutes; horizon beyond the close is the close.

    A book that cannot be valued has None for every number, and the reason. An empty one risks 0.
    """
    try:
        valuer = Valuer.of(legs, chain)
    except MarketDataMissing as e:
        return unknown_risk(horizon, str(e))
    ahead = min(horizon, chain.minutes)
    grid = stress_grid(valuer, chain, ahead)
    smile = _smile_tail(valuer, chain, ahead)
    moves = historical_moves(chain, history, ahead)
    past = historical_tail(valuer, moves, ahead) if moves.size >= DAYS_LEAST else None
    tails = [tail for tail in (smile, past) if tail is not None]
    return BookRisk(
        horizon=ahead,
        var_95=max(tail.var_95 for tail in tails),
        var_99=max(tail.var_99 for tail in tails),
        es_975=max(tail.es_975 for tail in tails),
        worst_cell=grid.worst,
        grid=grid,
        smile=smile,
        historical=past,
        short=None if past else f"{moves.size} days of history, {DAYS_LEAST} are needed",
    )


def unknown_risk(horizon: float, why: str) -> BookRisk:
    """Return the risk of a book that cannot be valued."""
    return BookRisk(
        horizon=horizon,
        var_95=None,
        var_99=None,
        es_975=None,
        worst_cell=None,
        grid=None,
        unknown=(why,),
    )


def stress_grid(valuer: Valuer, chain: ChainSnapshot, horizon: float) -> ScenarioGrid:
    """Return the book at the horizon's end over 3 sigma either way, at least 1.5 %, and vols."""
    reach = max(SCAN_SIGMAS * one_sigma(chain), SCAN_LEAST)
    spots = valuer.spot * (1.0 + np.linspace(-reach, reach, SPOTS))
    return valuer.grid(spots, [chain.minutes - horizon], VOLS)


def historical_moves(chain: ChainSnapshot, history: MoveHistory | None, horizon: float) -> Floats:
    """Return past moves of this window of the clock as log returns at today's volatility."""
    if history is None:
        return np.zeros(0)
    opened = new_york(trading_day(chain.at), REGULAR_OPEN)
    start = (chain.at - opened).total_seconds() / 60
    return history.standardised(start, chain.minutes, horizon) * one_sigma(chain)


def historical_tail(valuer: Valuer, moves: Floats, horizon: float) -> Tail:
    """Return the tail of a book over log returns that are all equally likely."""
    pnl = valuer.pnl(np.exp(moves), valuer.minutes - horizon, 1.0)
    return tail(-pnl, np.full(moves.size, 1.0 / moves.size), f"{moves.size} days")


def tail(losses: Floats, weights: Floats, source: str) -> Tail:
    """Return the tail of losses in dollars with their probabilities, which sum to 1.

    VaR is the least loss whose excess has at most the level's probability; expected shortfall
    takes exactly the worst 2.5 %, a case in part where need be.
    """
    order = np.argsort(-losses)
    worst, mass = losses[order], np.cumsum(weights[order])
    taken = np.diff(np.minimum(mass, 0.025), prepend=0.0)
    return Tail(
        var_95=_quantile(worst, mass, 0.05),
        var_99=_quantile(worst, mass, 0.01),
        es_975=max(float(taken @ worst) / 0.025, 0.0),
        moves=losses.size,
        source=source,
    )


def smile_moves(chain: ChainSnapshot, horizon: float) -> tuple[Floats, Floats]:
    """Return log returns over the horizon and their probabilities, as the smile has them.

    The distribution of the close is scaled by the root of time; beyond the outermost known
    strikes it is lognormal at their volatility.
    """
    smile = Smile.through(chain.forward, chain.strikes, chain.total_vols)
    edges = np.concatenate([[-inf], 0.5 * (_NORMAL[1:] + _NORMAL[:-1]), [inf]])
    weights = np.diff(cdf(edges))
    close = np.log(smile.distribution().quantile(cdf(_NORMAL)) / chain.forward)
    low, high = chain.total_vols[0], chain.total_vols[-1]
    beyond = np.where(_NORMAL < 0, low, high)
    close = np.where(np.isfinite(close), close, beyond * _NORMAL - 0.5 * beyond**2)
    return np.asarray(close * np.sqrt(horizon / chain.minutes)), weights


def _smile_tail(valuer: Valuer, chain: ChainSnapshot, horizon: float) -> Tail:
    moves, weights = smile_moves(chain, horizon)
    scale = VOL_OF_VOL * sqrt(horizon / 60)
    vols = np.exp([[scale * point] for point, _ in _STATES])
    odds = np.array([weight for _, weight in _STATES])[:, None]
    pnl = valuer.pnl(np.exp(moves)[None, :], valuer.minutes - horizon, vols)
    losses = np.broadcast_to(-pnl, (vols.size, moves.size))
    return tail(losses.reshape(-1), (odds * weights).reshape(-1), "smile")


def _quantile(worst: Floats, mass: Floats, level: float) -> float:
    """Return the loss at which the probability from the worst down reaches a level, >= 0."""
    at = min(int(np.searchsorted(mass, level * (1 - 1e-12))), worst.size - 1)
    return max(float(worst[at]), 0.0) + 0.0  # never -0.0
