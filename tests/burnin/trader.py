"""The person of a burn-in: tries trades through MCP, takes what is offered, changes their mind."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from mcp import Client

from services.runtime import Services
from tests.desk import text_of
from tests.exchange import Exchange

TRIES: Final = 3  # previews of one trade whose price keeps moving
SIZES: Final = (1, 1, 1, 2, 3, 12, 100)
WIDTHS: Final = (1, 1, 2, 2, 3, 10)
AGAIN: Final = 0.2  # how often a trade is asked for twice in a row

# What refuses under a code of its own, before any limit is looked at.
CODES: Final = {"kill_switch": "halt"}

_CODE: Final = re.compile(r"^\[(\w+)\] ")
_BREACH: Final = re.compile(r"(?:^\[limit_breached\]|;) (\w+): allowed ")

Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a person sits: an MCP client of a desk, its kill sentinel, the exchange behind it."""

    desk: Services
    client: Client
    exchange: Exchange
    sentinel: Path


@dataclass(frozen=True, slots=True)
class Wish:
    """A tool that trades and what it is asked."""

    tool: str
    arguments: Reply


@dataclass(slots=True)
class Trader:
    """Draws what to do from one generator, so that a seed repeats a burn-in's intentions."""

    choice: Random
    refusals: Counter[str] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)
    known: set[str] = field(default_factory=set)  # every limit that a preview showed

    async def act(self, seat: Seat) -> None:
        """Do one thing: usually try a trade, sometimes two at once, sometimes take one back."""
        draw = self.choice.random()
        if draw < 0.70:
            wish = self._wish()
            await self.trade(seat, wish)
            if self.choice.random() < AGAIN:
                await self.trade(seat, wish)
        elif draw < 0.80:
            await asyncio.gather(*(self.trade(seat, self._wish()) for _ in range(2)))
        elif draw < 0.88:
            await self._cancel(seat)
        elif draw < 0.91:
            await self.ask(seat, "flatten_all")

    async def trade(self, seat: Seat, wish: Wish) -> bool:
        """Preview a trade and confirm it; tell whether it was sent."""
        shown = await self.ask(seat, wish.tool, **wish.arguments)
        for _ in range(TRIES):
            if shown is None or shown["status"] == "sent":
                break
            self.known |= set(shown["preview"]["limits"])
            if shown["status"] == "price_moved":
                self.refusals["price_moved"] += 1
            agreed = {"preview": False, "confirm_token": shown["confirm_token"]}
            shown = await self.ask(seat, wish.tool, **wish.arguments, **agreed)
        return shown is not None and shown["status"] == "sent"

    async def ask(self, seat: Seat, tool: str, **arguments: Any) -> Reply | None:
        """Return a tool's answer, None when it was refused."""
        answer = await seat.client.call_tool(tool, arguments)
        if answer.is_error:
            self.note(text_of(answer))
            return None
        return dict(answer.structured_content or {})

    def note(self, refusal: str) -> None:
        """Count a refusal by its code, and every limit that it names."""
        told = _CODE.match(refusal)
        code = told[1] if told else "without a code"
        self.refusals[code] += 1
        self.limits.update(_BREACH.findall(refusal))
        if code in CODES:
            self.limits[CODES[code]] += 1

    def _wish(self) -> Wish:
        size, right = self.choice.choice(SIZES), self.choice.choice(("call", "put"))
        kind, width = self.choice.random(), self.choice.choice(WIDTHS)
        if kind < 0.5:
            delta, way = self.choice.randint(10, 45), self.choice.choice(("credit", "debit"))
            spread = {"right": right, "delta": delta, "width": width, "contracts": size}
            return Wish(f"option_{way}_spread", spread)
        if kind < 0.75:
            delta = self.choice.randint(10, 35)
            wings = {"width": width, "short_delta": delta, "contracts": size}
            return Wish("iron_condor_30_delta", wings)
        minutes = self.choice.choice((5, 15, 30))
        return Wish(f"orb_long_{right}", {"range_minutes": minutes, "contracts": size})

    async def _cancel(self, seat: Seat) -> None:
        working = [r for r in seat.desk.store.working() if r.intent.opens]
        if working:
            record = self.choice.choice(working)
            await self.ask(seat, "cancel_order", order_id=record.client_order_id)
