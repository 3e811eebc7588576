"""Greeks of holdings and orders, per contract and in dollars; statistics, so floats.

A contract whose own quote solves to nothing (a wing nobody bids for) is priced on the chain's
smile, carried flat beyond its last strike, and marked estimated. Without a smile it stays
unknown and so does every total it belongs to: an unknown delta is never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.orders import Leg
from common.portfolio import Position
from common.pricing import black76
from common.pricing.clocks import iv_calendar, iv_trading
from common.quotes import ChainSnapshot, Greeks


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """How the dollars of a holding move.

    delta: share equivalents of the chain's underlying. gamma: of delta per $1. theta: dollars
    per minute of trading. vega: dollars per vol point. delta_dollars: delta times spot.
    gamma_percent: change of delta_dollars when the underlying moves 1%.
    """

    delta: float
    gamma: float
    theta: float
    vega: float
    delta_dollars: float
    gamma_percent: float

    def plus(self, other: Sensitivity) -> Sensitivity:
        """Return the sensitivity of both together."""
        return _sum((self, other))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldGreeks:
    """One symbol's sensitivity; None and why when it is not known."""

    symbol: str
    qty: float  # ratio: signed contracts, shares or coins
    sensitivity: Sensitivity | None
    estimated: bool = False  # from the smile, the contract's own quote being of no use
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GreeksReport:
    """Every holding and the sum; total is None when any holding's is unknown."""

    holdings: tuple[HeldGreeks, ...]
    total: Sensitivity | None
    unknown: tuple[str, ...]


def greeks_of_positions(positions: Iterable[Position], chain: ChainSnapshot | None) -> GreeksReport:
    """Return the greeks of what is held.

    Shares of the underlying are themselves; other shares and coins count as shares of the
    underlying of equal value, a beta of 1. Options outside the chain are unknown.
    """
    return _report([_held(position, chain) for position in positions])


def greeks_of_legs(legs: Sequence[Leg], qty: int, chain: ChainSnapshot) -> GreeksReport:
    """Return the greeks an order of qty units adds when it fills."""
    return _report([_option(leg.contract, leg.signed_ratio * qty, chain) for leg in legs])


def contract_greeks(chain: ChainSnapshot, contract: OptionContract) -> tuple[Greeks | None, bool]:
    """Return a contract's greeks per share and whether they are estimated from the smile."""
    row = chain.find(contract)
    if row is not None and row.greeks is not None:
        return row.greeks, False
    same = contract.underlying == chain.underlying and contract.expiry == chain.expiry
    if not same or not chain.strikes or not chain.minutes > 0:
        return None, False
    return _on_smile(chain, contract), True


def _on_smile(chain: ChainSnapshot, contract: OptionContract) -> Greeks:
    forward, strike, minutes = chain.forward, float(contract.strike), chain.minutes
    vol = float(np.interp(strike, chain.strikes, chain.total_vols))
    delta = float(black76.delta(forward, strike, vol, contract.is_call))
    return Greeks(
        delta=delta,
        gamma=float(black76.gamma(forward, strike, vol)),
        theta=float(black76.theta(forward, strike, vol, minutes)),
        vega=float(black76.vega(forward, strike, vol, minutes)),
        iv=float(iv_trading(vol, minutes)),
        iv_calendar=float(iv_calendar(vol, minutes)),
        delta_low=delta,
        delta_high=delta,
    )


def _held(position: Position, chain: ChainSnapshot | None) -> HeldGreeks:
    qty, contract = float(position.qty), position.contract
    if chain is None:
        return _unknown(position.symbol, qty, "no chain has been received")
    if contract is not None:
        return _option(contract, qty, chain)
    shares, spot = qty, float(chain.spot)
    if position.symbol != chain.underlying:
        if position.current_price is None:
            return _unknown(position.symbol, qty, "no price")
        shares = qty * float(position.current_price) / spot
    return HeldGreeks(
        symbol=position.symbol,
        qty=qty,
        sensitivity=Sensitivity(
            delta=shares,
            gamma=0.0,
            theta=0.0,
            vega=0.0,
            delta_dollars=shares * spot,
            gamma_percent=0.0,
        ),
    )


def _option(contract: OptionContract, qty: float, chain: ChainSnapshot) -> HeldGreeks:
    greeks, estimated = contract_greeks(chain, contract)
    if greeks is None:
        return _unknown(contract.symbol, qty, "no greeks")
    shares, spot = qty * OPTION_MULTIPLIER, float(chain.spot)
    return HeldGreeks(
        symbol=contract.symbol,
        qty=qty,
        estimated=estimated,
        sensitivity=Sensitivity(
            delta=shares * greeks.delta,
            gamma=shares * greeks.gamma,
            theta=shares * greeks.theta,
            vega=shares * greeks.vega,
            delta_dollars=shares * greeks.delta * spot,
            gamma_percent=shares * greeks.gamma * spot * spot / 100,
        ),
    )


def _unknown(symbol: str, qty: float, why: str) -> HeldGreeks:
    return HeldGreeks(symbol=symbol, qty=qty, sensitivity=None, unknown=f"{symbol}: {why}")


def _report(holdings: Sequence[HeldGreeks]) -> GreeksReport:
    unknown = tuple(held.unknown for held in holdings if held.unknown is not None)
    known = [held.sensitivity for held in holdings if held.sensitivity is not None]
    return GreeksReport(
        holdings=tuple(holdings),
        total=None if unknown else _sum(known),
        unknown=unknown,
    )


def _sum(parts: Sequence[Sensitivity]) -> Sensitivity:
    return Sensitivity(
        delta=sum(part.delta for part in parts),
        gamma=sum(part.gamma for part in parts),
        theta=sum(part.theta for part in parts),
        vega=sum(part.vega for part in parts),
        delta_dollars=sum(part.delta_dollars for part in parts),
        gamma_percent=sum(part.gamma_percent for part in parts),
    )
