"""The person of a burn-in: tries trades, takes what is offered, changes their mind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from common.contracts import Right
from common.errors import LimitBreached, PriceMoved, TradingError
from common.ids import Principal
from services.execution.preview import Preview
from services.runtime import Services
from services.strategies.base import Strategy
from services.strategies.iron_condor import IronCondor
from services.strategies.opening_range import OpeningRangeBreakout
from services.strategies.vertical import Vertical

T = TypeVar("T")

BY: Final = Principal("burn-in")
TRIES: Final = 3  # previews of one trade whose price keeps moving
SIZES: Final = (1, 1, 1, 2, 3, 12, 100)
WIDTHS: Final = (1, 1, 2, 2, 3, 10)
AGAIN: Final = 0.2  # how often a trade is asked for twice in a row


@dataclass(slots=True)
class Trader:
    """Draws what to do from one generator, so that a seed repeats a burn-in's intentions."""

    choice: Random
    refusals: Counter[str] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)
    known: set[str] = field(default_factory=set)  # every limit that a preview showed

    async def act(self, desk: Services) -> None:
        """Do one thing: usually try a trade, sometimes two at once, sometimes take one back."""
        draw = self.choice.random()
        if draw < 0.70:
            wanted = self._wanted()
            await self._trade(desk, wanted)
            if self.choice.random() < AGAIN:
                await self._trade(desk, wanted)
        elif draw < 0.80:
            await asyncio.gather(*(self._trade(desk, self._wanted()) for _ in range(2)))
        elif draw < 0.88:
            await self._cancel(desk)
        elif draw < 0.91:
            await self._told(desk.flatten(BY))

    def _wanted(self) -> Strategy:
        size, right = self.choice.choice(SIZES), self.choice.choice(tuple(Right))
        kind, width = self.choice.random(), self.choice.choice(WIDTHS)
        if kind < 0.5:
            delta, credit = self.choice.uniform(0.1, 0.45), self.choice.random() < 0.5
            return Vertical(credit=credit, right=right, delta=delta, width=width, qty=size)
        if kind < 0.75:
            return IronCondor(width=width, short_delta=self.choice.uniform(0.1, 0.35), qty=size)
        minutes = self.choice.choice((5, 15, 30))
        return OpeningRangeBreakout(right=right, minutes=minutes, qty=size)

    async def _trade(self, desk: Services, wanted: Strategy) -> None:
        preview: object = await self._told(desk.trading.preview(wanted, BY))
        for _ in range(TRIES):
            if not isinstance(preview, Preview):
                return
            self.known |= {limit.name for limit in preview.limits}
            try:
                await desk.trading.confirm(wanted, preview.token, BY)
                return
            except PriceMoved as e:
                self.refusals[e.code] += 1
                preview = e.preview
            except TradingError as e:
                self._note(e)
                return

    async def _cancel(self, desk: Services) -> None:
        working = [r for r in desk.store.working() if r.intent.opens]
        if working:
            record = self.choice.choice(working)
            await self._told(desk.orders.cancel(record.client_order_id))

    async def _told(self, asked: Awaitable[T]) -> T | None:
        """Return what was asked for, None when it was refused."""
        try:
            return await asked
        except TradingError as e:
            self._note(e)
            return None

    def _note(self, error: TradingError) -> None:
        self.refusals[error.code] += 1
        if isinstance(error, LimitBreached):
            self.limits.update(breach.limit for breach in error.breaches)
