"""The names of the groups of tools, and what a text such as "default,orders" asks for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Each group and the modules under tools/ that hold it, in the order in which hosts list them.
TOOLSETS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "strategy": ("strategy",),
        "option_orders": ("option_orders", "option_order_book"),
        "stock_orders": ("stock_orders",),
        "crypto_orders": ("crypto_orders",),
        "risk": ("risk",),
        "analysis": ("analysis",),
        "streaming": ("streaming",),
        "orders": ("orders",),
        "exits": ("exits",),
        "positions": ("positions", "option_positions", "closing"),
        "journal": ("journal",),
        "account": ("account", "account_past"),
        "options": ("options",),
        "stocks": ("stocks",),
        "option_data": ("option_data",),
        "crypto": ("crypto",),
        "news": ("news",),
        "watchlists": ("watchlists",),
        "reference": ("reference",),
        "research": ("research",),
        "operations": ("operations",),
        "events": ("events",),
        "system": ("system",),
    }
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
