"""What a run did, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.crash.desk_writers import DeskWriter, Outcome
from tests.crash.rest import RestWriter, Told


@dataclass
class Report:
    """Counts by kind."""

    kills: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    rest: Counter[str] = field(default_factory=Counter)
    desk: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    events: int = 0

    def add_up(self, rest: Iterable[RestWriter], trading: Iterable[DeskWriter]) -> None:
        """Count what the writers went through."""
        for writer in rest:
            self.rest.update(sent.submitted.value for sent in writer.sent)
            self.rest["cancels"] += sum(s.canceled is Told.YES for s in writer.sent)
            self.rest["sent again"] += sum(s.tries > 1 for s in writer.sent)
        for trader in trading:
            self.refusals.update(_code(words) for words in trader.refusals)
            for confirmation in trader.confirmations:
                refused = confirmation.outcome is Outcome.REFUSED
                why = f" {_code(confirmation.words)}" if refused else ""
                self.desk[confirmation.outcome.value + why] += 1

    def __str__(self) -> str:
        """Return it as lines of text."""
        parts = {
            "kills": self.kills,
            "moments": self.moments,
            "orders over REST": self.rest,
            "confirmations at the desk": self.desk,
            "previews refused": self.refusals,
        }
        lines = [f"{name}: {_counted(counter)}" for name, counter in parts.items()]
        return "\n".join([*lines, f"events in the journal: {self.events}"])


def _code(words: str) -> str:
    return words[words.find("[") + 1 : words.find("]")] if "[" in words else words


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common()) or "none"
