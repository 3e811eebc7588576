"""What a caller may see and do: some groups of tools, all of them or only those that read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

READ: Final = "read"
TRADE: Final = "trade"
_SET: Final = "toolset:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The rights of a bearer token. toolsets: None follows the daemon's TOOLSETS."""

    read_only: bool = False
    toolsets: str | None = None

    @property
    def scopes(self) -> list[str]:
        """The rights as the scopes of a token."""
        asked = [] if self.toolsets is None else self.toolsets.split(",")
        return [READ, *([] if self.read_only else [TRADE]), *(f"{_SET}{name}" for name in asked)]

    @classmethod
    def of(cls, scopes: Iterable[str]) -> Grant:
        """Return the rights that scopes mean."""
        told = list(scopes)
        asked = [one.removeprefix(_SET) for one in told if one.startswith(_SET)]
        return cls(read_only=TRADE not in told, toolsets=",".join(asked) or None)
