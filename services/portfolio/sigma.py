"""Where delta comes to as the underlying moves: reevaluated on the chain's smile, so floats.

The smile is carried sticky in moneyness: at a forward F' a strike K has the total volatility
that K F / F' has now. One sigma is what the smile gives the remaining session at the money.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.orders import OrderIntent
from common.portfolio import Position
from common.pricing import black76
from common.quotes import ChainSnapshot
from services.portfolio.greeks import greeks_of_positions

STEPS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)  # sigmas at which delta is looked at

Deltas: TypeAlias = npt.NDArray[np.float64]  # share equivalents, one for each step


def deltas_of_positions(
    positions: Iterable[Position], chain: ChainSnapshot | None
) -> Deltas | None:
    """Return the delta of what is held at each step; None when any of it is not known."""
    held = tuple(positions)
    shares = greeks_of_positions((p for p in held if p.contract is None), chain)
    options = [(p.contract, float(p.qty)) for p in held if p.contract is not None]
    found = deltas_of_contracts(options, chain)
    return None if shares.total is None or found is None else shares.total.delta + found


def deltas_of_order(order: OrderIntent, chain: ChainSnapshot | None) -> Deltas | None:
    """Return the delta an order adds at each step once it is filled; None when not known."""
    legs = [(leg.contract, float(leg.signed_ratio * order.qty)) for leg in order.legs]
    return deltas_of_contracts(legs, chain)


def deltas_of_contracts(
    holdings: Iterable[tuple[OptionContract, float]], chain: ChainSnapshot | None
) -> Deltas | None:
    """Return the delta of (contract, signed quantity) at each step; None when not known."""
    total, held = np.zeros(len(STEPS)), tuple(holdings)
    if not held:
        return total
    if chain is None or not chain.strikes or not chain.minutes > 0:
        return None
    forward, strikes, vols = chain.forward, chain.strikes, chain.total_vols
    sigma = float(np.interp(forward, strikes, vols))
    moved = forward * np.exp(sigma * np.asarray(STEPS))
    for contract, qty in held:
        if contract.underlying != chain.underlying or contract.expiry != chain.expiry:
            return None
        strike = float(contract.strike)
        vol = np.interp(strike * forward / moved, strikes, vols)
        delta = black76.delta(moved, strike, vol, contract.is_call)
        total = total + np.asarray(delta) * qty * OPTION_MULTIPLIER
    return total if bool(np.isfinite(total).all()) else None
