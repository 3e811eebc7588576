"""Total volatility and greeks from option prices, a whole chain at once.

Method. A price is reduced to its time value, which belongs to the out-of-the-money side; with
x = |ln(F/K)|, h = x/s, t = s/2 and Y the Mills ratio, normalised Black is
    b = phi(sqrt(h^2 + t^2)) * (Y(h-t) - Y(h+t)),   d(ln b)/ds = 1 / (Y(h-t) - Y(h+t)).
For small s, b/x depends on h alone, b/x = phi(h)/h - N(-h): one table inverts it. One
fourth-order Householder step on ln b then reaches 1e-13; a further one is taken only where the
step shows it is needed. No exponential and one logarithm per step.

Source of the normalisation: Jaeckel, "Let's Be Rational" (2015); the rest derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from common.pricing.clocks import CALENDAR_MINUTES, TRADING_MINUTES, floored
from common.pricing.normal import FAR, LOG_SQRT_2PI, SQRT_2PI, Floats, mills, mills_odd

_X_LEAST: Final = 1e-17  # |ln(F/K)| at the money: keeps h positive, moves s by less than rounding
_CLOSE: Final = 3e-4  # a relative step below this leaves an error of its fourth power
_STEPS: Final = 12
_CLOCK_RATIO: Final = sqrt(TRADING_MINUTES / CALENDAR_MINUTES)
_TABLE_SIZE: Final = 4096


def _table() -> tuple[Floats, Floats]:
    """Tabulate ln h over ln psi(h), psi(h) = phi(h)/h - N(-h), ascending in psi."""
    h = np.geomspace(39.0, 1e-18, _TABLE_SIZE)
    log_psi = np.log1p(-h * mills(h)) - np.log(h) - 0.5 * h * h - LOG_SQRT_2PI
    log_h = np.log(h)
    for column in (log_psi, log_h):
        column.setflags(write=False)
    return log_psi, log_h


_LOG_PSI, _LOG_H = _table()


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What option prices say, arrays of one shape; NaN where a price says nothing.

    total_vol is sigma * sqrt(T); iv and iv_calendar are the same on the two clocks. delta is per
    share, gamma per share per $1, theta dollars per share per minute, vega dollars per share per
    0.01 of iv.
    """

    total_vol: Floats
    iv: Floats
    iv_calendar: Floats
    delta: Floats
    gamma: Floats
    theta: Floats
    vega: Floats


def implied_total_vol(
    price: ArrayLike, forward: ArrayLike, strike: ArrayLike, is_call: ArrayLike
) -> Floats:
    """Return sigma * sqrt(T) of undiscounted prices per share, broadcast shape of the inputs.

    NaN, never an exception, where no volatility gives the price: at or below intrinsic value, at
    or above the forward (calls) or the strike (puts), or any input NaN or not positive.
    """
    with np.errstate(all="ignore"):
        f, k, log_fk = _moneyness(forward, strike)
        return _solve(_normalised(price, f, k, log_fk, is_call), log_fk)


def iv_and_greeks(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    is_call: ArrayLike,
    minutes: ArrayLike,
    minutes_calendar: ArrayLike | None = None,
) -> Solved:
    """Solve prices and return volatilities and greeks in one pass.

    minutes: of regular session left to expiry, floored at 1; NaN iv, theta and vega where they
    are not positive. minutes_calendar: with nights and weekends; None on expiry day, when both
    clocks count the same. NaN rules as in implied_total_vol.
    """
    with np.errstate(all="ignore"):
        f, k, log_fk = _moneyness(forward, strike)
        beta = _normalised(price, f, k, log_fk, is_call)
        s = _solve(beta, log_fk)
        return _greeks(s, f, log_fk, is_call, minutes, minutes_calendar)


def greeks(
    total_vol: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    is_call: ArrayLike,
    minutes: ArrayLike,
    minutes_calendar: ArrayLike | None = None,
) -> Solved:
    """Return volatilities and greeks of known total volatilities, as iv_and_greeks does."""
    with np.errstate(all="ignore"):
        f, _, log_fk = _moneyness(forward, strike)
        s = np.asarray(total_vol, dtype=np.float64)
        s = np.where((s > 0) & (s < np.inf), s, np.nan)
        return _greeks(s, f, log_fk, is_call, minutes, minutes_calendar)


def _moneyness(forward: ArrayLike, strike: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the forward and strike as float64, and ln(F/K): not finite where they make none."""
    f = np.asarray(forward, dtype=np.float64)
    k = np.asarray(strike, dtype=np.float64)
    return f, k, np.asarray(np.log(f / k))


def _normalised(
    price: ArrayLike, f: Floats, k: Floats, log_fk: Floats, is_call: ArrayLike
) -> Floats:
    """Return time value over sqrt(F K), NaN where no volatility can give it."""
    sign = np.subtract(np.multiply(is_call, 2.0), 1.0)
    intrinsic = np.maximum(sign * (f - k), 0.0)
    beta = np.asarray(price, dtype=np.float64) - intrinsic
    beta = np.asarray(beta / np.sqrt(f * k))
    most = np.exp(-0.5 * np.abs(log_fk))  # the OTM side is worth less than min(F, K)
    return np.where((beta > 0) & (beta < most), beta, np.nan)


def _solve(beta: Floats, log_fk: Floats) -> Floats:
    """Invert normalised time value for total volatility, shape of beta."""
    shape = beta.shape
    x = np.abs(log_fk)
    if x.shape != shape:
        x = np.broadcast_to(x, shape)
    x = np.maximum(x.reshape(-1), _X_LEAST)
    log_beta = np.log(beta.reshape(-1))
    s: Floats = np.exp(-np.interp(log_beta - np.log(x), _LOG_PSI, _LOG_H))
    s *= x
    log_beta += LOG_SQRT_2PI
    for _ in range(_STEPS):
        step = _householder(s, x, log_beta)
        move = step / s
        largest = float(np.fmax.reduce(np.abs(move), initial=0.0))
        if largest > 0.5:
            step = np.clip(step, -0.5 * s, s)
        s += step
        if largest < _CLOSE:
            return s.reshape(shape)
    return np.asarray(np.where(np.abs(move) < _CLOSE, s, np.nan)).reshape(shape)


def _householder(s: Floats, x: Floats, log_target: Floats) -> Floats:
    """Return the fourth-order step to the root of ln b(s) = log_target - ln sqrt(2 pi).

    With n = f/f', a = f''/f' = g - f' and g = b''/b' = h^2/s - t/2, every product with f' is
    free, since n f' = f.
    """
    h = x / s
    t = 0.5 * s
    reach = float(np.fmax.reduce(t, initial=0.0))
    gap = mills_odd(h, t, reach)
    gap *= s
    h *= h
    f = np.log(gap)
    f -= log_target
    f -= 0.5 * h
    f -= 0.5 * t * t
    n = f * gap
    na = n * (h / s - 0.5 * t) - f
    third = n / s  # n^2 g' = -(3 h^2 + s^2 / 4) (n / s)^2
    third *= third
    third *= 3.0 * h + t * t
    curve = na * (na - f)
    curve -= third
    curve *= 1.0 / 6.0
    curve += 1.0 - na
    n *= 0.5 * na - 1.0
    return np.asarray(n / curve)


def _greeks(
    s: Floats,
    f: Floats,
    log_fk: Floats,
    is_call: ArrayLike,
    minutes: ArrayLike,
    minutes_calendar: ArrayLike | None,
) -> Solved:
    """Derive every greek from one density and one Mills ratio."""
    if log_fk.shape != s.shape:
        s, log_fk = np.broadcast_arrays(s, log_fk)
    call_otm = log_fk <= 0
    side = np.subtract(np.multiply(call_otm, 2.0), 1.0)
    density, tail = _out_of_the_money(s, log_fk, side)
    # One side's delta is +-tail; the other's is what parity adds to it: +1 or -1.
    parity = np.subtract(is_call, call_otm, dtype=np.float64)
    slope = density * f
    left = floored(minutes)
    year = np.sqrt(left / TRADING_MINUTES)
    if minutes_calendar is None:
        year_calendar = year * _CLOCK_RATIO
    else:
        year_calendar = np.sqrt(floored(minutes_calendar) / CALENDAR_MINUTES)
    return Solved(
        total_vol=s,
        iv=s / year,
        iv_calendar=s / year_calendar,
        delta=side * tail + parity,
        gamma=density / (f * s),
        theta=slope * s * (-0.5 / left),
        vega=slope * (0.01 * year),
    )


def _out_of_the_money(s: Floats, log_fk: Floats, side: Floats) -> tuple[Floats, Floats]:
    """Return phi(d1) and |delta| of the out-of-the-money side, N(side * d1).

    side: 1 where that is the call, -1 where it is the put.
    """
    d1 = log_fk / s + 0.5 * s
    density = np.exp(-0.5 * d1 * d1) * (1.0 / SQRT_2PI)
    tail = density * mills(np.minimum(np.abs(d1), FAR))
    # Nearly at the money d1 may lie on the other side of 0.
    return density, np.where(side * d1 > 0, 1.0 - tail, tail)
