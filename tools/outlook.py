"""How an order may end and what it makes of the account, as a preview shows it."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, Field

from services.analysis.impact import Impact, Standing
from services.analysis.outcome import Ladder, Outcome
from services.execution.preview import Preview
from services.portfolio.greeks import Sensitivity
from services.risk.analysis import TradeAnalysis
from tools.views import GreeksView, clock_text, computed, dollars, number, price

NO_EDGE: Final = "Risk-neutral expected value is minus the costs; it claims no edge either way."
SHOWN: Final = (-2.0, -1.0, 0.0, 1.0, 2.0)  # sigmas of a preview's few rows
FLAT_VOL: Final = 1.0


class Warned(BaseModel):
    """Something to beware of; code is stable."""

    code: str
    text: str

    @classmethod
    def of(cls, preview: Preview) -> list[Warned]:
        """Return everything to beware of: the market's, the strategy's, what is not known."""
        found = preview.analysis
        return [
            *(cls(code=one.code, text=one.text) for one in found.cautions),
            *(cls(code="strategy", text=text) for text in preview.proposal.warnings),
            *(cls(code="unknown", text=text) for text in found.unknown),
        ]


class Chances(BaseModel):
    """Risk-neutral, held to expiry, on the chain's smile. Dollars count the whole order."""

    max_profit: float | None
    max_loss: float | None
    touch: dict[str, float] = Field(
        description="chance to trade at each short strike, else at each breakeven"
    )
    expected_value_before_costs: str | None
    expected_value_after_costs: str | None
    note: str

    @classmethod
    def of(cls, found: Outcome | None) -> Chances | None:
        """Return the view of an outcome, None of none."""
        if found is None:
            return None
        return cls(
            max_profit=number(found.odds.max_profit),
            max_loss=number(found.odds.max_loss),
            touch={price(at.price) or "": round(at.probability, 3) for at in found.touches},
            expected_value_before_costs=computed(found.value_before_costs),
            expected_value_after_costs=computed(found.value_after_costs),
            note=NO_EDGE,
        )


class AccountView(BaseModel):
    """The account at one moment; tails over the next 30 minutes."""

    cash: str
    options_buying_power: str | None
    margin: str | None
    delta_shares: float | None
    gamma_shares_per_dollar: float | None
    var_99: str | None
    es_975: str | None
    most_contracts_at_a_strike: int
    most_contracts_of_an_expiry: int

    @classmethod
    def of(cls, found: Standing) -> AccountView:
        """Return the view of a standing."""
        greeks: Sensitivity | None = found.greeks
        return cls(
            cash=dollars(found.cash) or "",
            options_buying_power=dollars(found.options_buying_power),
            margin=dollars(found.margin),
            delta_shares=None if greeks is None else round(greeks.delta, 2),
            gamma_shares_per_dollar=None if greeks is None else round(greeks.gamma, 3),
            var_99=computed(found.var_99),
            es_975=computed(found.es_975),
            most_contracts_at_a_strike=found.strike_contracts,
            most_contracts_of_an_expiry=found.expiry_contracts,
        )


class ImpactView(BaseModel):
    """The account before, and after the order filled whole at its limit with its fees."""

    before: AccountView
    after: AccountView

    @classmethod
    def of(cls, found: Impact | None) -> ImpactView | None:
        """Return the view of an impact, None of none."""
        if found is None:
            return None
        return cls(before=AccountView.of(found.before), after=AccountView.of(found.after))


class Scenarios(BaseModel):
    """Profit in dollars, fees counted, at model values: one row a price, one column a time."""

    vol: float = Field(description="multiple of today's volatility")
    times: list[str]
    profit: dict[str, list[int]] = Field(description="by underlying and its sigmas from here")

    @classmethod
    def few(cls, found: Ladder | None) -> Scenarios | None:
        """Return the rows a preview has room for: whole sigmas at today's volatility."""
        return None if found is None else cls._at(found, FLAT_VOL, SHOWN)

    @classmethod
    def every(cls, found: Ladder | None) -> list[Scenarios]:
        """Return every row, at each volatility."""
        if found is None:
            return []
        return [cls._at(found, float(vol), found.sigmas) for vol in found.grid.vols]

    @classmethod
    def _at(cls, found: Ladder, vol: float, sigmas: tuple[float, ...]) -> Scenarios:
        grid = found.grid
        level = list(grid.vols).index(vol)
        return cls(
            vol=vol,
            times=["now", *(clock_text(at) for at in found.times[1:])],
            profit={
                f"{grid.spots[at]:.2f} ({sigma:+g}s)" if sigma else f"{grid.spots[at]:.2f}": [
                    round(float(value)) for value in grid.pnl[:, level, at]
                ]
                for at, sigma in enumerate(found.sigmas)
                if sigma in sigmas
            },
        )


def greeks_view(found: TradeAnalysis) -> GreeksView | None:
    """Return the order's own greeks, None where they are not known."""
    return None if found.sensitivity is None else GreeksView.of(found.sensitivity)
