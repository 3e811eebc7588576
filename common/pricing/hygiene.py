"""Which quotes may be believed, decided per contract before any volatility is solved.

A quote that may not be used has price NaN and a flag that says why: nothing unknown becomes 0.
The rules follow the VIX white paper (zero bids) and what vendors publish of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from common.pricing.normal import Floats

Flags: TypeAlias = NDArray[np.int8]  # values of QuoteFlag
Bools: TypeAlias = NDArray[np.bool_]


class QuoteFlag(IntEnum):
    """What was found about one contract's quote; up to ZERO_BID it has a price."""

    OK = 0
    LOCKED = 1  # bid == ask: the mid is exact
    WIDE = 2  # spread above max(5c, 25% of mid): usable, not for the forward
    ZERO_BID = 3  # no bid, ask of pennies: half the ask, good for ranking by delta only
    PARITY = 4  # in the money below intrinsic: the other side of the strike speaks
    STALE = 5  # old, and the underlying has moved by more than the half-spread since
    BEYOND_WING = 6  # outside two consecutive strikes without a bid
    NO_MARKET = 7  # no bid and an ask that says nothing
    CROSSED = 8  # bid above ask
    NO_QUOTE = 9  # nothing, or numbers that are no quote

    @property
    def usable(self) -> bool:
        """Whether a price may be taken from the quote."""
        return self <= QuoteFlag.ZERO_BID


class ForwardSource(StrEnum):
    """Where a forward came from; anything but PARITY is a fallback to spot, or nothing."""

    PARITY = "parity"
    SPOT_FEW_PAIRS = "spot_few_pairs"  # too few strikes with both sides clean
    SPOT_REJECTED = "spot_rejected"  # parity disagreed with spot by more than the limit
    UNKNOWN = "unknown"  # no spot either: the forward is NaN


@dataclass(frozen=True, slots=True, kw_only=True)
class HygieneRules:
    """Bounds of the rules. Dollars per share, seconds, or a fraction where named so."""

    zero_bid_ask_most: float = 0.05
    wide_least: float = 0.05
    wide_fraction: float = 0.25
    age_most_seconds: float = 10.0
    forward_pairs: int = 6
    forward_pairs_least: int = 3
    forward_gap_most_fraction: float = 0.0015  # 15 basis points of spot


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanQuotes:
    """Usable prices of one right, by strike: price is NaN wherever flag is not usable."""

    price: Floats
    flag: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """The forward of one expiry, dollars, and how it was found.

    pairs: strikes it rests on, 0 for a fallback. gap: parity minus spot as a fraction of spot,
    kept when it was rejected; NaN when there was no parity to compare.
    """

    value: float
    source: ForwardSource
    pairs: int
    gap: float


RULES: Final = HygieneRules()
_HALF_CENT: Final = 0.005
_EPS: Final = 1e-9  # dollars: bounds are inclusive, whatever floats make of 0.05


def clean(
    bid: ArrayLike,
    ask: ArrayLike,
    strike: ArrayLike,
    *,
    is_call: bool,
    spot: float,
    rules: HygieneRules = RULES,
) -> CleanQuotes:
    """Judge the quotes of one right; arrays by ascending strike, dollars per share.

    NaN for a side that is missing. What needs a forward or deltas is judged after, by
    mark_parity and mark_stale.
    """
    b, a, k = (np.asarray(x, dtype=np.float64) for x in (bid, ask, strike))
    with np.errstate(invalid="ignore"):
        mid = 0.5 * (b + a)
        spread = a - b
        silent = ~(b > 0)
        flag = np.zeros(b.shape, dtype=np.int8)
        # Later lines overrule earlier ones.
        wide = spread > np.maximum(rules.wide_least, rules.wide_fraction * mid) + _EPS
        flag[wide] = QuoteFlag.WIDE
        flag[b == a] = QuoteFlag.LOCKED
        flag[silent] = QuoteFlag.ZERO_BID
        flag[_beyond(silent, k, is_call=is_call, spot=spot)] = QuoteFlag.BEYOND_WING
        flag[silent & (a > rules.zero_bid_ask_most + _EPS)] = QuoteFlag.NO_MARKET
        flag[spread < 0] = QuoteFlag.CROSSED
        known = (b >= 0) & (a > 0) & (a < np.inf)
        flag[~known] = QuoteFlag.NO_QUOTE
    return CleanQuotes(price=np.where(flag <= QuoteFlag.ZERO_BID, mid, np.nan), flag=flag)


def mark_parity(
    quotes: CleanQuotes, strike: Floats, *, is_call: bool, forward_price: float
) -> CleanQuotes:
    """Withdraw usable quotes whose mid is below intrinsic value on the forward.

    On the forward, not on spot: a spot that lags would condemn quotes that are right, and with
    them the forward that would show it.
    """
    gain = strike - forward_price
    with np.errstate(invalid="ignore"):
        below = quotes.price < (-gain if is_call else gain) - _EPS
    return _withdrawn(quotes, below, QuoteFlag.PARITY)


def mark_stale(
    quotes: CleanQuotes,
    half_spread: Floats,
    age_seconds: ArrayLike,
    delta: ArrayLike,
    spot_move: ArrayLike,
    *,
    rules: HygieneRules = RULES,
) -> CleanQuotes:
    """Withdraw usable quotes that are old and have been left behind by the underlying.

    spot_move: dollars between spot now and when each contract was quoted; NaN is unknown, and
    then age alone decides (fails closed), as does an unknown age. A far wing may be minutes old
    and right: its delta times the move stays inside the half-spread.
    """
    age = np.asarray(age_seconds, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        drift = np.abs(np.asarray(delta, np.float64)) * np.abs(np.asarray(spot_move, np.float64))
        young = age <= rules.age_most_seconds
        stale = ~young & ~(drift <= half_spread + _EPS) & (quotes.flag <= QuoteFlag.ZERO_BID)
    return _withdrawn(quotes, stale, QuoteFlag.STALE)


def forward(
    strike: ArrayLike,
    calls: CleanQuotes,
    puts: CleanQuotes,
    spot: float,
    *,
    rules: HygieneRules = RULES,
) -> Forward:
    """Return the put-call parity forward: the median of K + C - P near the money.

    Takes the strikes nearest spot whose both sides are OK or LOCKED, or without a bid but offered
    at a cent: minutes before the close little else is left, and it is right to half a cent. Falls
    back to spot, saying why, when there are too few or the median is too far to be true.
    """
    if not 0 < spot < np.inf:
        return Forward(value=np.nan, source=ForwardSource.UNKNOWN, pairs=0, gap=np.nan)
    k = np.asarray(strike, dtype=np.float64)
    both = np.flatnonzero(_exact(calls) & _exact(puts))
    near = both[np.argsort(np.abs(k[both] - spot), kind="stable")[: rules.forward_pairs]]
    if near.size < rules.forward_pairs_least:
        return Forward(value=spot, source=ForwardSource.SPOT_FEW_PAIRS, pairs=0, gap=np.nan)
    value = float(np.median(k[near] + calls.price[near] - puts.price[near]))
    gap = value / spot - 1.0
    if abs(gap) > rules.forward_gap_most_fraction:
        return Forward(value=spot, source=ForwardSource.SPOT_REJECTED, pairs=0, gap=gap)
    return Forward(value=value, source=ForwardSource.PARITY, pairs=int(near.size), gap=gap)


def _beyond(silent: Bools, strike: Floats, *, is_call: bool, spot: float) -> Bools:
    """Tell which strikes lie outside the first two consecutive ones without a bid."""
    beyond = np.zeros(silent.shape, dtype=np.bool_)
    outward = np.flatnonzero(strike >= spot if is_call else strike <= spot)
    if not is_call:
        outward = outward[::-1]
    quiet = silent[outward]
    pairs = np.flatnonzero(quiet[:-1] & quiet[1:])
    if pairs.size:
        beyond[outward[pairs[0] + 2 :]] = True
    return beyond


def _exact(quotes: CleanQuotes) -> Bools:
    """Tell which prices are good enough to find the forward with."""
    with np.errstate(invalid="ignore"):
        penny = (quotes.flag == QuoteFlag.ZERO_BID) & (quotes.price <= _HALF_CENT + _EPS)
    return np.asarray((quotes.flag <= QuoteFlag.LOCKED) | penny)


def _withdrawn(quotes: CleanQuotes, which: Bools, flag: QuoteFlag) -> CleanQuotes:
    """Return the quotes without the prices of some, flagged why."""
    if not which.any():
        return quotes
    return CleanQuotes(
        price=np.where(which, np.nan, quotes.price),
        flag=np.where(which, np.int8(flag), quotes.flag),
    )
