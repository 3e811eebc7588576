"""A burn-in in words and numbers, as Markdown."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from tests.burnin.burnin import BurnIn
from tests.burnin.session import DayRecord

HEAD = (
    "| day | kind | trades | orders | rejected | result | lowest | cap passed | orphans "
    "| unexplained |\n|---|---|---|---|---|---|---|---|---|---|"
)


def row(day: DayRecord) -> str:
    """Return one day as a row of the table."""
    return (
        f"| {day.date} | {day.day.kind} | {day.trades} | {day.orders} | {day.rejected} "
        f"| {day.result:.2f} | {day.low:.2f} | {len(day.breaches)} | {len(day.orphans)} "
        f"| {day.unexplained:.2f} |"
    )


def report(done: BurnIn, at: datetime, seconds: float) -> str:
    """Return the whole report."""
    kinds = Counter(day.day.kind.value for day in done.days)
    orders, rejected = (sum(getattr(day, n) for day in done.days) for n in ("orders", "rejected"))
    return "\n".join(
        [
            "# Burn-in",
            "",
            f"{len(done.days)} days ({_counted(kinds)}), seed {done.seed}, finished "
            f"{at:%Y-%m-%d %H:%M} UTC after {seconds / 60:.0f} minutes. "
            f"{done.trades} trades, {orders} orders, {rejected} rejected by the broker.",
            "",
            f"Refused: {_counted(done.trader.refusals)}.",
            "",
            f"Limits that refused: {_counted(done.trader.limits)}. "
            f"Never: {', '.join(sorted(done.trader.known - set(done.trader.limits))) or 'none'}.",
            "",
            "Held." if not done.faults else "\n".join(f"- {fault}" for fault in done.faults),
            "",
            HEAD,
            *(row(day) for day in done.days),
            "",
        ]
    )


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common()) or "nothing"
