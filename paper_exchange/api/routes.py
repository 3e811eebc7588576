"""A route as data: a path, the host it lives on at Alpaca, and its handlers by method."""

from __future__ import annotations

from dataclasses import dataclass, field

from paper_exchange.api.endpoint import Access, Handler
from paper_exchange.wire.errors import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One path and what answers it."""

    path: str
    host: Host
    access: Access = Access.ACCOUNT
    handlers: dict[str, Handler] = field(default_factory=dict)


def trading(path: str, **handlers: Handler) -> Path:
    """Return a path of the trading host."""
    return Path(path=path, host=Host.TRADING, handlers=handlers)


def data(path: str, get: Handler) -> Path:
    """Return a path of the data host; those are only read."""
    return Path(path=path, host=Host.DATA, handlers={"GET": get})


def system(path: str, access: Access, **handlers: Handler) -> Path:
    """Return a path of our own, which Alpaca does not have."""
    return Path(path=path, host=Host.TRADING, access=access, handlers=handlers)
