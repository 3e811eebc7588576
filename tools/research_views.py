"""Answers of the studies: indicators, scans, the chain, and what others publish."""

from __future__ import annotations

from pydantic import BaseModel, Field

from common.session import new_york_text
from services.analysis.option_chain import ChainAnalysis, Skew, StrikeLine
from services.analysis.screen import FIELDS, Reading
from services.runtime.scanner import Scan
from services.runtime.technicals import Technical
from tools.analysis_views import InterestView
from tools.views import View, number, price

UNREAD_MAX = 50
CONVENTION = (
    "Assumes dealers are long the calls and short the puts that are open: positive damps moves. "
    "Nobody publishes who holds what."
)


class IndicatorsView(View):
    """Indicators, oldest first. null is not known: warming up, or nothing to measure."""

    symbol: str
    timeframe: str
    feed: str
    as_of: str
    bars_used: int = Field(description="of regular hours, ended, the warm-up included")
    missing_intervals: int = Field(description="without a trade, so without a bar")
    bars: list[str] = Field(description="where each shown bar begins")
    close: list[str]
    indicators: dict[str, dict[str, list[float | None]]]

    @classmethod
    def of(cls, mode: str, found: Technical) -> IndicatorsView:
        """Return the view of indicators."""
        return cls(
            mode=mode,
            symbol=found.symbol,
            timeframe=found.timeframe,
            feed=found.feed,
            as_of=new_york_text(found.as_of),
            bars_used=found.bars_used,
            missing_intervals=found.missing,
            bars=[new_york_text(at) for at in found.at],
            close=[price(close) or "" for close in found.close],
            indicators={
                label: {line: [number(value) for value in values] for line, values in lines.items()}
                for label, lines in found.values.items()
            },
        )


class ScanRow(BaseModel):
    """One match; null is not known, or not asked for."""

    symbol: str
    price: float | None
    gap: float | None
    move: float | None
    change: float | None
    vwap: float | None
    rvol: float | None
    rsi: float | None

    @classmethod
    def of(cls, found: Reading) -> ScanRow:
        """Return the view of a reading."""
        told = {name: number(found.fields.get(name), 2) for name in FIELDS}
        return cls(symbol=found.symbol, **told)


class ScanView(View):
    """What met every criterion, the strongest in the first one first."""

    universe: str
    scanned: int
    truncated: bool = Field(description="the universe or the matches go on")
    feed: str
    as_of: str
    matched: int
    matches: list[ScanRow]
    unread: dict[str, str] = Field(description="not judged, and why")

    @classmethod
    def of(cls, mode: str, found: Scan, limit: int) -> ScanView:
        """Return the view of a scan; limit: rows at most."""
        return cls(
            mode=mode,
            universe=found.source,
            scanned=found.scanned,
            truncated=found.truncated or len(found.matches) > limit,
            feed=found.feed,
            as_of=new_york_text(found.as_of),
            matched=len(found.matches),
            matches=[ScanRow.of(one) for one in found.matches[:limit]],
            unread=dict(list(found.unread.items())[:UNREAD_MAX]),
        )


class StrikeRow(BaseModel):
    """One strike. oi: the day before's open interest; null is untold, not zero."""

    strike: str
    iv: float | None
    call_delta: float | None
    call_mid: str | None
    put_mid: str | None
    call_oi: int | None
    put_oi: int | None
    gamma_dollars_per_percent: int | None

    @classmethod
    def of(cls, line: StrikeLine) -> StrikeRow:
        """Return the view of a strike."""
        gamma = line.gamma_per_percent
        return cls(
            strike=price(line.strike) or "",
            iv=number(line.iv),
            call_delta=number(line.call_delta, 3),
            call_mid=price(line.call_mid),
            put_mid=price(line.put_mid),
            call_oi=line.call_interest,
            put_oi=line.put_interest,
            gamma_dollars_per_percent=None if gamma is None else round(gamma),
        )


class SkewView(BaseModel):
    """Volatilities at 25 delta of either side, and at the money."""

    at_money: float | None
    call_25: float | None
    put_25: float | None
    risk_reversal: float | None = Field(description="call less put; negative: downside is dearer")
    butterfly: float | None

    @classmethod
    def of(cls, found: Skew | None) -> SkewView | None:
        """Return the view of a skew, None of none."""
        if found is None:
            return None
        return cls(
            at_money=number(found.at_money),
            call_25=number(found.call),
            put_25=number(found.put),
            risk_reversal=number(found.risk_reversal),
            butterfly=number(found.butterfly),
        )


class ChainView(View):
    """Today's chain. Volatilities are annual on the 98,280-minute trading clock."""

    underlying: str
    expiry: str
    as_of: str
    feed: str
    spot: str
    forward: float
    minutes_to_close: float
    expected_move: dict[str, float | None] | None = Field(
        description="dollars: straddle by the market; mean, one_sigma by the smile; 68 % band"
    )
    skew: SkewView | None
    open_interest: InterestView | None
    put_call_ratio: float | None = Field(description="of open interest")
    call_wall: str | None
    put_wall: str | None
    gamma_flip: float | None
    gamma_convention: str
    contracts_without_gamma: int
    strikes: list[StrikeRow]
    unknown: list[str]

    @classmethod
    def of(cls, mode: str, found: ChainAnalysis) -> ChainView:
        """Return the view of an analysis."""
        chain, interest = found.chain, found.interest
        calls = 0 if interest is None else interest.calls
        return cls(
            mode=mode,
            underlying=chain.underlying,
            expiry=chain.expiry.isoformat(),
            as_of=new_york_text(chain.at),
            feed=chain.feed,
            spot=price(chain.spot) or "",
            forward=round(chain.forward, 4),
            minutes_to_close=round(chain.minutes, 1),
            expected_move=_moves(found),
            skew=SkewView.of(found.skew),
            open_interest=InterestView.of(interest),
            put_call_ratio=number(interest.puts / calls, 3) if interest and calls else None,
            call_wall=price(found.call_wall),
            put_wall=price(found.put_wall),
            gamma_flip=number(found.gamma_flip, 2),
            gamma_convention=CONVENTION,
            contracts_without_gamma=found.unpriced,
            strikes=[StrikeRow.of(line) for line in found.strikes],
            unknown=list(found.unknown),
        )


def _moves(found: ChainAnalysis) -> dict[str, float | None] | None:
    expected = found.expected
    if expected is None:
        return None
    band = expected.band or (None, None)
    straddle = expected.straddle
    return {
        "straddle": None if straddle is None else number(float(straddle)),
        "mean": number(expected.smile.straddle, 2),
        "one_sigma": number(expected.smile.one_sigma, 2),
        "band_low": number(band[0], 2),
        "band_high": number(band[1], 2),
    }
