"""What is well and what is not, with the reason: the values behind /health."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at. reason: why it is not well, or a remark; may be empty."""

    name: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Every check of one moment."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return all(check.ok for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is wrong, "name: reason" each."""
        return tuple(f"{check.name}: {check.reason}" for check in self.checks if not check.ok)
