"""Hearing of what happens: a long poll for who waits, one block of text for who does not ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from services.ops.events import Event, EventHub
from tools.toolset import READS, Toolset
from tools.views import View, new_york_text
from tools.wants import Desk, caller

events = Toolset("events")

EVENTS_MAX: Final = 50  # of one answer
ALERTS_MAX: Final = 10  # of one block
PRINCIPALS_MAX: Final = 256
ALERTS: Final = "ALERTS (from the trading engine):"
WAIT_TOOL: Final = "events_wait"


class EventView(BaseModel):
    """One thing that happened."""

    number: int
    at: str
    kind: str = Field(description="fill, order, exit, halt or stream")
    text: str


class EventsView(View):
    """What happened after the cursor, oldest first. missed: older ones are no longer kept."""

    events: list[EventView]
    cursor: str = Field(description="pass as after")
    missed: bool

    @classmethod
    async def of(cls, mode: str, hub: EventHub, after: str | None, within: float) -> EventsView:
        """Wait for events after a cursor; without one, for the next."""
        number = hub.head if after is None else _number(hub, after)
        await hub.wait(number, within)
        heard = hub.after(number, EVENTS_MAX)
        last = heard.events[-1].number if heard.events else max(number, hub.head)
        return cls(
            mode=mode,
            events=[_view(one) for one in heard.events],
            cursor=f"{hub.life}-{last}",
            missed=heard.missed or number < 0,
        )


def _number(hub: EventHub, cursor: str) -> int:
    """Return the number in a cursor; one of an earlier desk's life is before everything."""
    life, _, number = cursor.rpartition("-")
    known = life == hub.life and number.isascii() and number.isdecimal()
    return min(int(number), hub.head) if known else -1


def _view(event: Event) -> EventView:
    return EventView(
        number=event.number, at=new_york_text(event.at), kind=event.kind.value, text=event.text
    )


@events.tool(READS, basic=True)
async def events_wait(
    desk: Desk,
    after: Annotated[
        str | None, Field(max_length=40, description="cursor of the answer before; none: from now")
    ] = None,
    timeout_s: Annotated[int, Field(ge=0, le=25, description="seconds to wait for one")] = 20,
) -> EventsView:
    """Wait for fills, exits that fire, halts and lost streams, and list them as they come.

    An empty list means nothing happened. Next: call again with the cursor.
    """
    return await EventsView.of(desk.mode, desk.events, after, timeout_s)


class Alerts:
    """Middleware: what a principal has not heard yet comes with its next tool result, once."""

    def __init__(self, hub: EventHub) -> None:
        self._hub = hub
        self._told: OrderedDict[str, int] = OrderedDict()

    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let everything pass; add a block of text to a tool's result."""
        if ctx.method != "tools/call":
            return await call_next(ctx)
        principal = caller()
        self._told.setdefault(principal, self._hub.head)
        self._told.move_to_end(principal)
        while len(self._told) > PRINCIPALS_MAX:
            self._told.popitem(last=False)
        result = await call_next(ctx)
        if isinstance(result, dict) and result.get("content"):
            if ctx.params.get("name") == WAIT_TOOL:
                self._heard(principal, result.get("structuredContent"))
            else:
                self._tell(principal, result)
        return result

    def _heard(self, principal: str, answer: Any) -> None:
        """Note what a long poll has told."""
        numbers = [one["number"] for one in (answer or {}).get("events", [])]
        self._told[principal] = max([self._told.get(principal, self._hub.head), *numbers])

    def _tell(self, principal: str, result: dict[str, Any]) -> None:
        number = self._told.get(principal, self._hub.head)
        found = self._hub.after(number).events
        if not found:
            return
        self._told[principal] = found[-1].number
        lines = [f"{new_york_text(e.at)} {e.kind.value}: {e.text}" for e in found[-ALERTS_MAX:]]
        more = len(found) - len(lines)
        older = [f"and {more} before these: get_recent_orders, risk_check"] if more else []
        text = "\n".join([ALERTS, *lines, *older])
        result["content"] = [*result["content"], {"type": "text", "text": text}]
