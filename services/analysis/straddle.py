"""The straddle at the money: what it implies of the rest of the session, against what may come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Final

import numpy as np

from common.contracts import OPTION_MULTIPLIER, Right
from common.errors import MarketDataMissing
from common.fees import round_trip_fees
from common.money import Dollars, Price
from common.orders import Leg, OrderIntent, PositionIntent
from common.pricing import black76
from common.pricing.smile import Distribution, Smile
from common.quotes import ChainSnapshot, MarketView, Quote
from services.analysis.realised import Forecast, blend, forecasts

EDGE_LEAST: Final = 0.15  # of volatility, below which nothing is said
COSTS_LEAST: Final = 2.0  # round trips the edge must be worth
BANDS: Final = (0.85, 1.0, 1.2533)  # straddles either way; a normal has 50.2, 57.5 and 68.3 %
SPREAD_MAX: Final = Decimal("0.10")  # of the straddle's mid
SIZE_LEAST: Final = 10  # contracts shown on each side of each leg
INTEREST_LEAST: Final = 100  # contracts open, where it is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A range of the close and the chance, on the smile, that it holds it."""

    straddles: float
    low: float
    high: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StraddleScan:
    """Dollars per share where not said otherwise; total volatilities as shares of the forward.

    bid and ask: of the straddle at strike. cost: entering and leaving it at natural prices
    with fees. edge: implied less forecast worth, positive where it is dear; None, like score,
    without a forecast. breakevens: bought at the ask, left half a spread below mid, with
    fees; beyond and touch: the chance to close past them, and to trade there. failed: the
    filters not passed. verdict: "dear", "cheap" or "no edge", and why.
    """

    strike: Price
    bid: Price
    ask: Price
    implied_vol: float
    forecasts: tuple[Forecast, ...]
    forecast_vol: float | None
    score: float | None
    edge: float | None
    cost: Price
    fees: Dollars
    bands: tuple[Band, ...]
    breakevens: tuple[float, float]
    beyond: float
    touch: float
    failed: tuple[str, ...]
    verdict: str
    why: str


def scan_straddle(
    view: MarketView, open_interest: Mapping[str, int], quote_age_max: timedelta
) -> StraddleScan:
    """Return the scan of the straddle nearest the forward.

    Raises MarketDataMissing without a smile or when either leg is not quoted on both sides.
    """
    chain = view.chain
    if not chain.strikes or not chain.minutes > 0:
        raise MarketDataMissing("the chain has no smile")
    strike = _at_the_money(chain)
    quotes = {right: _quoted(chain, right, strike) for right in Right}
    bid = sum((quote.bid for quote in quotes.values()), Decimal(0))
    ask = sum((quote.ask for quote in quotes.values()), Decimal(0))
    fees = _fees(chain, strike, view)
    cost = ask - bid + fees / OPTION_MULTIPLIER
    implied = float(np.interp(chain.forward, chain.strikes, chain.total_vols))
    expected = forecasts(view)
    forecast = blend(expected)
    edge = _worth(chain, implied) - _worth(chain, forecast)
    score = implied / forecast - 1.0 if isfinite(forecast) else None
    failed = tuple(_failures(chain, strike, open_interest, quote_age_max))
    verdict, why = _verdict(score, edge, float(cost), failed)
    spread = Smile.through(chain.forward, chain.strikes, chain.total_vols).distribution()
    low, high = _breakevens(strike, bid, ask, fees)
    return StraddleScan(
        strike=strike,
        bid=bid,
        ask=ask,
        implied_vol=implied,
        forecasts=expected,
        forecast_vol=forecast if score is not None else None,
        score=score,
        edge=edge if score is not None else None,
        cost=cost,
        fees=fees,
        bands=_bands(chain, spread, _worth(chain, implied)),
        breakevens=(low, high),
        beyond=1.0 - spread.prob_between(low, high),
        touch=_touched(spread, low, high),
        failed=failed,
        verdict=verdict,
        why=why,
    )


def _at_the_money(chain: ChainSnapshot) -> Price:
    """Return the strike nearest the forward."""
    strikes = (row.contract.strike for row in chain.side(Right.CALL))
    return min(strikes, key=lambda strike: abs(float(strike) - chain.forward))


def _breakevens(strike: Price, bid: Price, ask: Price, fees: Dollars) -> tuple[float, float]:
    half = float(ask + (ask - bid) / 2 + fees / OPTION_MULTIPLIER)
    return float(strike) - half, float(strike) + half


def _touched(spread: Distribution, low: float, high: float) -> float:
    """Return the chance that either price trades, at most; NaN where the smile ends before."""
    either = spread.prob_touch(low) + spread.prob_touch(high)
    return min(either, 1.0) if isfinite(either) else either


def _quoted(chain: ChainSnapshot, right: Right, strike: Price) -> Quote:
    row = chain.at_strike(right, strike)
    if row.quote is None or not row.quote.two_sided:
        raise MarketDataMissing(f"{row.contract.symbol} is not quoted on both sides ({row.flag})")
    return row.quote


def _fees(chain: ChainSnapshot, strike: Price, view: MarketView) -> Dollars:
    """Return what buying and selling one straddle costs in fees."""
    legs = tuple(
        Leg(contract=chain.at_strike(right, strike).contract, intent=PositionIntent.BUY_TO_OPEN)
        for right in Right
    )
    straddle = OrderIntent(strategy="straddle", legs=legs, qty=1, limit=Decimal(0))
    return round_trip_fees(straddle, view.session.day)


def _worth(chain: ChainSnapshot, total_vol: float) -> float:
    """Return what a straddle struck at the forward is worth; NaN where volatility is."""
    return 2.0 * float(black76.price(chain.forward, chain.forward, total_vol, True))


def _failures(
    chain: ChainSnapshot,
    strike: Price,
    open_interest: Mapping[str, int],
    quote_age_max: timedelta,
) -> Iterator[str]:
    """Yield why the straddle could not be dealt in at these prices."""
    for right in Right:
        row = chain.at_strike(right, strike)
        quote, contract = row.quote, row.contract
        if quote is None:
            continue
        if quote.spread > max(SPREAD_MAX * quote.mid, Decimal("0.02")):
            yield f"{contract.symbol} is {quote.spread / quote.mid:.0%} of its mid wide"
        if row.age is None or row.age > quote_age_max:
            yield f"the quote of {contract.symbol} is old"
        if min(quote.bid_size, quote.ask_size) < SIZE_LEAST:
            yield f"{contract.symbol} shows {min(quote.bid_size, quote.ask_size)} contracts"
        interest = open_interest.get(contract.symbol)
        if interest is not None and interest < INTEREST_LEAST:
            yield f"{contract.symbol} had {interest} contracts open"


def _verdict(
    score: float | None, edge: float, cost: float, failed: tuple[str, ...]
) -> tuple[str, str]:
    """Return what is to be said of the straddle, and why."""
    if score is None:
        return "no edge", "no forecast to compare with: too few past days are known"
    if failed:
        return "no edge", failed[0]
    told = f"implied is {score:+.0%} of the forecast, worth {edge:+.2f} against costs of {cost:.2f}"
    if abs(score) < EDGE_LEAST or abs(edge) < COSTS_LEAST * cost:
        return "no edge", told
    return ("dear" if edge > 0 else "cheap"), told


def _bands(chain: ChainSnapshot, spread: Distribution, straddle: float) -> tuple[Band, ...]:
    ends = [(m, chain.forward - m * straddle, chain.forward + m * straddle) for m in BANDS]
    return tuple(
        Band(straddles=m, low=low, high=high, probability=spread.prob_between(low, high))
        for m, low, high in ends
    )
