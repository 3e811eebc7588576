"""Lists of symbols that the account keeps at the broker, and the port to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchlist:
    """A list. name: whoever has the account's keys may have written it; None is untold."""

    id: str
    name: str
    symbols: tuple[str, ...] | None
    updated_at: datetime | None


class WatchlistKeeper(Protocol):
    """Keeps lists. Every call may be repeated; they raise as the reads of a Library do."""

    async def all(self) -> tuple[Watchlist, ...]:
        """Return every list, without its symbols."""
        ...

    async def one(self, watchlist_id: str) -> Watchlist:
        """Return a list with its symbols."""
        ...

    async def create(self, name: str, symbols: Sequence[str]) -> Watchlist:
        """Make a list; the broker refuses a name that is taken."""
        ...

    async def change(
        self, watchlist_id: str, name: str | None, symbols: Sequence[str] | None
    ) -> Watchlist:
        """Give a list another name, other symbols or both; None stays as it is."""
        ...

    async def add(self, watchlist_id: str, symbol: str) -> Watchlist:
        """Put a symbol on a list."""
        ...

    async def drop(self, watchlist_id: str, symbol: str) -> Watchlist:
        """Take a symbol off a list."""
        ...

    async def delete(self, watchlist_id: str) -> None:
        """Delete a list."""
        ...
