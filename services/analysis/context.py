"""Where the market stands: prices of the day, how much it moves, and what hangs on its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import nan, sqrt
from typing import Final

from common.contracts import OPTION_MULTIPLIER, Right
from common.errors import RangeIncomplete
from common.money import ZERO, Price, cent
from common.pricing.clocks import TRADING_MINUTES
from common.pricing.smile import ExpectedMove, Smile
from common.quotes import Bar, ChainSnapshot, MarketView, OpeningRange
from services.analysis.events import EventDay, events_on
from services.analysis.realised import realised_vol

RANGES: Final = (5, 15, 30, 60)  # minutes
WALLS: Final = 3  # strikes named


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterest:
    """What the chain's open interest says; it is the day before's, and none of it is today's.

    gamma_per_percent: dollars of delta dealers trade per 1 % move, if they hold what customers
    sold in calls and owe what they bought in puts; positive damps moves. walls: the strikes with
    most of it, each with its part. max_pain: where holders would receive least. contracts: how
    many have an open interest, of how many.
    """

    gamma_per_percent: float
    walls: tuple[tuple[Price, float], ...]
    max_pain: Price
    calls: int
    puts: int
    contracts: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketContext:
    """One moment. None is not known.

    vwap: of the session's bars. ranges: opening ranges that are complete. realised_move and
    realised_vol: the session so far, as a share and annualised on the trading clock; implied_vol:
    of the remainder, on the same clock. minutes: left to the close.
    """

    spot: Price
    vwap: Price | None
    high: Price | None
    low: Price | None
    ranges: tuple[OpeningRange, ...]
    realised_move: float
    realised_vol: float
    implied_vol: float
    expected: ExpectedMove | None
    open_interest: OpenInterest | None
    minutes: float
    early_close: bool
    events: EventDay


def market_context(view: MarketView, open_interest: Mapping[str, int]) -> MarketContext:
    """Return where the market stands; open_interest: contracts by symbol, the day before's."""
    chain, bars = view.chain, view.bars
    passed = [bar for bar in bars if bar.at + timedelta(minutes=1) <= view.now]
    so_far, left = realised_vol(passed), chain.minutes
    known = bool(chain.strikes) and left > 0
    smile = Smile.through(chain.forward, chain.strikes, chain.total_vols) if known else None
    at_money = float(smile.total_vol(chain.forward)) if smile is not None else nan
    return MarketContext(
        spot=chain.spot,
        vwap=vwap(bars),
        high=max((bar.high for bar in bars), default=None),
        low=min((bar.low for bar in bars), default=None),
        ranges=_ranges(view),
        realised_move=float(passed[-1].close / passed[0].open) - 1.0 if passed else nan,
        realised_vol=so_far * sqrt(TRADING_MINUTES / len(passed)) if passed else nan,
        implied_vol=at_money * sqrt(TRADING_MINUTES / max(left, 1.0)),
        expected=smile.expected_move() if smile is not None else None,
        open_interest=read_interest(chain, open_interest),
        minutes=left,
        early_close=view.session.early,
        events=events_on(view.session.day),
    )


def vwap(bars: tuple[Bar, ...]) -> Price | None:
    """Return the volume-weighted average price of bars to the cent, None without volume."""
    volume = sum(bar.volume for bar in bars)
    if not volume:
        return None
    return cent(sum((bar.vwap * bar.volume for bar in bars), ZERO) / Decimal(volume))


def read_interest(chain: ChainSnapshot, interest: Mapping[str, int]) -> OpenInterest | None:
    """Return what open interest says, None where no contract has any."""
    rows = [(row, interest.get(row.contract.symbol, 0)) for row in chain.rows]
    held = [(row, contracts) for row, contracts in rows if contracts]
    if not held:
        return None
    by_strike = gamma_by_strike(chain, interest)
    strikes = sorted({row.contract.strike for row, _ in held})
    return OpenInterest(
        gamma_per_percent=sum(by_strike.values()),
        walls=tuple(sorted(by_strike.items(), key=lambda one: -abs(one[1]))[:WALLS]),
        max_pain=min(
            strikes,
            key=lambda at: sum((n * row.contract.intrinsic(at) for row, n in held), ZERO),
        ),
        calls=sum(n for row, n in held if row.contract.right is Right.CALL),
        puts=sum(n for row, n in held if row.contract.right is Right.PUT),
        contracts=(len(held), len(chain.rows)),
    )


def gamma_by_strike(chain: ChainSnapshot, interest: Mapping[str, int]) -> dict[Price, float]:
    """Return dealers' gamma of each strike whose open interest and greeks are known.

    Dollars of delta traded per 1 % move, with the sign that OpenInterest says.
    """
    spot = float(chain.spot)
    found: dict[Price, float] = {}
    for row in chain.rows:
        contracts = interest.get(row.contract.symbol, 0)
        if contracts and row.greeks is not None:
            sign = 1 if row.contract.right is Right.CALL else -1
            part = sign * row.greeks.gamma * contracts * OPTION_MULTIPLIER * spot * spot / 100
            found[row.contract.strike] = found.get(row.contract.strike, 0.0) + part
    return found


def _ranges(view: MarketView) -> tuple[OpeningRange, ...]:
    found = []
    for minutes in RANGES:
        try:
            found.append(view.opening_range(minutes))
        except RangeIncomplete:
            continue
    return tuple(found)
