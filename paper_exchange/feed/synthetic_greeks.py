"""Greeks of one contract from the quotes of its strike, by the desk's own pricing."""

from __future__ import annotations

from typing import Final

import numpy as np

from common.contracts import OptionContract
from common.pricing.implied_vol import iv_and_greeks
from common.quotes import Greeks, Quote

_PENNIES: Final = 0.05  # dearest ask that is believed without a bid: worth half of it


def solve(
    contract: OptionContract,
    own: Quote,
    twin: Quote,
    *,
    spot: float,
    minutes: float,
    minutes_calendar: float,
) -> tuple[float, Greeks] | None:
    """Return calendar implied volatility and greeks, None when the quotes give none.

    twin is the quote of the strike's other right: the volatility is the out-of-the-money
    side's, which has no intrinsic value to drown in, and put and call share it.
    """
    strike = float(contract.strike)
    outside = (strike >= spot) == contract.is_call
    quote = own if outside else twin
    bid, ask = float(quote.bid), float(quote.ask)
    if minutes <= 0 or ask <= 0 or (bid <= 0 and ask > _PENNIES):
        return None
    prices = np.asarray([bid, 0.5 * (bid + ask), ask])
    outside_call = contract.is_call if outside else not contract.is_call
    solved = iv_and_greeks(prices, spot, strike, outside_call, minutes, minutes_calendar)
    shift = 0.0 if outside else (1.0 if contract.is_call else -1.0)
    at_bid, delta, at_ask = (shift + float(value) for value in solved.delta)
    if not np.isfinite((delta, at_ask, float(solved.vega[1]))).all():
        return None
    bars = (at_bid if bid > 0 else shift, at_ask)  # worth nothing, it never moves
    iv = float(solved.iv_calendar[1])
    return iv, Greeks(
        delta=delta,
        gamma=float(solved.gamma[1]),
        theta=float(solved.theta[1]),
        vega=float(solved.vega[1]),
        iv=float(solved.iv[1]),
        iv_calendar=iv,
        delta_low=min(bars),
        delta_high=max(bars),
    )
