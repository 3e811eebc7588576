"""What is listed upstream: stocks once, contracts of an underlying once a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from common.contracts import OptionContract
from paper_exchange.feed.source import Asset


@dataclass(frozen=True, slots=True)
class _Chain:
    day: date
    contracts: tuple[OptionContract, ...]
    interest: Mapping[OptionContract, int | None]


class Listings:
    """Stocks that can be traded and the contracts on those that were asked for."""

    def __init__(self, assets: Sequence[Asset]) -> None:
        self.assets = tuple(assets)
        self._stocks = {asset.symbol: asset for asset in assets}
        self._chains: dict[str, _Chain] = {}
        self._contracts: dict[str, OptionContract] = {}
        self._asked: set[str] = set()

    def is_stock(self, symbol: str) -> bool:
        """Whether a stock is listed."""
        return symbol in self._stocks

    def contract(self, symbol: str) -> OptionContract | None:
        """Return a contract by its symbol, None when it is not known; its chain is, next time."""
        found = self._contracts.get(symbol)
        if found is None and (root := self.root(symbol)) is not None:
            self.chain(root)
        return found

    def root(self, symbol: str) -> str | None:
        """Return the listed stock that a contract's symbol names, None for anything else."""
        try:
            underlying = OptionContract.from_occ(symbol).underlying
        except ValueError:
            return None
        return underlying if underlying in self._stocks else None

    def chain(self, underlying: str) -> tuple[OptionContract, ...]:
        """Return the contracts known on an underlying, by expiry, strike and right."""
        asset = self._stocks.get(underlying)
        if asset is not None and asset.has_options:
            self._asked.add(underlying)
        found = self._chains.get(underlying)
        return () if found is None else found.contracts

    def interest(self, contract: OptionContract) -> int | None:
        """Return the open interest the upstream told of a contract."""
        found = self._chains.get(contract.underlying)
        return None if found is None else found.interest.get(contract)

    def missing(self, day: date) -> list[str]:
        """Return the underlyings asked for whose contracts of a day are not known."""
        return sorted(name for name in self._asked if not self.is_known(name, day))

    def is_known(self, underlying: str, day: date) -> bool:
        """Whether the contracts listed on a day are known, or there are none."""
        asset = self._stocks.get(underlying)
        if asset is None or not asset.has_options:
            return True
        found = self._chains.get(underlying)
        return found is not None and found.day == day

    def put(self, underlying: str, day: date, listed: Mapping[OptionContract, int | None]) -> None:
        """Take the contracts listed on a day; those of the day before go."""
        before = self._chains.get(underlying)
        for gone in before.contracts if before is not None else ():
            self._contracts.pop(gone.symbol, None)
        self._asked.add(underlying)
        self._chains[underlying] = _Chain(day, tuple(sorted(listed)), listed)
        self._contracts |= {contract.symbol: contract for contract in listed}
