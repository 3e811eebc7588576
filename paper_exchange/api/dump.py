"""Everything the exchange knows of its accounts, in one answer: for tests and training."""

from __future__ import annotations

from common.clock import Clock
from paper_exchange.api.endpoint import Access, Call, Reply, reply
from paper_exchange.api.routes import Path, system
from paper_exchange.engine.state import AccountState
from paper_exchange.venue.shard import Shard
from paper_exchange.wire.scalars import instant


class Dump:
    """Shows every account as it is held, amounts as exact text."""

    def __init__(self, shard: Shard, clock: Clock) -> None:
        self._shard, self._clock = shard, clock

    def paths(self) -> tuple[Path, ...]:
        """Return the route."""
        return (system("/admin/state", Access.ADMIN, GET=self.state),)

    async def state(self, call: Call) -> Reply:
        """Answer GET /admin/state once what it shows is durable; 503 when that is not known."""
        shown = reply(
            {
                "accounts": [_account(state) for state in self._shard.accounts],
                "timestamp": instant(self._clock.now()),
            }
        )
        for state in self._shard.accounts:
            await self._shard.settled(state.id)
        return shown


def _account(state: AccountState) -> dict[str, object]:
    return {
        "configuration": state.configuration,
        "id": state.id,
        "last_day": state.last_day,
        "last_equity": state.last_equity,
        "ledger": {book.value: amount for book, amount in state.ledger.balances.items()},
        "number": state.number,
        "opened_at": None if state.opened_at is None else instant(state.opened_at),
        "options_level": state.options_level,
        "orders": list(state.orders.values()),
        "positions": [
            {"cost": held.cost, "qty": held.qty, "symbol": held.symbol}
            for held in state.positions.values()
        ],
        "working": list(state.working),
    }
