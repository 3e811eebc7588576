"""Paths of our own: is it alive, move its clock, open accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from common.clock import Clock
from common.ids import AccountId, RandomIds
from common.money import cent
from paper_exchange.api.endpoint import Access, Call, Reply, reply
from paper_exchange.api.routes import Path, system
from paper_exchange.feed.clock import ExchangeClock
from paper_exchange.feed.source import Source
from paper_exchange.tenancy.keys import Keys
from paper_exchange.venue.venue import Venue
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.scalars import instant

CASH_MAX: Final = Decimal(10_000_000)
STEP_MAX: Final = timedelta(days=31)

Move: TypeAlias = Callable[[datetime], Awaitable[None]]


class Step(msgspec.Struct, frozen=True):
    """Where to move the clock: to an instant, or by seconds. Exactly one is given."""

    to: datetime | None = None
    by: float | None = None


class NewAccount(msgspec.Struct, frozen=True):
    """An account to open; cash in dollars, None the exchange's own default."""

    cash: Decimal | None = None


class System:
    """Health, for whoever asks."""

    def __init__(self, venue: Venue, source: Source, clock: ExchangeClock) -> None:
        self._venue = venue
        self._source = source
        self._clock = clock

    def paths(self) -> tuple[Path, ...]:
        """Return the route."""
        return (system("/health", Access.OPEN, GET=self.health),)

    async def health(self, call: Call) -> Reply:
        """Answer GET /health: 503 while the exchange takes no commands."""
        running = self._venue.running
        trouble = self._source.trouble()
        return reply(
            {
                **({} if trouble is None else {"trouble": trouble}),
                "clock": instant(self._clock.now()),
                "feed": self._source.name,
                "rate": self._clock.rate,
                "status": "ok" if running else "stopped",
            },
            200 if running else 503,
        )


class Admin:
    """What the holder of the admin key may do: move a clock that is not real, open accounts."""

    def __init__(
        self,
        venue: Venue,
        keys: Keys,
        clock: Clock,
        cash: Decimal,
        move: Move | None,
        moving: asyncio.Lock,
    ) -> None:
        self._venue = venue
        self._keys = keys
        self._clock = clock
        self._cash = cash
        self._move = move
        self._moving = moving  # held while the clock moves

    def paths(self) -> tuple[Path, ...]:
        """Return the routes; the clock's is there unless it is the real one."""
        accounts = system("/admin/accounts", Access.ADMIN, POST=self.open_account)
        if self._move is None:
            return (accounts,)
        return (accounts, system("/admin/clock", Access.ADMIN, POST=self.step))

    async def step(self, call: Call) -> Reply:
        """Answer POST /admin/clock {"to": time} or {"by": seconds}, once it has been lived."""
        async with self._moving:
            target = _target(call.body, self._clock.now())
            if self._move is not None:
                await self._move(target)
            return reply({"timestamp": instant(self._clock.now())})

    async def open_account(self, call: Call) -> Reply:
        """Answer POST /admin/accounts {"cash": dollars} with the account's new keys."""
        try:
            wanted = msgspec.json.decode(call.body or b"{}", type=NewAccount)
        except (ValueError, RecursionError) as e:
            raise BadParameter(f"invalid account: {e}") from None
        cash = self._cash if wanted.cash is None else wanted.cash
        check_cash(cash)
        ids = RandomIds()
        account = AccountId(ids.uuid())
        await self._venue.open_account(account, cash=cash)
        pair = await self._keys.issue(account, ids)
        return reply({"id": account, "key": pair.key, "secret": pair.secret})


def check_cash(cash: Decimal) -> None:
    """Refuse money that no account can begin with."""
    if not cash.is_finite() or not 0 < cash <= CASH_MAX or cash != cent(cash):
        raise BadParameter(f"cash must be whole cents, above 0 and at most {CASH_MAX}")


def _target(body: bytes, now: datetime) -> datetime:
    try:
        step = msgspec.json.decode(body, type=Step)
    except (ValueError, RecursionError) as e:
        raise BadParameter(f"invalid step: {e}") from None
    if (step.to is None) == (step.by is None):
        raise BadParameter("give either to, a time, or by, seconds")
    if step.to is not None and step.to.tzinfo is None:
        raise BadParameter("to must have a zone")
    if step.by is not None and not 0 <= step.by <= STEP_MAX.total_seconds():
        raise BadParameter(f"by must be between 0 and {STEP_MAX.total_seconds():.0f} seconds")
    target = step.to if step.to is not None else now + timedelta(seconds=step.by or 0)
    if not now <= target <= now + STEP_MAX:
        raise BadParameter(f"to must lie between now, {instant(now)}, and {STEP_MAX.days} days on")
    return target
