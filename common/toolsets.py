"""The names of the groups of tools, and what a text such as "default,orders" asks for."""

from __future__ import annotations

from typing import Final

TOOLSETS: Final = (
    "strategy",
    "option_orders",
    "risk",
    "analysis",
    "streaming",
    "orders",
    "exits",
    "positions",
    "journal",
    "account",
    "options",
    "reference",
    "events",
    "system",
)
DEFAULT: Final = "default"  # the tools that most days need, of any group
ALL: Final = "all"


def asked_sets(text: str) -> str:
    """Return what a comma-separated list asks for, tidied: "default,orders".

    Raises ValueError for a name that is no group; says which there are.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in {*TOOLSETS, DEFAULT, ALL}]
    if unknown:
        raise ValueError(
            f"{unknown[0]!r:.40} is no toolset: use {DEFAULT}, {ALL}, or {', '.join(TOOLSETS)}"
        )
    return ALL if ALL in names else ",".join(dict.fromkeys(names)) or DEFAULT
