"""Greeks of one contract from the quotes of its strike, by the desk's own pricing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from common.contracts import AssetClass, OptionContract, Right, asset_class
from common.pricing.implied_vol import iv_and_greeks
from common.quotes import Greeks, Quote
from common.session import trading_day
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source

_PENNIES: Final = 0.05  # dearest ask that is believed without a bid: worth half of it
_MINUTE: Final = timedelta(minutes=1)
_NO_TIME: Final = timedelta(0)


def greeks_of(
    source: Source, calendar: Calendar, symbol: str, at: datetime
) -> tuple[float, Greeks] | None:
    """Return calendar implied volatility and greeks of a symbol, from its strike's quotes."""
    if asset_class(symbol) is not AssetClass.OPTION:
        return None
    contract = OptionContract.from_occ(symbol)
    twin = replace(contract, right=Right.PUT if contract.is_call else Right.CALL)
    own, other = source.quotes((symbol, twin.symbol), at)
    sessions = calendar.sessions(trading_day(at), contract.expiry)
    if own is None or other is None or not sessions:
        return None
    left = sum((max(day.close - max(day.open, at), _NO_TIME) for day in sessions), _NO_TIME)
    return solve(
        contract,
        own,
        other,
        spot=float(source.spot(contract.underlying, at)),
        minutes=left / _MINUTE,
        minutes_calendar=(sessions[-1].close - at) / _MINUTE,
    )


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
