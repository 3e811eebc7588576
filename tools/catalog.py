"""Every tool there is, and which of them a caller is shown.

A list varies by authorization only: by the daemon's settings and by the caller's token,
never by the connection or by what was called before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver.tools import Tool

from common.toolsets import ALL, DEFAULT
from tools.grant import Grant
from tools.toolset import Toolset


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One tool and where it belongs. basic: part of the default list."""

    tool: Tool
    toolset: str
    basic: bool

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, neither the account nor this server."""
        return bool(self.tool.annotations and self.tool.annotations.read_only_hint)

    def listed(self, toolsets: str) -> bool:
        """Tell whether a choice of groups has it."""
        asked = toolsets.split(",")
        return ALL in asked or self.toolset in asked or (self.basic and DEFAULT in asked)


class Catalog:
    """All tools in the order in which hosts list them, under the daemon's own settings.

    Raises ValueError for two tools of one name.
    """

    def __init__(
        self,
        toolsets: Iterable[Toolset],
        *,
        asked: str = ALL,
        read_only: bool = False,
        full_answers: bool = False,
    ) -> None:
        self._asked = asked
        self._read_only = read_only
        offers = [
            Offer(tool=tool, toolset=one.name, basic=entry.basic)
            for one in toolsets
            for entry, tool in zip(one.entries, one.build(full_answers=full_answers), strict=True)
        ]
        names = [offer.tool.name for offer in offers]
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise ValueError(f"tools named twice: {sorted(doubled)}")
        self.offers: Mapping[str, Offer] = MappingProxyType(dict(zip(names, offers, strict=True)))

    @property
    def tools(self) -> list[Tool]:
        """Every tool, listed or not."""
        return [offer.tool for offer in self.offers.values()]

    def grant(self) -> Grant:
        """Return what whoever is calling now may see: no token is this user, in process."""
        token = get_access_token()
        own = Grant() if token is None else Grant.of(token.scopes)
        return Grant(
            read_only=self._read_only or own.read_only,
            toolsets=self._asked if own.toolsets is None else own.toolsets,
        )

    def listed(self) -> frozenset[str]:
        """Return the names that the caller is shown and may call."""
        return frozenset(name for name in self.offers if self.off(name) is None)

    def off(self, name: str) -> tuple[str, str] | None:
        """Return why the caller may not call a tool and what would help; None where he may."""
        offer, grant = self.offers[name], self.grant()
        if grant.read_only and not offer.reads:
            return f"[read_only] {name} changes something, nothing was done", self._unlocked()
        asked = grant.toolsets or DEFAULT
        if not offer.listed(asked):
            what = f"[tool_off] {name} is of the toolset {offer.toolset}, which is off"
            return what, turned_on(f"{asked},{offer.toolset}")
        return None

    def _unlocked(self) -> str:
        if self._read_only:
            return "the user may take READ_ONLY out of .env and stop the daemon; it starts anew"
        return "the user may connect without READ_ONLY, or with a token that is not read-only"


def turned_on(toolsets: str) -> str:
    """Return how a person gets a choice of groups."""
    return (
        f"the user may set TOOLSETS={toolsets} in .env or in the host's configuration, then "
        "restart the host (for a token of its own: token NAME --toolsets)"
    )
