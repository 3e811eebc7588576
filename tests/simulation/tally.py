"""What the exchange was asked, command by command, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from common.ids import AccountId
from common.orders import OrderClass
from paper_exchange.engine.commands import Command, SubmitOrder
from paper_exchange.engine.events import Event
from paper_exchange.engine.form import is_fractional
from paper_exchange.engine.market import Market
from paper_exchange.engine.refusals import Refused
from paper_exchange.store.journal import Commit, Journal
from paper_exchange.venue.shard import Publish, Shard
from tests.simulation.ledger_checks import of_event

Tally = Counter[tuple[str, str]]  # (what was asked, what came of it)


class CountingShard(Shard):
    """A shard that keeps count of its commands and their outcomes."""

    def __init__(self, journal: Journal, publish: Publish, tally: Tally) -> None:
        super().__init__(journal, publish)
        self._tally = tally

    def open(self, account: AccountId, command: Command, market: Market, now: datetime) -> Commit:
        """Let an account begin, and count it."""
        commit = super().open(account, command, market, now)
        self._count(command, "account_opened")
        return commit

    def do(
        self, account: AccountId, command: Command, market: Market, now: datetime
    ) -> tuple[Sequence[Event], Commit | None]:
        """Carry out a command, and count what came of it."""
        try:
            events, commit = super().do(account, command, market, now)
        except Refused as e:
            self._count(command, f"refused {e.http_status}")
            raise
        self._count(command, of_event(events[-1]).partition(".")[0] if events else "nothing")
        return events, commit

    def _count(self, command: Command, outcome: str) -> None:
        for name in names(command):
            self._tally[name, outcome] += 1


def names(command: Command) -> Iterator[str]:
    """Yield what a command is counted as: its type, and for an order also what kind it is."""
    yield type(command).__name__
    if not isinstance(command, SubmitOrder):
        return
    simple = command.order_class is OrderClass.SIMPLE
    yield f"order: {command.type if simple else command.order_class}"
    yield f"order: {command.time_in_force}"
    if command.notional is not None:
        yield "order: notional"
    elif is_fractional(command):
        yield "order: fractional"
    if command.extended_hours:
        yield "order: extended hours"
    if command.trail_percent is not None:
        yield "order: trailing by percent"


def done(tally: Tally) -> Counter[str]:
    """Return how often each thing asked for was done, with an event to show for it."""
    counted: Counter[str] = Counter()
    for (name, outcome), times in tally.items():
        counted[name] += 0 if outcome == "nothing" or outcome.startswith("refused") else times
    return counted


def table(tally: Tally) -> Iterator[str]:
    """Yield the lines of a table: asked, and outcomes with their counts, most frequent first."""
    yield "| asked | times | came of it |"
    yield "|---|---|---|"
    for name in sorted({name for name, _ in tally}):
        outcomes = Counter({o: times for (n, o), times in tally.items() if n == name})
        told = ", ".join(f"{times:,} {outcome}" for outcome, times in outcomes.most_common())
        yield f"| {name} | {outcomes.total():,} | {told} |"
