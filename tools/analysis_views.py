"""Answers of the analysis: the market, the straddle, the account's tail, a preview in full."""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.analysis.backtest import Exceedances
from services.analysis.context import MarketContext, OpenInterest
from services.analysis.metrics import RiskMetrics
from services.analysis.scenarios import Cell
from services.analysis.straddle import StraddleScan
from services.analysis.var import BookRisk, Tail
from services.portfolio.greeks import GreeksReport, Sensitivity
from tools.views import View, clock_text, computed, dollars, number, price

PLACES = 9  # so that totals are the sum of their parts as shown


class FullGreeks(BaseModel):
    """Unrounded: the total is the sum of the holdings. Theta a minute, vega a vol point."""

    delta_shares: float
    gamma_shares_per_dollar: float
    theta_dollars_per_minute: float
    vega_dollars_per_point: float
    delta_dollars: float
    gamma_dollars_per_percent: float

    @classmethod
    def of(cls, found: Sensitivity | None) -> FullGreeks | None:
        """Return the view of a sensitivity, None of none."""
        if found is None:
            return None
        return cls(
            delta_shares=round(found.delta, PLACES),
            gamma_shares_per_dollar=round(found.gamma, PLACES),
            theta_dollars_per_minute=round(found.theta, PLACES),
            vega_dollars_per_point=round(found.vega, PLACES),
            delta_dollars=round(found.delta_dollars, PLACES),
            gamma_dollars_per_percent=round(found.gamma_percent, PLACES),
        )


class HoldingGreeks(BaseModel):
    """One holding; null when unknown, estimated when off the smile."""

    symbol: str
    qty: float
    greeks: FullGreeks | None
    estimated: bool


class PortfolioGreeksView(View):
    """Every greek of everything held; null is unknown, with the reason in unknown."""

    total: FullGreeks | None
    delta_over_one_sigma: dict[str, float] | None = Field(
        description="share equivalents where the underlying ends up, in sigmas of what is left"
    )
    holdings: list[HoldingGreeks]
    unknown: list[str]

    @classmethod
    def of(
        cls, mode: str, found: tuple[GreeksReport, dict[float, float] | None]
    ) -> PortfolioGreeksView:
        """Return the view of a report and its drift."""
        report, drift = found
        return cls(
            mode=mode,
            total=FullGreeks.of(report.total),
            delta_over_one_sigma=None
            if drift is None
            else {f"{sigma:+g}": round(delta, 3) for sigma, delta in drift.items()},
            holdings=[
                HoldingGreeks(
                    symbol=held.symbol,
                    qty=held.qty,
                    greeks=FullGreeks.of(held.sensitivity),
                    estimated=held.estimated,
                )
                for held in report.holdings
            ],
            unknown=list(report.unknown),
        )


class TailView(BaseModel):
    """Dollars lost at worst in 95 and 99 % of cases, and the mean of the worst 2.5 %."""

    var_95: str
    var_99: str
    es_975: str

    @classmethod
    def of(cls, found: Tail | None) -> TailView | None:
        """Return the view of a tail, None of none."""
        if found is None:
            return None
        return cls(
            var_95=computed(found.var_95) or "",
            var_99=computed(found.var_99) or "",
            es_975=computed(found.es_975) or "",
        )


class HorizonView(BaseModel):
    """Losses over a horizon, the worse of both tails; worst is the grid's worst cell.

    Without enough past days the smile's tail is the only one, and neither is shown apart.
    """

    minutes: float
    var_95: str | None
    var_99: str | None
    es_975: str | None
    by_smile: TailView | None
    by_history: TailView | None
    worst: str | None

    @classmethod
    def of(cls, found: BookRisk) -> HorizonView:
        """Return the view of a book's risk."""
        return cls(
            minutes=round(found.horizon, 1),
            var_95=computed(found.var_95),
            var_99=computed(found.var_99),
            es_975=computed(found.es_975),
            by_smile=None if found.historical is None else TailView.of(found.smile),
            by_history=TailView.of(found.historical),
            worst=None if found.worst_cell is None else _cell(found.worst_cell),
        )


class BacktestView(BaseModel):
    """Days on which today's book would have lost more than its 30-minute VaR said."""

    level: float
    days: int
    expected: float
    exceeded: int
    kupiec_p: float = Field(description="below 0.05 the level is rejected")

    @classmethod
    def of(cls, found: Exceedances) -> BacktestView:
        """Return the view of a count."""
        return cls(
            level=found.level,
            days=found.days,
            expected=round(found.expected, 1),
            exceeded=found.count,
            kupiec_p=round(found.p_value, 4),
        )


class RiskMetricsView(View):
    """What everything held may lose, revalued in full on the smile. Losses are positive."""

    horizons: list[HorizonView]
    worst_now: str | None
    jumps: dict[str, str]
    backtest: list[BacktestView]
    unknown: list[str]

    @classmethod
    def of(cls, mode: str, found: RiskMetrics) -> RiskMetricsView:
        """Return the view of the metrics."""
        return cls(
            mode=mode,
            horizons=[HorizonView.of(one) for one in found.horizons],
            worst_now=None if found.now is None else _cell(found.now),
            jumps={f"{jump:+.0%}": computed(pnl) or "" for jump, pnl in found.jumps},
            backtest=[BacktestView.of(one) for one in found.exceedances],
            unknown=list(found.unknown),
        )


class InterestView(BaseModel):
    """The day before's open interest. Gamma assumes dealers long calls and short puts."""

    gamma_dollars_per_percent: int
    walls: dict[str, int] = Field(description="strikes with most gamma")
    max_pain: str
    calls: int
    puts: int
    contracts_known: str

    @classmethod
    def of(cls, found: OpenInterest | None) -> InterestView | None:
        """Return the view of open interest, None of none."""
        if found is None:
            return None
        return cls(
            gamma_dollars_per_percent=round(found.gamma_per_percent),
            walls={price(strike) or "": round(part) for strike, part in found.walls},
            max_pain=price(found.max_pain) or "",
            calls=found.calls,
            puts=found.puts,
            contracts_known=f"{found.contracts[0]} of {found.contracts[1]}",
        )


class ContextView(View):
    """The market now. Volatilities are annual on the 98,280-minute trading clock."""

    spot: str
    vwap: str | None
    day_range: str | None
    opening_ranges: dict[str, str] = Field(description="by minutes, those complete")
    move_so_far: float | None
    realized_vol: float | None
    implied_vol: float | None
    expected_move: dict[str, float] | None = Field(
        description="dollars to the close: straddle is the mean move, one_sigma holds 68 %"
    )
    open_interest: InterestView | None
    minutes_to_close: float
    early_close: bool
    events_today: list[str]
    events_unknown: list[str] = Field(description="no list reaches today: look them up")

    @classmethod
    def of(cls, mode: str, found: MarketContext) -> ContextView:
        """Return the view of a context."""
        expected = found.expected
        return cls(
            mode=mode,
            spot=price(found.spot) or "",
            vwap=price(found.vwap),
            day_range=None if found.high is None else f"{found.low} to {found.high}",
            opening_ranges={str(one.minutes): f"{one.low} to {one.high}" for one in found.ranges},
            move_so_far=number(found.realised_move, 5),
            realized_vol=number(found.realised_vol),
            implied_vol=number(found.implied_vol),
            expected_move=None
            if expected is None
            else {
                "straddle": round(expected.straddle, 2),
                "one_sigma": round(expected.one_sigma, 2),
            },
            open_interest=InterestView.of(found.open_interest),
            minutes_to_close=round(found.minutes, 1),
            early_close=found.early_close,
            events_today=[f"{what} at {clock_text(at)}" for what, at in found.events.announcements],
            events_unknown=list(found.events.unknown),
        )


class StraddleView(View):
    """The straddle at the money. Dollars a share; vols are total, to the close."""

    verdict: str = Field(description="dear, cheap or no edge")
    why: str
    strike: str
    bid: str
    ask: str
    implied_vol: float | None
    forecasts: dict[str, float]
    forecast_vol: float | None
    score: float | None = Field(description="implied over forecast, less 1")
    edge: str | None
    round_trip_cost: str
    bands: dict[str, float | None] = Field(
        description="range of the close: chance that it holds it"
    )
    breakevens: list[str]
    chance_beyond: float | None
    chance_touch: float | None
    filters_failed: list[str]

    @classmethod
    def of(cls, mode: str, found: StraddleScan) -> StraddleView:
        """Return the view of a scan."""
        return cls(
            mode=mode,
            verdict=found.verdict,
            why=found.why,
            strike=price(found.strike) or "",
            bid=price(found.bid) or "",
            ask=price(found.ask) or "",
            implied_vol=number(found.implied_vol, 5),
            forecasts={one.source: round(one.total_vol, 5) for one in found.forecasts},
            forecast_vol=number(found.forecast_vol, 5),
            score=number(found.score),
            edge=computed(found.edge),
            round_trip_cost=dollars(found.cost) or "",
            bands={f"{b.low:.2f} to {b.high:.2f}": number(b.probability, 3) for b in found.bands},
            breakevens=[f"{at:.2f}" for at in found.breakevens],
            chance_beyond=number(found.beyond, 3),
            chance_touch=number(found.touch, 3),
            filters_failed=list(found.failed),
        )


def _cell(found: Cell) -> str:
    return f"{computed(found.pnl)} at {found.spot:.2f} with vol x{found.vol:g}"
