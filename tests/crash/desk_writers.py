"""Writers who trade through the desk as hosts do: preview, then confirm, over MCP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from mcp.types import CallToolResult

from tests.crash.gate import Gate, Sends
from tests.desk import Desk, DeskClient, text_of

CONFIRMATION = "confirmation"  # a call to the daemon
BREAKOUTS = ("orb_long_call", "orb_long_put")
CONDOR = "iron_condor_30_delta"

Json = dict[str, Any]


class Outcome(StrEnum):
    """What a confirmation came to, as far as its caller knows."""

    UNCLEAR = "unclear"  # no answer at all, or that the desk itself does not know
    SENT = "sent"
    REFUSED = "refused"


@dataclass
class Confirmation:
    """One token's use. tries: calls that carried it."""

    tool: str
    arguments: Json
    token: str
    shown: Json
    outcome: Outcome = Outcome.UNCLEAR
    order: Json | None = None
    tries: int = 0
    words: str = ""


@dataclass
class DeskWriter:
    """Trades in turns under a principal of its own, over one session per life of the daemon."""

    principal: str
    gate: Gate
    sends: Sends
    random: Random
    confirmations: list[Confirmation] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    async def session(self, desk: Desk) -> None:
        """Work until the daemon is gone."""
        async with desk.client(self.principal) as client:
            while True:
                async with self.gate.turn():
                    await self._turn(client)
                await asyncio.sleep(self.random.uniform(0.0, 0.1))

    async def _turn(self, client: DeskClient) -> None:
        last = self.confirmations[-1:]
        if last and last[0].outcome is Outcome.UNCLEAR and last[0].tries == 1:
            return await self._confirm(client, last[0])  # the same token must not send again
        tool, arguments = self._wanted()
        shown = await client.mcp.call_tool(tool, arguments)
        if shown.is_error or shown.structured_content is None:
            self.refusals.append(text_of(shown))
            return None
        fresh = Confirmation(
            tool=tool,
            arguments=arguments,
            token=str(shown.structured_content["confirm_token"]),
            shown=dict(shown.structured_content["preview"]),
        )
        self.confirmations.append(fresh)
        return await self._confirm(client, fresh)

    async def _confirm(self, client: DeskClient, wanted: Confirmation) -> None:
        wanted.tries += 1
        arguments = {**wanted.arguments, "preview": False, "confirm_token": wanted.token}
        call = asyncio.ensure_future(client.mcp.call_tool(wanted.tool, arguments))
        try:
            await asyncio.sleep(0)  # the call is on its way once it has had its turn
            self.sends.told(CONFIRMATION)
            answer = await call
        finally:
            call.cancel()
        _learn(wanted, answer)

    def _wanted(self) -> tuple[str, Json]:
        if self.random.random() < 0.1:
            return self.random.choice(BREAKOUTS), {}
        units, width = self.random.randint(1, 2), self.random.randint(1, 3)
        return CONDOR, {"width": width, "contracts": units}


def _learn(wanted: Confirmation, answer: CallToolResult) -> None:
    told = answer.structured_content or {}
    wanted.words = text_of(answer)
    if not answer.is_error and told.get("status") == "sent":
        wanted.outcome, wanted.order = Outcome.SENT, dict(told["order"])
    elif wanted.tries == 1 and "[order_uncertain]" not in wanted.words:
        wanted.outcome = Outcome.REFUSED


def orders_of(confirmations: Sequence[Confirmation]) -> tuple[int, int]:
    """Return the fewest and the most orders that these can have sent."""
    sent = sum(c.outcome is Outcome.SENT for c in confirmations)
    unclear = sum(c.outcome is Outcome.UNCLEAR for c in confirmations)
    return sent, sent + unclear
