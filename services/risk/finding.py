"""What a rule answers, and the words it says numbers in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from common.limits import Breach, Limit
from common.money import cent

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A limit as it stands, and what to do if it does not hold.

    known: False where it does not hold for want of a number. follows: another limit that it
    takes its bound from, so that a refusal need not name both.
    """

    limit: Limit
    remedy: str
    known: bool = True
    follows: str = ""

    @property
    def breach(self) -> Breach:
        """The limit as a refusal states it."""
        return Breach(
            limit=self.limit.name,
            allowed=self.limit.value,
            projected=self.limit.used,
            remedy=self.remedy,
        )


def finding(
    name: str,
    *,
    allowed: str,
    used: str,
    ok: bool,
    remedy: str,
    room: str | None = None,
    known: bool = True,
    follows: str = "",
) -> Finding:
    """Return a finding; without a room of its own, the limit is held or it is not."""
    left = room if room is not None else ("ok" if ok else "none")
    limit = Limit(name=name, value=allowed, used=used, room=left, ok=ok)
    return Finding(limit=limit, remedy=remedy, known=known, follows=follows)


def dollars(amount: Decimal) -> str:
    """Return an amount to the cent: "$312.40", "-$5.00"."""
    rounded = cent(amount)
    return f"-${-rounded:,.2f}" if rounded < 0 else f"${rounded:,.2f}"


def seconds(duration: timedelta) -> str:
    """Return a duration in seconds: "5.0 s"."""
    return f"{duration.total_seconds():.1f} s"


def joined(parts: Iterable[str]) -> str:
    """Return the parts as one list, empty for none."""
    return ", ".join(parts)
