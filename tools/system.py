"""How the desk itself does, and what it offers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from common.config import VERSION
from services.ops.health import Health
from services.runtime import Services
from tools.catalog import Catalog, Offer, turned_on
from tools.paging import Page
from tools.toolset import READS, Toolset, effect_word
from tools.views import View
from tools.wants import Desk, Tools

system = Toolset("system")


class HealthView(View):
    """Whether orders may be opened now and, if not, every reason."""

    ready: bool
    version: str
    halt: str
    checks: dict[str, str]
    reasons: list[str]

    @classmethod
    def of(cls, desk: Services, found: Health) -> HealthView:
        """Return the view of the checks."""
        return cls(
            mode=desk.mode,
            ready=found.ok,
            version=VERSION,
            halt=desk.kill_switch.halt().value,
            checks={check.name: check.reason or "ok" for check in found.checks},
            reasons=list(found.reasons),
        )


@system.tool(READS, basic=True)
async def health_check(desk: Desk) -> HealthView:
    """Check broker, clock, chain, streams, background jobs and the kill switch, by live probe."""
    return HealthView.of(desk, await desk.probe())


class ToolRow(BaseModel):
    """A tool. about: told where words were given."""

    name: str
    toolset: str
    may: str = Field(description="reads, sets this server, trades, or stops")
    on: bool
    about: str | None


class ToolsView(Page):
    """Every tool, and how a person turns on what is off."""

    tools: list[ToolRow]
    read_only: bool
    toolsets: str = Field(description="what is on; default is a choice from all sets")
    to_turn_on: str | None

    @classmethod
    def of(cls, desk: Services, catalog: Catalog, words: str) -> ToolsView:
        """Return the tools whose name, set or description has all the words."""
        asked = words.lower().split()
        offers = [offer for offer in catalog.offers.values() if _matches(offer, asked)]
        on, grant = catalog.listed(), catalog.grant()
        more = sorted({offer.toolset for offer in offers if offer.tool.name not in on})
        chosen = grant.toolsets or "default"
        return cls(
            mode=desk.mode,
            truncated=False,
            total=len(offers),
            tools=[_row(offer, offer.tool.name in on, bool(asked)) for offer in offers],
            read_only=grant.read_only,
            toolsets=chosen,
            to_turn_on=turned_on(",".join([chosen, *more])) if more else None,
        )


def _matches(offer: Offer, words: list[str]) -> bool:
    text = f"{offer.tool.name} {offer.toolset} {offer.tool.description}".lower()
    return all(word in text for word in words)


def _row(offer: Offer, on: bool, described: bool) -> ToolRow:
    return ToolRow(
        name=offer.tool.name,
        toolset=offer.toolset,
        may=effect_word(offer.tool.annotations),
        on=on,
        about=offer.tool.description.partition("\n")[0] if described else None,
    )


@system.tool(READS, basic=True)
async def list_tools(
    desk: Desk,
    tools: Tools,
    words: Annotated[str, Field(max_length=60, description="only tools with all of them")] = "",
) -> ToolsView:
    """List every tool by set, those that are off too, and how the user turns them on."""
    return ToolsView.of(desk, tools, words)
