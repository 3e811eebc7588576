"""Full revaluation of a book on today's smile: what it makes wherever price, time and vol go.

The smile is carried sticky in moneyness: at a forward of F' the total volatility of a strike K is
the one that K F / F' has now, times the volatility multiple, times the root of the share of time
left. Beyond the outermost known strikes it is flat, as in the greeks of holdings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.errors import MarketDataMissing
from common.money import Price
from common.pricing import black76
from common.pricing.normal import Floats
from common.quotes import ChainSnapshot

NO_TIME: Final = 1e-14  # total volatility that stands for none: what is left is intrinsic value


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLeg:
    """One holding of the chain's underlying. contract None is its shares.

    qty: signed contracts or shares. price: dollars per share that profit is counted from; None
    is the model's own value now, so that profit is the change from here.
    """

    contract: OptionContract | None
    qty: float
    price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One scenario. spot: dollars; minutes: left to the close; vol: multiple; pnl: dollars."""

    spot: float
    minutes: float
    vol: float
    pnl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioGrid:
    """Profit in dollars by [minutes, vol, spot], with its axes as in Cell."""

    spots: Floats
    minutes: Floats
    vols: Floats
    pnl: Floats

    @property
    def worst(self) -> Cell:
        """The scenario that loses most."""
        time, vol, spot = np.unravel_index(int(np.argmin(self.pnl)), self.pnl.shape)
        return Cell(
            spot=float(self.spots[spot]),
            minutes=float(self.minutes[time]),
            vol=float(self.vols[vol]),
            pnl=float(self.pnl[time, vol, spot]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuer:
    """A book of one expiry ready to be revalued. shares: signed, of each option."""

    forward: float
    spot: float
    minutes: float
    knots: Floats
    total_vols: Floats
    strikes: Floats
    is_call: NDArray[np.bool_]
    shares: Floats
    stock: float  # shares of the underlying
    paid: float  # dollars that profit is counted from

    @classmethod
    def of(cls, legs: Sequence[HeldLeg], chain: ChainSnapshot) -> Valuer:
        """Return the book on a chain's smile.

        Raises MarketDataMissing without a smile or time left, and for a contract of another
        underlying or expiry, which the smile says nothing about.
        """
        if not chain.strikes or not chain.minutes > 0 or not np.isfinite(chain.forward):
            raise MarketDataMissing("the chain has no smile to value a book on")
        options = [(leg, leg.contract) for leg in legs if leg.contract is not None]
        for _, contract in options:
            if (contract.underlying, contract.expiry) != (chain.underlying, chain.expiry):
                raise MarketDataMissing(f"{contract.symbol} is not of the chain of today")
        valuer = cls(
            forward=chain.forward,
            spot=float(chain.spot),
            minutes=chain.minutes,
            knots=np.asarray(chain.strikes),
            total_vols=np.asarray(chain.total_vols),
            strikes=np.array([float(contract.strike) for _, contract in options]),
            is_call=np.array([contract.is_call for _, contract in options], dtype=np.bool_),
            shares=np.array([leg.qty * OPTION_MULTIPLIER for leg, _ in options]),
            stock=sum(leg.qty for leg in legs if leg.contract is None),
            paid=0.0,
        )
        return valuer._counted_from(legs)

    def value(self, ratio: ArrayLike, minutes: ArrayLike, vol: ArrayLike) -> Floats:
        """Return the book's dollars where the underlying is ratio times what it is now.

        The three broadcast together; the answer has their common shape.
        """
        x = np.asarray(ratio, dtype=np.float64)
        return self._value(self._legs(x, minutes, vol), x)

    def pnl(self, ratio: ArrayLike, minutes: ArrayLike, vol: ArrayLike) -> Floats:
        """Return profit in dollars against what was paid; arguments as in value."""
        return self.value(ratio, minutes, vol) - self.paid

    def _legs(self, x: Floats, minutes: ArrayLike, vol: ArrayLike) -> Floats:
        """Return each option's price per share, legs along a new first axis."""
        left = np.maximum(np.asarray(minutes, dtype=np.float64), 0.0) / self.minutes
        scale = np.asarray(vol, dtype=np.float64) * np.sqrt(left)
        # s depends on strike and spot alone: one look-up for every time and volatility.
        strikes = self.strikes.reshape(-1, *([1] * max(x.ndim, np.ndim(scale))))
        smile = np.interp(strikes / x, self.knots, self.total_vols)
        total_vol = np.maximum(smile * scale, NO_TIME)
        is_call = self.is_call.reshape(strikes.shape)
        return black76.price(self.forward * x, strikes, total_vol, is_call)

    def _value(self, prices: Floats, x: Floats) -> Floats:
        options = np.tensordot(self.shares, prices, axes=1) if self.shares.size else 0.0
        return np.asarray(options + self.stock * self.spot * x)

    def _counted_from(self, legs: Sequence[HeldLeg]) -> Valuer:
        """Return the same book with profit counted from the legs' prices."""
        now = self._legs(np.asarray(1.0), self.minutes, 1.0).reshape(-1).tolist()
        paid = 0.0
        for leg in legs:
            size = leg.qty * (1 if leg.contract is None else OPTION_MULTIPLIER)
            model = self.spot if leg.contract is None else now.pop(0)
            paid += size * (model if leg.price is None else float(leg.price))
        return replace(self, paid=paid)

    def grid(self, spots: ArrayLike, minutes: ArrayLike, vols: ArrayLike) -> ScenarioGrid:
        """Return profit on every combination of the axes, each in the units of Cell."""
        s, t, v = (np.asarray(axis, dtype=np.float64) for axis in (spots, minutes, vols))
        ratio = s / self.spot
        pnl = self.pnl(ratio[None, None, :], t[:, None, None], v[None, :, None])
        return ScenarioGrid(
            spots=s, minutes=t, vols=v, pnl=np.broadcast_to(pnl, (t.size, v.size, s.size))
        )


def scenario_grid(
    legs: Sequence[HeldLeg],
    chain: ChainSnapshot,
    *,
    spots: ArrayLike,
    minutes: ArrayLike,
    vols: ArrayLike = (1.0,),
) -> ScenarioGrid:
    """Return the profit of legs, dollars, at spots x minutes left x volatility multiples.

    Raises MarketDataMissing as Valuer.of.
    """
    return Valuer.of(legs, chain).grid(spots, minutes, vols)


def one_sigma(chain: ChainSnapshot) -> float:
    """Return the at-the-money total volatility to the close: one standard deviation, as a share."""
    return float(np.interp(chain.forward, chain.strikes, chain.total_vols))
