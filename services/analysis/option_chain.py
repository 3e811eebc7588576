"""What one expiry's chain says: the smile and its skew, expected moves, open interest, gamma.

Volatilities are annual on the 98,280-minute trading clock. Gamma exposure has one convention,
said in every answer: customers sell calls and buy puts, so dealers are long the gamma of calls
and short that of puts. Nobody publishes who holds what; it is an assumption, not a fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan, sqrt
from typing import Final

import numpy as np

from common.contracts import OPTION_MULTIPLIER, Right
from common.money import Price
from common.pricing import black76
from common.pricing.clocks import TRADING_MINUTES
from common.pricing.normal import Floats
from common.pricing.smile import ExpectedMove, Smile
from common.quotes import ChainRow, ChainSnapshot
from services.analysis.context import OpenInterest, gamma_by_strike, read_interest

WING: Final = 0.25  # of the risk reversal
_REACH: Final = 0.03  # of the forward, to either side, where the gamma flip is looked for
_STEPS: Final = 241
_FINE: Final = 2001


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeLine:
    """One strike. iv: on the smile; None outside what is quoted. Open interest None is untold.

    gamma_per_percent: dollars of delta that dealers trade per 1 % move, by the convention above.
    """

    strike: Price
    iv: float | None
    call_delta: float | None
    call_mid: Price | None
    put_mid: Price | None
    call_interest: int | None
    put_interest: int | None
    gamma_per_percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """How the smile leans, in volatility. NaN where the smile does not reach so far.

    risk_reversal: that of the 25-delta call less that of the 25-delta put; negative where downside
    is dearer. butterfly: the mean of both less that at the money.
    """

    at_money: float
    call: float
    put: float
    call_strike: float
    put_strike: float

    @property
    def risk_reversal(self) -> float:
        """The call's less the put's."""
        return self.call - self.put

    @property
    def butterfly(self) -> float:
        """The wings' mean less the middle."""
        return (self.call + self.put) / 2 - self.at_money


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How far the close may be from the forward, dollars a share.

    straddle: what the market asks for it, both mids at the strike nearest the forward, None
    without both quotes. smile: what the fitted smile makes of it. band: the smile's own 68.3 %
    range of the close, None where the smile does not reach so far.
    """

    straddle_strike: Price | None
    straddle: Price | None
    smile: ExpectedMove
    band: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainAnalysis:
    """Everything of one moment. gamma_flip: the price at which dealers' gamma changes its sign.

    interest is None where no contract's open interest is told. unpriced: contracts with open
    interest but without greeks, which no gamma counts. unknown: what cannot be said, and why.
    """

    chain: ChainSnapshot
    strikes: tuple[StrikeLine, ...]
    skew: Skew | None
    expected: Expected | None
    interest: OpenInterest | None
    call_wall: Price | None
    put_wall: Price | None
    gamma_flip: float | None
    unpriced: int
    unknown: tuple[str, ...]


def analyse_chain(
    chain: ChainSnapshot, interest: Mapping[str, int], around: int = 10
) -> ChainAnalysis:
    """Return what a chain says, with so many strikes to either side of the forward.

    interest: contracts by symbol, the day before's; a symbol that is not there is not known.
    """
    smile = Smile.through(chain.forward, chain.strikes, chain.total_vols)
    fitted = smile.strikes.size > 1 and chain.minutes > 0
    gamma = gamma_by_strike(chain, interest)
    held = [row for row in chain.rows if interest.get(row.contract.symbol)]
    walls = _walls(chain, interest)
    flip = _flip(chain, smile, interest) if fitted else None
    skew = _skew(smile, chain.minutes) if fitted else None
    return ChainAnalysis(
        chain=chain,
        strikes=_lines(chain, smile if fitted else None, interest, gamma, around),
        skew=skew,
        expected=_expected(chain, smile) if fitted else None,
        interest=read_interest(chain, interest),
        call_wall=walls[0],
        put_wall=walls[1],
        gamma_flip=flip,
        unpriced=sum(row.greeks is None for row in held),
        unknown=tuple(_unknown(fitted, skew, bool(held), flip)),
    )


def _unknown(fitted: bool, skew: Skew | None, held: bool, flip: float | None) -> list[str]:
    found = []
    if not fitted:
        found.append("smile, skew and expected move: fewer than two strikes have a usable quote")
    elif skew is not None and skew.risk_reversal != skew.risk_reversal:
        found.append("skew: the quoted strikes do not reach 25 delta on both sides")
    if not held:
        found.append("open interest, max pain and gamma: the broker told no open interest")
    elif flip is None and fitted:
        found.append(f"gamma flip: the sign does not change within {_REACH:.0%} of the forward")
    return found


def _lines(
    chain: ChainSnapshot,
    smile: Smile | None,
    interest: Mapping[str, int],
    gamma: Mapping[Price, float],
    around: int,
) -> tuple[StrikeLine, ...]:
    calls = {row.contract.strike: row for row in chain.side(Right.CALL)}
    puts = {row.contract.strike: row for row in chain.side(Right.PUT)}
    strikes = sorted(calls.keys() | puts.keys())
    below = [strike for strike in strikes if float(strike) < chain.forward][-around:]
    above = [strike for strike in strikes if float(strike) >= chain.forward][: around + 1]
    found = []
    for strike in (*below, *above):
        total = nan if smile is None else float(smile.total_vol(float(strike)))
        known = total == total
        delta = float(black76.delta(chain.forward, float(strike), total, is_call=True))
        call, put = calls.get(strike), puts.get(strike)
        found.append(
            StrikeLine(
                strike=strike,
                iv=annual(total, chain.minutes) if known else None,
                call_delta=delta if known else None,
                call_mid=_mid(call),
                put_mid=_mid(put),
                call_interest=_interest(call, interest),
                put_interest=_interest(put, interest),
                gamma_per_percent=gamma.get(strike),
            )
        )
    return tuple(found)


def annual(total_vol: float, minutes: float) -> float:
    """Return a total volatility to the close as one of a year of trading minutes."""
    return total_vol * sqrt(TRADING_MINUTES / max(minutes, 1.0))


def _skew(smile: Smile, minutes: float) -> Skew:
    """Read the smile where its own call delta is 0.25 and 0.75 (a put of 25)."""
    grid = np.linspace(smile.strikes[0], smile.strikes[-1], _FINE)
    vols = smile.total_vol(grid)
    deltas = black76.delta(smile.forward, grid, vols, is_call=True)
    call, put = _strike_of(grid, deltas, WING), _strike_of(grid, deltas, 1 - WING)
    at = smile.total_vol(np.array([smile.forward, call, put]))
    return Skew(
        at_money=annual(float(at[0]), minutes),
        call=annual(float(at[1]), minutes),
        put=annual(float(at[2]), minutes),
        call_strike=call,
        put_strike=put,
    )


def _strike_of(grid: Floats, deltas: Floats, wanted: float) -> float:
    """Return where a call's delta comes to a value; NaN where it does not on the grid."""
    if not deltas[-1] <= wanted <= deltas[0]:
        return nan
    falling = np.minimum.accumulate(deltas)  # a noisy smile may let it rise for a moment
    return float(np.interp(-wanted, -falling, grid))


def _expected(chain: ChainSnapshot, smile: Smile) -> Expected:
    both = {row.contract.strike for row in chain.side(Right.CALL)}
    both &= {row.contract.strike for row in chain.side(Right.PUT)}
    strike = min(both, key=lambda one: abs(float(one) - chain.forward), default=None)
    asked = None
    if strike is not None:
        call = _mid(chain.at_strike(Right.CALL, strike))
        put = _mid(chain.at_strike(Right.PUT, strike))
        asked = call + put if call is not None and put is not None else None
    low, high = (float(one) for one in smile.distribution().quantile(np.array([0.1587, 0.8413])))
    return Expected(
        straddle_strike=strike,
        straddle=asked,
        smile=smile.expected_move(),
        band=(low, high) if low == low and high == high else None,
    )


def _walls(chain: ChainSnapshot, interest: Mapping[str, int]) -> tuple[Price | None, Price | None]:
    """Return the strikes with most gamma of calls and of puts."""
    found: list[Price | None] = []
    for right in Right:
        gammas = {
            row.contract.strike: row.greeks.gamma * interest.get(row.contract.symbol, 0)
            for row in chain.side(right)
            if row.greeks is not None and interest.get(row.contract.symbol, 0)
        }
        found.append(max(gammas, key=gammas.__getitem__, default=None))
    calls, puts = found
    return calls, puts


def _flip(chain: ChainSnapshot, smile: Smile, interest: Mapping[str, int]) -> float | None:
    """Return the price nearest the forward at which the sum of signed gamma crosses 0.

    Each strike keeps its volatility while the price moves ("sticky strike").
    """
    held = [
        (row, interest[row.contract.symbol])
        for row in chain.rows
        if interest.get(row.contract.symbol)
    ]
    if not held:
        return None
    strikes = np.array([float(row.contract.strike) for row, _ in held])
    vols = smile.total_vol(strikes)
    signs = np.array([1.0 if row.contract.right is Right.CALL else -1.0 for row, _ in held])
    signed = signs * np.array([float(count) for _, count in held]) * OPTION_MULTIPLIER
    prices = chain.forward * np.linspace(1 - _REACH, 1 + _REACH, _STEPS)
    gammas = black76.gamma(prices[:, None], strikes[None, :], vols[None, :])
    total = np.nansum(gammas * signed, axis=1)
    crossings = np.flatnonzero(np.sign(total[:-1]) * np.sign(total[1:]) < 0)
    if not crossings.size:
        return None
    at = [
        float(prices[i] - total[i] * (prices[i + 1] - prices[i]) / (total[i + 1] - total[i]))
        for i in crossings
    ]
    return min(at, key=lambda price: abs(price - chain.forward))


def _mid(row: ChainRow | None) -> Price | None:
    if row is None or row.quote is None or not row.quote.two_sided:
        return None
    return row.quote.mid


def _interest(row: ChainRow | None, interest: Mapping[str, int]) -> int | None:
    return None if row is None else interest.get(row.contract.symbol)
