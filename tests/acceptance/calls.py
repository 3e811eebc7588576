"""One random sequence of tool calls, as a model gone astray might make them.

Two clients preview, confirm, confirm twice, with each other's tokens, with changed arguments,
with invented ones, cancel, flatten and kill. What a sequence knows is only what it was told:
which confirmations were good, and which orders they were said to have become.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.acceptance.ledger import Ledger
from tests.desk import DeskClient, text_of

CONDOR = "iron_condor_30_delta"
PRINCIPALS = ("local", "agent")
Arguments = dict[str, Any]


@dataclass
class Shown:
    """A preview that came: whose it is, what was asked, and its token."""

    principal: str
    tool: str
    arguments: Arguments
    token: str
    used: bool = False
    sent: bool = False


@dataclass
class Sequence:
    """One random sequence of calls. sent and refused: what the desk said it did."""

    random: Random
    clients: Mapping[str, DeskClient]
    person: Callable[[], Awaitable[None]]
    ledger: Ledger
    shown: list[Shown] = field(default_factory=list)
    sent: int = 0
    refused: int = 0
    said: Counter[str] = field(default_factory=Counter)

    async def play(self) -> None:
        """Make a handful of calls; leave the kill switch released."""
        steps = self.random.choices(list(STEPS), weights=list(STEPS.values()), k=STEPS_EACH)
        for step in (Sequence.preview, *steps):
            await step(self)
        await self.person()

    # Steps

    async def preview(self) -> None:
        principal = self.random.choice(PRINCIPALS)
        tool, arguments = self._call()
        reply = await self._ask(principal, tool, **arguments)
        if reply is not None and reply["status"] == "preview":
            self.shown.append(Shown(principal, tool, arguments, reply["confirm_token"]))

    async def confirm(self) -> None:
        if shown := self._some():
            await self._confirm(shown)

    async def confirm_at_once_twice(self) -> None:
        if shown := self._some():
            await asyncio.gather(self._confirm(shown), self._confirm(shown))

    async def confirm_with_anothers_token(self) -> None:
        if shown := self._some():
            other = next(one for one in PRINCIPALS if one != shown.principal)
            await self._must_not_send(other, shown.tool, **shown.arguments, **_with(shown.token))

    async def confirm_something_else(self) -> None:
        if shown := self._some():
            width = shown.arguments.get("width", 1) + 1
            changed = {**shown.arguments, "width": width}
            await self._must_not_send(shown.principal, CONDOR, **changed, **_with(shown.token))

    async def confirm_with_an_invented_token(self) -> None:
        tool, arguments = self._call()
        token = self.random.choice(["", "yes", "x" * 22, secrets.token_urlsafe(16)])
        await self._must_not_send("local", tool, **arguments, **_with(token))

    async def say_preview_with_a_token(self) -> None:
        if shown := self._some():
            call = {**shown.arguments, "preview": True, "confirm_token": shown.token}
            reply = await self._must_not_send(shown.principal, shown.tool, **call)
            if reply is not None:
                again = Shown(shown.principal, shown.tool, shown.arguments, reply["confirm_token"])
                self.shown.append(again)

    async def nonsense(self) -> None:
        wrong: Arguments = self.random.choice(
            [{"width": 0}, {"width": "wide"}, {"contracts": 10**9}, {"quantity": 1}, {"width": []}]
        )
        await self._must_not_send("local", CONDOR, **wrong)

    async def look(self) -> None:
        tool = self.random.choice(["get_orders", "get_positions", "risk_check", "show_pnl"])
        await self._ask(self.random.choice(PRINCIPALS), tool)

    async def cancel(self) -> None:
        order = self.random.choice(["nobody", *self.ledger.sent]) if self.ledger.sent else "none"
        await self._ask("local", "cancel_order", order_id=order)

    async def flatten(self) -> None:
        await self._ask(self.random.choice(PRINCIPALS), "flatten_all")

    async def kill(self) -> None:
        await self._ask(self.random.choice(PRINCIPALS), "kill_switch")
        self.ledger.killed = True
        await self.preview()
        await self.confirm()

    # How

    def _call(self) -> tuple[str, Arguments]:
        if self.random.random() < 0.25:
            return "orb_long_call", {"strike_delta": self.random.choice([20, 30, 50])}
        contracts = self.random.choice([1, 1, 1, 2, 3])
        return CONDOR, {"width": self.random.choice([1, 1, 1, 2, 4]), "contracts": contracts}

    def _some(self) -> Shown | None:
        """Prefer a preview that was not confirmed yet; take a used one now and then."""
        fresh = [one for one in self.shown if not one.used]
        if fresh and self.random.random() < 0.85:
            return self.random.choice(fresh)
        return self.random.choice(self.shown) if self.shown else None

    async def _confirm(self, shown: Shown) -> None:
        shown.used = True
        reply = await self._ask(
            shown.principal, shown.tool, **shown.arguments, **_with(shown.token)
        )
        if reply is None or reply["status"] != "sent":
            return
        assert not shown.sent, f"a token sent twice: {reply['order']}"
        assert not self.ledger.killed, f"sent while killed: {reply['order']}"
        shown.sent = True
        self.sent += 1
        self.ledger.sent.append(reply["order"]["client_order_id"])

    async def _must_not_send(self, principal: str, tool: str, **arguments: Any) -> Any:
        reply = await self._ask(principal, tool, **arguments)
        assert reply is None or reply["status"] == "preview", reply
        return reply

    async def _ask(self, principal: str, tool: str, **arguments: Any) -> Any:
        answer = await self.clients[principal].mcp.call_tool(tool, arguments)
        if not answer.is_error:
            return answer.structured_content
        said = text_of(answer)
        code = said.partition("]")[0].removeprefix("[")
        assert code != "internal", said
        self.refused += 1
        self.said[code] += 1
        return None


STEPS_EACH = 3
STEPS: Mapping[Callable[[Sequence], Awaitable[None]], float] = {
    Sequence.preview: 3,
    Sequence.confirm: 5,
    Sequence.confirm_at_once_twice: 1,
    Sequence.confirm_with_anothers_token: 1,
    Sequence.confirm_something_else: 1,
    Sequence.confirm_with_an_invented_token: 1,
    Sequence.say_preview_with_a_token: 0.5,
    Sequence.nonsense: 0.5,
    Sequence.look: 1,
    Sequence.cancel: 0.5,
    Sequence.flatten: 0.7,
    Sequence.kill: 0.15,
}


def _with(token: str) -> Arguments:
    return {"preview": False, "confirm_token": token}
