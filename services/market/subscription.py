"""Which contracts are streamed when the feed allows fewer than there are: those near the money."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from common.contracts import OptionContract
from common.money import Price

_DRIFT: Final = 0.15  # of the window's width may spot leave its centre before it follows


class SubscriptionWindow:
    """A run of neighbouring strikes around spot, both rights of each, with hysteresis.

    It moves only once spot has left its middle, so that a market going to and fro does not
    subscribe and unsubscribe the same strikes all day.
    """

    def __init__(self) -> None:
        self._centre: Price | None = None
        self._basis: tuple[tuple[OptionContract, ...], int] = ((), 0)

    def pick(self, contracts: Sequence[OptionContract], spot: Price, limit: int) -> frozenset[str]:
        """Return the symbols to stream, at most limit; contracts by rising strike."""
        if len(contracts) <= limit:
            return frozenset(contract.symbol for contract in contracts)
        strikes = [
            (strike, [contract.symbol for contract in both])
            for strike, both in groupby(contracts, key=lambda contract: contract.strike)
        ]
        width = max(limit // 2, 1)
        basis = (tuple(contracts), limit)
        if basis != self._basis or self._centre is None:
            self._basis, self._centre = basis, spot
        elif abs(_index(strikes, spot) - _index(strikes, self._centre)) > _DRIFT * width:
            self._centre = spot
        start = _index(strikes, self._centre) - width // 2
        start = min(max(start, 0), len(strikes) - width)
        return frozenset(
            symbol for _, symbols in strikes[start : start + width] for symbol in symbols
        )


def _index(strikes: Sequence[tuple[Price, list[str]]], price: Price) -> int:
    return bisect_left(strikes, price, key=lambda strike: strike[0])
