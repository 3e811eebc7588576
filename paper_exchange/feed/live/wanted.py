"""Whose quotes are followed: what was asked for lately, learnt from being asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from common.clock import NS, WallClock
from common.contracts import OptionContract
from paper_exchange.feed.live.questions import OPTIONS_A_CALL, STOCKS_A_CALL, batches

FORGOTTEN_AFTER: Final = 300  # seconds since last asked for
SYMBOLS_MAX: Final = 2000


@dataclass(frozen=True, slots=True)
class Turn:
    """One call: snapshots of stocks, of contracts, or of a stretch of one expiry's chain."""

    stocks: Sequence[str] = ()
    contracts: Sequence[OptionContract] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it asks for."""
        return (*self.stocks, *(contract.symbol for contract in self.contracts))

    @property
    def halves(self) -> tuple[Turn, Turn]:
        """Two calls for the same; one symbol has no halves."""
        middle = len(self.symbols) // 2
        if self.stocks:
            return Turn(stocks=self.stocks[:middle]), Turn(stocks=self.stocks[middle:])
        return Turn(contracts=self.contracts[:middle]), Turn(contracts=self.contracts[middle:])

    @property
    def is_chain(self) -> bool:
        """Whether one call for the chain is had for less than calls for its contracts."""
        return len(self.contracts) > OPTIONS_A_CALL


class Wanted:
    """Symbols by when they were last asked for; None is a stock's contract."""

    def __init__(self, wall: WallClock) -> None:
        self._wall = wall
        self._asked: dict[str, int] = {}
        self._contracts: dict[str, OptionContract | None] = {}

    def add(self, symbol: str, contract: OptionContract | None) -> None:
        """Follow a symbol for a while from now."""
        self._asked.pop(symbol, None)  # the newest last
        self._asked[symbol] = self._wall.ns()
        self._contracts[symbol] = contract

    def drop(self, symbol: str) -> None:
        """Follow a symbol no longer, until it is asked for again."""
        self._asked.pop(symbol, None)
        self._contracts.pop(symbol, None)

    @property
    def stocks(self) -> tuple[str, ...]:
        """The stocks followed."""
        return tuple(s for s in self._asked if self._contracts[s] is None)

    def turns(self) -> list[Turn]:
        """Return the calls that ask for everything followed once; forget what nobody wants."""
        now = self._wall.ns()
        late = [s for s, at in self._asked.items() if now - at > FORGOTTEN_AFTER * NS]
        crowd = list(self._asked)[: max(len(self._asked) - SYMBOLS_MAX, 0)]
        for symbol in {*late, *crowd}:
            self.drop(symbol)
        return list(turns(self.stocks, (self._contracts[s] for s in self._asked)))


def turns(stocks: Sequence[str], contracts: Iterable[OptionContract | None]) -> Iterator[Turn]:
    """Yield the fewest calls that ask for some symbols."""
    for batch in batches(stocks, STOCKS_A_CALL):
        yield Turn(stocks=batch)
    chains: dict[tuple[str, date], list[OptionContract]] = {}
    for contract in contracts:
        if contract is not None:
            chains.setdefault((contract.underlying, contract.expiry), []).append(contract)
    few: list[OptionContract] = []
    for chain in chains.values():
        if len(chain) > OPTIONS_A_CALL:
            yield Turn(contracts=chain)
        else:
            few += chain
    for group in batches(few, OPTIONS_A_CALL):
        yield Turn(contracts=group)
