"""A preview in full: every scenario, and on request its payoff as an image."""

from __future__ import annotations

import base64

from mcp.types import CallToolResult, ImageContent
from pydantic import BaseModel

from services.analysis.picture import payoff_picture
from services.execution.preview import Preview
from services.risk.analysis import LegAnalysis
from tools.analysis_views import FullGreeks
from tools.outlook import Scenarios
from tools.views import View, number


class LegSensitivity(BaseModel):
    """One leg per share of the underlying; null is unknown, estimated is off the smile."""

    symbol: str
    contracts: int
    delta: float | None
    gamma: float | None
    theta_per_minute: float | None
    vega: float | None
    iv: float | None
    estimated: bool

    @classmethod
    def of(cls, leg: LegAnalysis) -> LegSensitivity:
        """Return the view of a leg."""
        greeks = leg.greeks
        return cls(
            symbol=leg.leg.contract.symbol,
            contracts=leg.qty * leg.leg.side.sign,
            delta=None if greeks is None else number(greeks.delta),
            gamma=None if greeks is None else number(greeks.gamma, 5),
            theta_per_minute=None if greeks is None else number(greeks.theta, 5),
            vega=None if greeks is None else number(greeks.vega, 5),
            iv=None if greeks is None else number(greeks.iv),
            estimated=leg.estimated,
        )


class DetailsView(View):
    """What a preview has no room for."""

    strategy: str
    scenarios: list[Scenarios]
    greeks: FullGreeks | None
    legs: list[LegSensitivity]

    @classmethod
    def of(cls, preview: Preview) -> DetailsView:
        """Return the view of a preview."""
        found = preview.analysis
        return cls(
            mode=preview.mode.value,
            strategy=preview.strategy.name,
            scenarios=Scenarios.every(found.ladder),
            greeks=FullGreeks.of(found.sensitivity),
            legs=[LegSensitivity.of(leg) for leg in found.legs],
        )

    def result(self, preview: Preview, *, picture: bool) -> CallToolResult:
        """Return the answer, with the payoff as an image block beside it if it is wanted."""
        profile, blocks = preview.analysis.profile, []
        if picture and profile is not None:
            drawn = payoff_picture(profile, preview.analysis.breakevens)
            data = base64.b64encode(drawn).decode("ascii")
            blocks.append(ImageContent(type="image", data=data, mime_type="image/png"))
        # The boundary tells what is structured as text too.
        return CallToolResult(content=[*blocks], structured_content=self.model_dump(mode="json"))
