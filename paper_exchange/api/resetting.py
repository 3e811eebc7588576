"""Everything as new: accounts with the cash they began with, and the clock if it is asked for."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec

from paper_exchange.api.endpoint import Access, Call, Reply, reply
from paper_exchange.api.routes import Path, system
from paper_exchange.api.system import check_cash
from paper_exchange.engine.refusals import unavailable
from paper_exchange.feed.clock import DemoClock, ExchangeClock, SteppedClock
from paper_exchange.store.watchlists import Watchlists
from paper_exchange.venue.venue import Venue
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.scalars import instant


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be made new. account: its id or number, None every one.

    cash: dollars to begin with, None what each began with. clock: the market goes back to where
    its first start began, too; for every account or none.
    """

    account: str | None = None
    cash: Decimal | None = None
    clock: bool = False


class Resetting:
    """Makes accounts new for the holder of the admin key; moving: held while the clock moves."""

    def __init__(
        self, venue: Venue, watchlists: Watchlists, clock: ExchangeClock, moving: asyncio.Lock
    ) -> None:
        self._venue, self._watchlists = venue, watchlists
        self._clock, self._moving = clock, moving

    def paths(self) -> tuple[Path, ...]:
        """Return the route."""
        return (system("/admin/reset", Access.ADMIN, POST=self.reset),)

    async def reset(self, call: Call) -> Reply:
        """Answer POST /admin/reset with the accounts made new, once that is durable.

        Not confirmed, it may have been done in part: then it is to be asked for again.
        """
        wanted = _read(call.body)
        async with self._moving:
            if not self._venue.running:
                raise unavailable()
            if wanted.clock:
                self._set_back()
            done = await self._venue.reset(wanted.account, cash=wanted.cash, days_too=wanted.clock)
            for one in done:
                await self._watchlists.clear(one)
        return reply({"accounts": list(done), "timestamp": instant(self._clock.now())})

    def _set_back(self) -> None:
        if not isinstance(self._clock, DemoClock | SteppedClock):
            raise BadParameter("a real clock cannot be set back")
        self._clock.restart()


def _read(body: bytes) -> Wanted:
    try:
        wanted = msgspec.json.decode(body or b"{}", type=Wanted)
    except (ValueError, RecursionError) as e:
        raise BadParameter(f"invalid reset: {e}") from None
    if wanted.clock and wanted.account is not None:
        raise BadParameter("the clock is set back for every account: give no account")
    if wanted.cash is not None:
        check_cash(wanted.cash)
    return wanted
