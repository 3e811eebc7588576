"""The tail of everything held, over several horizons, under jumps, and how its VaR has held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from common.errors import MarketDataMissing
from common.portfolio import Position
from common.quotes import MarketView
from services.analysis.backtest import Exceedances, backtest
from services.analysis.book import holding_legs
from services.analysis.scenarios import Cell, Valuer
from services.analysis.var import (
    HORIZON_MINUTES,
    TO_CLOSE,
    BookRisk,
    book_risk,
    historical_moves,
    stress_grid,
)

HORIZONS: Final = (5.0, 15.0, HORIZON_MINUTES, TO_CLOSE)
JUMPS: Final = (-0.07, -0.04, 0.04)  # of spot, at once; the first is the market-wide halt
JUMP_VOL: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMetrics:
    """What the account may lose. Dollars; empty with the reasons in unknown.

    horizons: 5, 15, 30 minutes and the close. now: the worst of the spot x vol grid at once.
    jumps: profit as share of spot moved. exceedances: of the 30-minute VaR.
    """

    horizons: tuple[BookRisk, ...] = ()
    now: Cell | None = None
    jumps: tuple[tuple[float, float], ...] = ()
    exceedances: tuple[Exceedances, ...] = ()
    unknown: tuple[str, ...] = ()


def risk_metrics(positions: Sequence[Position], view: MarketView) -> RiskMetrics:
    """Return the tail of what is held."""
    chain = view.chain
    try:
        legs = holding_legs(positions, chain)
        valuer = Valuer.of(legs, chain)
    except MarketDataMissing as e:
        return RiskMetrics(unknown=(str(e),))
    horizons = tuple(book_risk(legs, chain, view.moves, horizon) for horizon in HORIZONS)
    ahead = min(HORIZON_MINUTES, chain.minutes)
    moves = historical_moves(chain, view.moves, ahead)
    return RiskMetrics(
        horizons=horizons,
        now=stress_grid(valuer, chain, 0.0).worst,
        jumps=tuple(
            (jump, float(valuer.pnl(1.0 + jump, chain.minutes, JUMP_VOL))) for jump in JUMPS
        ),
        exceedances=backtest(valuer, moves, ahead) if legs else (),
        unknown=tuple(dict.fromkeys(one.short for one in horizons if one.short)),
    )
