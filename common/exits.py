"""How a position is to be left, as text a person writes and as values.

    "50%"         of the premium paid, or of the credit received
    "2x"          closing costs twice the whole credit received
    "$150"        dollars, of the whole position
    "SPY<598.50"  the underlying trades below, or above with ">"
    "SPY<598.50 or 50%"  whichever comes first

What each form measures, on which side of the quote, stands in docs/exits.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from common.errors import BadArgument
from common.money import plain

FORMS = '"50%", "2x" (of the credit), "$150", "SPY<598.50" or "SPY>605", joined by " or "'
OFF = "none"  # the text that takes a strategy's own exit away
CONDITIONS_MAX = 4

_AMOUNT = r"(?P<amount>\d{1,6}(\.\d{1,4})?)"
_NUMBERED = re.compile(rf"(?P<dollar>\$)?{_AMOUNT}(?P<unit>%|x)?", re.ASCII)
_LEVEL = re.compile(rf"(?P<symbol>[A-Z]{{1,5}})(?P<way>[<>]){_AMOUNT}", re.ASCII)


class ExitKind(StrEnum):
    """What an exit condition is measured in."""

    PERCENT = "percent"  # of premium paid or credit received
    MULTIPLE = "multiple"  # of the credit received
    DOLLARS = "dollars"
    LEVEL = "level"  # of the underlying


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitCondition:
    """One thing to watch for. underlying and below belong to a level only."""

    kind: ExitKind
    amount: Decimal
    underlying: str = ""
    below: bool = False

    def __str__(self) -> str:
        """Return it as parse_exit reads it."""
        amount = plain(self.amount)
        match self.kind:
            case ExitKind.PERCENT:
                return f"{amount}%"
            case ExitKind.MULTIPLE:
                return f"{amount}x"
            case ExitKind.DOLLARS:
                return f"${amount}"
            case ExitKind.LEVEL:
                return f"{self.underlying}{'<' if self.below else '>'}{amount}"

    @property
    def share(self) -> Decimal:
        """The amount of a percentage as a fraction: 0.5 for 50%."""
        return self.amount / 100


@dataclass(frozen=True, slots=True)
class ExitTrigger:
    """Conditions of which the first to come true is enough."""

    conditions: tuple[ExitCondition, ...]

    def __str__(self) -> str:
        """Return it as parse_exit reads it."""
        return " or ".join(str(condition) for condition in self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitTerms:
    """The exits wanted for a position; the first to fire takes it off and ends the others.

    per_side: stop each vertical of a condor by itself. flat_by: the time exit, None for
    the desk's own. A trail gives back so much from the best the position has been worth.
    """

    stop: ExitTrigger | None = None
    target: ExitTrigger | None = None
    trail: ExitTrigger | None = None
    per_side: bool = False
    flat_by: datetime | None = None

    def overridden(
        self, *, stop: str | None = None, target: str | None = None, trail: str | None = None
    ) -> ExitTerms:
        """Return the terms with what a caller wrote instead; "none" takes an exit away.

        Raises BadArgument naming the argument and the forms.
        """
        return replace(
            self,
            stop=_chosen("stop", stop, self.stop),
            target=_chosen("target", target, self.target),
            trail=_chosen("trail", trail, self.trail),
        )


def parse_exit(text: str) -> ExitTrigger:
    """Read an exit; raises BadArgument naming the forms. str() gives the same text back."""
    parts = re.split(r"\s+or\s+", text.strip(), flags=re.IGNORECASE)
    if len(parts) > CONDITIONS_MAX:
        raise BadArgument(f"{text!r:.60} has more than {CONDITIONS_MAX} conditions")
    return ExitTrigger(tuple(_condition(part) for part in parts))


def _condition(text: str) -> ExitCondition:
    bare = "".join(text.split())
    if level := _LEVEL.fullmatch(bare.upper()):
        amount = _positive(text, level["amount"])
        return ExitCondition(
            kind=ExitKind.LEVEL,
            amount=amount,
            underlying=level["symbol"],
            below=level["way"] == "<",
        )
    number = _NUMBERED.fullmatch(bare.lower())
    if number is None or bool(number["dollar"]) == bool(number["unit"]):
        raise _unread(text)
    kinds = {None: ExitKind.DOLLARS, "%": ExitKind.PERCENT, "x": ExitKind.MULTIPLE}
    return ExitCondition(kind=kinds[number["unit"]], amount=_positive(text, number["amount"]))


def _positive(text: str, amount: str) -> Decimal:
    value = Decimal(amount)
    if value <= 0:
        raise _unread(text)
    return value


def _unread(text: str) -> BadArgument:
    return BadArgument(f"{text!r:.60} is not an exit", remedy=f"write {FORMS}")


def _chosen(name: str, text: str | None, default: ExitTrigger | None) -> ExitTrigger | None:
    if text is None:
        return default
    if text.strip().lower() == OFF:
        return None
    try:
        return parse_exit(text)
    except BadArgument as e:
        raise BadArgument(f"{name}: {e}", remedy=e.remedy) from None
