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
        self._contracts: Sequence[OptionContract] = ()
        self._limit = 0
        self._strikes: list[Price] = []
        self._symbols: list[tuple[str, ...]] = []  # by strike
        self._centre: int | None = None  # the index of a strike
        self._picked: frozenset[str] = frozenset()

    def pick(self, contracts: Sequence[OptionContract], spot: Price, limit: int) -> frozenset[str]:
        """Return the symbols to stream, at most limit; contracts by rising strike.

        Asked again with the same contracts, it costs nothing until spot has drifted.
        """
        if contracts is not self._contracts or limit != self._limit:
            self._contracts, self._limit, self._centre = contracts, limit, None
            by_strike = [
                (strike, tuple(contract.symbol for contract in both))
                for strike, both in groupby(contracts, key=lambda contract: contract.strike)
            ]
            self._strikes = [strike for strike, _ in by_strike]
            self._symbols = [symbols for _, symbols in by_strike]
        at = bisect_left(self._strikes, spot)
        if self._centre is None or abs(at - self._centre) > _DRIFT * limit / 2:
            self._centre = at
            self._picked = self._around(at)
        return self._picked

    def _around(self, at: int) -> frozenset[str]:
        if len(self._contracts) <= self._limit:
            width, start = len(self._strikes), 0
        else:
            width = max(self._limit // 2, 1)
            start = min(max(at - width // 2, 0), len(self._strikes) - width)
        return frozenset(
            symbol for symbols in self._symbols[start : start + width] for symbol in symbols
        )
