"""How an order may end, on the smile: its worth, what it touches on the way, what it then makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Final

import numpy as np

from common.errors import MarketDataMissing
from common.money import Dollars, Price
from common.orders import OrderIntent
from common.pricing.normal import Floats
from common.pricing.odds import Odds, odds
from common.pricing.payoff import Payoff
from common.pricing.smile import Smile
from common.quotes import ChainSnapshot
from common.session import Session
from services.analysis.book import order_legs
from services.analysis.scenarios import ScenarioGrid, Valuer, one_sigma

SIGMAS: Final = (-3.0, -2.0, -1.5, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
VOLS: Final = (0.7, 1.0, 1.5)
SOON: Final = 30.0  # minutes
REACH: Final = 3.0  # sigmas a profile shows either way, and every strike and breakeven


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A price of the underlying and the chance that it trades there before the close."""

    price: Price
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Risk-neutral, held to expiry, on the chain's own smile. Dollars.

    value_before_costs: what the smile makes the order worth less what it costs at mid, about 0
    where the smile fits; None while a leg has no mid. value_after_costs: at the limit and with
    fees. touches: of each short strike, of the breakevens where nothing is sold.
    """

    odds: Odds
    value_before_costs: float | None
    value_after_costs: float
    touches: tuple[Touch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """An order's profit in dollars, with its fees, by [time, vol, sigmas]; at model values.

    times: when; sigmas: how far the underlying is from here, of the session's remainder.
    """

    times: tuple[datetime, ...]
    sigmas: tuple[float, ...]
    grid: ScenarioGrid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """An order's profit in dollars, with its fees, over prices of the underlying, ascending.

    now: at model values; close: at expiry. spot: where the underlying is.
    """

    spot: float
    spots: Floats
    now: Floats
    close: Floats


def outcome(
    intent: OrderIntent, payoff: Payoff, slippage: Dollars | None, chain: ChainSnapshot
) -> Outcome | None:
    """Return how an order may end, None where the smile says nothing about its profit.

    payoff: of the order at its limit with its fees. slippage: dollars the limit gives up to mid.
    """
    if not chain.strikes or not isfinite(chain.forward):
        return None
    smile = Smile.through(chain.forward, chain.strikes, chain.total_vols)
    spread = smile.distribution()
    chances = odds(payoff, smile, spread)
    if not isfinite(chances.profit):
        return None
    shorts = [leg.contract.strike for leg in intent.legs if leg.signed_ratio < 0]
    prices: Sequence[Price] = sorted(set(shorts)) or payoff.breakevens
    touches = [Touch(price=at, probability=spread.prob_touch(float(at))) for at in prices]
    return Outcome(
        odds=chances,
        value_before_costs=None if slippage is None else chances.expected_value + float(slippage),
        value_after_costs=chances.after_fees,
        touches=tuple(touch for touch in touches if isfinite(touch.probability)),
    )


def ladder(
    intent: OrderIntent,
    fees: Dollars,
    chain: ChainSnapshot,
    session: Session,
    flat_by: datetime,
) -> Ladder | None:
    """Return the order's profit over spot, time and volatility; None without a smile.

    Times are now, half an hour on, when the position is to be flat, and the close; those that
    have passed or lie beyond the next are left out.
    """
    try:
        valuer = Valuer.of(order_legs(intent, at_limit=True), chain)
    except MarketDataMissing:
        return None
    now = session.close - timedelta(minutes=chain.minutes)
    soon = now + timedelta(minutes=SOON)
    exits = [at for at in (soon, flat_by) if now < at < session.close]
    times = tuple(dict.fromkeys((now, *sorted(exits), session.close)))
    minutes = [(session.close - at) / timedelta(minutes=1) for at in times]
    spots = valuer.spot * np.exp(one_sigma(chain) * np.asarray(SIGMAS))
    grid = valuer.grid(spots, minutes, VOLS)
    paid = ScenarioGrid(
        spots=grid.spots, minutes=grid.minutes, vols=grid.vols, pnl=grid.pnl - float(fees)
    )
    return Ladder(times=times, sigmas=SIGMAS, grid=paid)


def profile(
    intent: OrderIntent, fees: Dollars, breakevens: Sequence[Price], chain: ChainSnapshot
) -> Profile | None:
    """Return the order's profit over three sigmas either way, None without a smile.

    Every strike and breakeven lies inside, and each is one of the prices.
    """
    try:
        valuer = Valuer.of(order_legs(intent, at_limit=True), chain)
    except MarketDataMissing:
        return None
    shown = [float(leg.contract.strike) for leg in intent.legs] + [float(at) for at in breakevens]
    low, high = (valuer.spot * np.exp(side * one_sigma(chain)) for side in (-REACH, REACH))
    low = min(low, *(at * 0.998 for at in shown))
    high = max(high, *(at * 1.002 for at in shown))
    spots = np.union1d(np.linspace(low, high, 201), shown)
    now, close = (
        valuer.pnl(spots / valuer.spot, minutes, 1.0) - float(fees)
        for minutes in (chain.minutes, 0.0)
    )
    return Profile(spot=valuer.spot, spots=spots, now=now, close=close)
