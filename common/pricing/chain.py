"""One expiry's quotes to forward, smile and greeks of every contract, in one pass.

Each strike is solved once, on its out-of-the-money side, and mirrored to the other by parity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from common.pricing.hygiene import (
    RULES,
    CleanQuotes,
    Flags,
    Forward,
    ForwardSource,
    HygieneRules,
    QuoteFlag,
    clean,
    forward,
    mark_parity,
    mark_stale,
)
from common.pricing.implied_vol import Solved, greeks, implied_total_vol
from common.pricing.normal import Floats
from common.pricing.smile import Smile

Sources: TypeAlias = NDArray[np.int8]  # values of VolSource


class VolSource(IntEnum):
    """Where a strike's total volatility came from."""

    QUOTED = 0  # its own out-of-the-money mid
    ZERO_BID = 1  # half of an ask of pennies: good for ranking by delta only
    INTERPOLATED = 2  # the neighbours in strike; never beyond the outermost one
    NONE = 3  # unknown: every number of the strike is NaN


class ChainStatus(StrEnum):
    """Whether a fit says anything, and if not, why."""

    OK = "ok"
    EXPIRED = "expired"  # no minutes left, or not known
    NO_SPOT = "no_spot"  # no price of the underlying to judge quotes by
    NO_QUOTES = "no_quotes"  # not one strike has a usable quote


@dataclass(frozen=True, slots=True, kw_only=True)
class SideQuotes:
    """Quotes of one right by ascending strike; a scalar stands for all. NaN is unknown.

    bid, ask: dollars per share. age_seconds: since quoted. spot_move: dollars between the
    underlying now and then, which decides whether an old quote is a stale one.
    """

    bid: ArrayLike
    ask: ArrayLike
    age_seconds: ArrayLike
    spot_move: ArrayLike = np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFit:
    """Every contract of one right by strike; NaN where the strike's source is NONE.

    price: usable mid, else NaN; flag: QuoteFlag saying why. Units of the greeks as in Solved.
    iv and its bars belong to the strike and are the same on both sides: iv_bid and iv_ask come
    from the out-of-the-money bid and ask (NaN bid: nobody bids), and delta_lo and delta_hi are
    the deltas at them. Bars of an interpolated strike are NaN.
    """

    price: Floats
    flag: Flags
    iv: Floats
    iv_bid: Floats
    iv_ask: Floats
    iv_calendar: Floats
    delta: Floats
    delta_lo: Floats
    delta_hi: Floats
    gamma: Floats
    theta: Floats
    vega: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFit:
    """What one expiry's quotes say at one instant. Arrays by ascending strike.

    minutes is as given; iv, theta and vega use at least one. total_vol and source are per strike;
    the smile runs through the strikes that are QUOTED or ZERO_BID.
    """

    status: ChainStatus
    spot: float
    minutes: float
    forward: Forward
    strikes: Floats
    total_vol: Floats
    source: Sources
    smile: Smile
    calls: SideFit
    puts: SideFit


def fit_chain(
    strikes: ArrayLike,
    calls: SideQuotes,
    puts: SideQuotes,
    *,
    spot: float,
    minutes: float,
    minutes_calendar: float | None = None,
    rules: HygieneRules = RULES,
) -> ChainFit:
    """Fit one expiry.

    strikes: dollars, positive, ascending without repeats. minutes: of regular session left to
    expiry; minutes_calendar: with nights and weekends, None on expiry day. Bad quotes, a missing
    spot and a passed expiry give NaN with a reason; only lists that do not match raise ValueError.
    """
    k = _strikes(strikes)
    call = _Side.judged(calls, k, is_call=True, spot=spot, rules=rules)
    put = _Side.judged(puts, k, is_call=False, spot=spot, rules=rules)
    parity, call, put = _against_forward(k, call, put, spot)
    call_otm = k >= parity.value
    otm = np.where(call_otm, call.rows(), put.rows())
    vols = implied_total_vol(otm, parity.value, k, call_otm)
    if call.has_old or put.has_old:
        guess = greeks(_filled(k, vols[0]), parity.value, k, True, minutes).delta
        call, put = call.aged(guess), put.aged(guess - 1.0)
    flag = np.where(call_otm, call.quotes.flag, put.quotes.flag)
    vols[:, (flag > QuoteFlag.ZERO_BID) | (not minutes > 0)] = np.nan
    quoted = vols[0] > 0
    vols[0] = _filled(k, vols[0])
    solved = greeks(vols, parity.value, k, call_otm, minutes, minutes_calendar)
    # Nobody bids: the lower bar is the limit s -> 0, where an out-of-the-money delta is 0.
    solved.delta[1, quoted & ~(otm[1] > 0)] = 0.0
    return ChainFit(
        status=_status(minutes, parity, quoted),
        spot=spot,
        minutes=minutes,
        forward=parity,
        strikes=k,
        total_vol=vols[0],
        source=_sources(vols[0], quoted, flag),
        smile=Smile.through(parity.value, k, np.where(quoted, vols[0], np.nan)),
        calls=_side_fit(call.quotes, solved, np.where(call_otm, 0.0, 1.0)),
        puts=_side_fit(put.quotes, solved, np.where(call_otm, -1.0, 0.0)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One right's quotes as arrays, with what hygiene makes of them."""

    is_call: bool
    bid: Floats
    ask: Floats
    age: Floats
    spot_move: Floats
    quotes: CleanQuotes
    rules: HygieneRules

    @classmethod
    def judged(
        cls, side: SideQuotes, k: Floats, *, is_call: bool, spot: float, rules: HygieneRules
    ) -> _Side:
        bid, ask, age, move = (
            _column(x, k.size) for x in (side.bid, side.ask, side.age_seconds, side.spot_move)
        )
        quotes = clean(bid, ask, k, is_call=is_call, spot=spot, rules=rules)
        return cls(
            is_call=is_call,
            bid=bid,
            ask=ask,
            age=age,
            spot_move=move,
            quotes=quotes,
            rules=rules,
        )

    @property
    def has_old(self) -> bool:
        return not (self.age <= self.rules.age_most_seconds).all()

    def aged(self, delta: ArrayLike) -> _Side:
        """Return the side with stale quotes withdrawn, given deltas."""
        if not self.has_old:
            return self
        half_spread = 0.5 * (self.ask - self.bid)
        quotes = mark_stale(
            self.quotes, half_spread, self.age, delta, self.spot_move, rules=self.rules
        )
        return replace(self, quotes=quotes)

    def above_intrinsic(self, k: Floats, parity: Forward) -> _Side:
        """Return the side without quotes below intrinsic value."""
        quotes = mark_parity(self.quotes, k, is_call=self.is_call, forward_price=parity.value)
        return replace(self, quotes=quotes)

    def rows(self) -> Floats:
        """Return mid, bid and ask as three rows, NaN where the quote is not usable."""
        price = self.quotes.price
        known = price == price
        return np.stack(
            [price, np.where(known, self.bid, np.nan), np.where(known, self.ask, np.nan)]
        )


def _against_forward(
    k: Floats, call: _Side, put: _Side, spot: float
) -> tuple[Forward, _Side, _Side]:
    """Return the forward, and both sides without what lies below intrinsic value on it."""
    # No delta is known yet; 1 bounds it, so a doubtful pair is left out of the forward.
    found = forward(k, call.aged(1.0).quotes, put.aged(1.0).quotes, spot, rules=call.rules)
    return found, call.above_intrinsic(k, found), put.above_intrinsic(k, found)


def _side_fit(quotes: CleanQuotes, solved: Solved, shift: Floats) -> SideFit:
    """Read one right off the strikes' solution; shift takes the OTM delta to this right's."""
    delta = solved.delta + shift
    return SideFit(
        price=quotes.price,
        flag=quotes.flag,
        iv=solved.iv[0],
        iv_bid=solved.iv[1],
        iv_ask=solved.iv[2],
        iv_calendar=solved.iv_calendar[0],
        delta=delta[0],
        delta_lo=np.min(delta, axis=0),
        delta_hi=np.max(delta, axis=0),
        gamma=solved.gamma[0],
        theta=solved.theta[0],
        vega=solved.vega[0],
    )


def _sources(total_vol: Floats, quoted: NDArray[np.bool_], flag: Flags) -> Sources:
    """Say where each strike's total volatility came from."""
    source = np.full(total_vol.shape, VolSource.NONE, dtype=np.int8)
    source[total_vol > 0] = VolSource.INTERPOLATED
    source[quoted] = VolSource.QUOTED
    source[quoted & (flag == QuoteFlag.ZERO_BID)] = VolSource.ZERO_BID
    return source


def _status(minutes: float, parity: Forward, quoted: NDArray[np.bool_]) -> ChainStatus:
    """Name the first thing that keeps the fit from saying anything."""
    if not minutes > 0:
        return ChainStatus.EXPIRED
    if parity.source is ForwardSource.UNKNOWN:
        return ChainStatus.NO_SPOT
    return ChainStatus.OK if quoted.any() else ChainStatus.NO_QUOTES


def _filled(k: Floats, total_vol: Floats) -> Floats:
    """Fill unknown total volatilities linearly in strike, between known ones only."""
    known = total_vol > 0
    if known.all() or not known.any():
        return total_vol
    return np.asarray(np.interp(k, k[known], total_vol[known], left=np.nan, right=np.nan))


def _strikes(strikes: ArrayLike) -> Floats:
    """Return the strikes as an array; ValueError unless positive and ascending."""
    k = np.asarray(strikes, dtype=np.float64)
    if k.ndim != 1 or not (np.diff(k, prepend=0.0) > 0).all():
        raise ValueError("strikes must be one list, positive, ascending, without repeats")
    return k


def _column(values: ArrayLike, size: int) -> Floats:
    """Return values by strike, infinity as unknown; ValueError unless one each or one for all."""
    column = np.asarray(values, dtype=np.float64)
    if column.shape not in {(), (size,)}:
        raise ValueError(f"need {size} quotes, one a strike, was of shape {column.shape}")
    return np.full(size, np.where(np.isfinite(column), column, np.nan))
