"""Limits and their breaches, and how far trading is halted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One configured bound and how much of it is used.

    value, used and room are text in the limit's own unit, ready to be read: a limit
    may be dollars, deltas, seconds or a time of day.
    """

    name: str  # stable, snake_case
    value: str
    used: str
    room: str
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A limit an order would pass: what is allowed, what it would come to, what to do."""

    limit: str
    allowed: str
    projected: str
    remedy: str

    def __str__(self) -> str:
        """Return the sentence a person reads."""
        return f"{self.limit}: allowed {self.allowed}, would be {self.projected}"


class Halt(StrEnum):
    """How far trading is halted.

    What people set only a person releases; what the desk latched goes with its cause.
    """

    ACTIVE = "active"
    REDUCING = "reducing"  # closing orders only; working opening ones may still fill
    HALTED = "halted"  # closing orders only; working opening ones are canceled

    def deeper_than(self, other: Halt) -> bool:
        """Whether less is allowed than under another halt."""
        depth = tuple(Halt)
        return depth.index(self) > depth.index(other)
