"""The trade journal: what was planned, what came of it, and what that says of a strategy."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.ids import ClientOrderId
from common.money import ZERO, Dollars, Price, cent
from common.session import NEW_YORK
from services.execution.journal_store import Excursion, JournalStore
from services.execution.round_trips import RoundTrip, round_trips
from services.execution.store import DeskStore
from services.ops.chain import files

FILES_MAX = 60  # days of the audit log looked through for what was planned
KINDS = (b'"kind":"intent"', b'"kind":"preview"', b'"kind":"approval"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the preview promised, and how it was agreed to."""

    natural: Price
    limit: Price
    max_loss: Dollars | None
    max_profit: Dollars | None
    agreed: str | None  # token, elicitation, page or terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One trade: planned against actual. plan and excursion are None where none was kept."""

    trip: RoundTrip
    plan: Plan | None
    excursion: Excursion | None
    exit: str  # why it was left, or where its exit stands

    @property
    def multiple(self) -> Decimal | None:
        """The result as a multiple of the planned largest loss."""
        risk = None if self.plan is None else self.plan.max_loss
        result = self.trip.result
        return result / risk if result is not None and risk else None

    @property
    def captured(self) -> Decimal | None:
        """The share of its best mark that a trade kept; None when it never stood above zero."""
        if self.excursion is None or self.trip.result is None or self.excursion.best <= 0:
            return None
        return self.trip.result / self.excursion.best

    @property
    def hour(self) -> str:
        """The hour of New York in which it was opened."""
        return f"{self.trip.opening.created_at.astimezone(NEW_YORK):%H}:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What closed trades of one kind came to. Amounts are dollars after fees."""

    group: str
    trades: int
    wins: int
    total: Dollars
    expectancy: Dollars  # a trade
    average_win: Dollars | None
    average_loss: Dollars | None
    slippage: Dollars | None  # a trade; None where one is unknown


class TradeJournal:
    """Reads the desk's records, its audit log and its marks; changes none of them."""

    def __init__(self, store: DeskStore, journal: JournalStore, audit: Path, exports: Path) -> None:
        self._store = store
        self._journal = journal
        self._audit = audit
        self._exports = exports

    async def entries(self, days: int, strategy: str | None = None) -> tuple[Entry, ...]:
        """Return the trades of the last days on which there were orders, oldest first."""
        records = [r for day in self._journal.days(days) for r in self._store.of_day(day)]
        trips = [
            trip
            for trip in round_trips(records)
            if strategy in {None, trip.opening.intent.strategy}
        ]
        wanted = {trip.opening.client_order_id for trip in trips}
        plans = await asyncio.to_thread(_plans, self._audit, wanted)
        excursions = self._journal.excursions()
        return tuple(
            Entry(
                trip=trip,
                plan=plans.get(trip.opening.client_order_id),
                excursion=excursions.get(trip.opening.client_order_id),
                exit=self._exit(trip.opening.client_order_id),
            )
            for trip in trips
        )

    async def export(self, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> Path:
        """Write rows as CSV, in place of the last export, and return the file."""
        return await asyncio.to_thread(_write_csv, self._exports / "trades.csv", columns, rows)

    def _exit(self, name: ClientOrderId) -> str:
        plan = self._store.exit_plan(name)
        if plan is None:
            return "none"
        return plan.cause or plan.note or plan.state.value


def summaries(entries: Iterable[Entry], group: Callable[[Entry], str]) -> tuple[Summary, ...]:
    """Return what the closed trades of each group came to, by name."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.trip.result is not None:
            found.setdefault(group(entry), []).append(entry)
    return tuple(_summary(name, found[name]) for name in sorted(found))


def _summary(name: str, entries: Sequence[Entry]) -> Summary:
    results = [entry.trip.result or ZERO for entry in entries]
    wins = [result for result in results if result > 0]
    losses = [result for result in results if result <= 0]
    slips = [slip for entry in entries if (slip := entry.trip.slippage) is not None]
    return Summary(
        group=name,
        trades=len(results),
        wins=len(wins),
        total=sum(results, ZERO),
        expectancy=_mean(results) or ZERO,
        average_win=_mean(wins),
        average_loss=_mean(losses),
        slippage=_mean(slips) if len(slips) == len(entries) else None,
    )


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    written = path.with_suffix(".new")
    with written.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({name: _cell(row[name]) for name in columns} for row in rows)
    written.replace(path)
    return path


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "@"} else value


def _mean(amounts: Sequence[Dollars]) -> Dollars | None:
    return cent(sum(amounts, ZERO) / len(amounts)) if amounts else None


def _plans(folder: Path, wanted: set[ClientOrderId]) -> Mapping[ClientOrderId, Plan]:
    """Find in the audit log what the previews behind some orders said, newest day first."""
    intents: dict[ClientOrderId, dict[str, Any]] = {}
    previews: dict[str, dict[str, Any]] = {}
    agreed: dict[str, str] = {}
    for path in files(folder)[::-1][:FILES_MAX]:
        for facts, kind in _facts(path):
            if kind == "intent" and facts["client_order_id"] in wanted:
                intents[ClientOrderId(facts["client_order_id"])] = facts
            elif kind == "preview":
                previews[facts["preview"]] = facts
            elif kind == "approval" and facts["approved"]:
                agreed[facts["preview"]] = facts["how"]
        if wanted == {cid for cid, facts in intents.items() if facts["preview"] in previews}:
            break
    return {
        cid: _plan(previews[facts["preview"]], agreed.get(facts["preview"]))
        for cid, facts in intents.items()
        if facts["preview"] in previews
    }


def _facts(path: Path) -> Iterable[tuple[dict[str, Any], str]]:
    with path.open("rb") as file:
        for line in file:
            if any(kind in line for kind in KINDS) and line.endswith(b"\n"):
                record = json.loads(line)
                yield record["facts"], record["kind"]


def _plan(facts: Mapping[str, Any], agreed: str | None) -> Plan:
    return Plan(
        natural=Decimal(facts["natural"]),
        limit=Decimal(facts["limit"]),
        max_loss=_decimal(facts["max_loss"]),
        max_profit=_decimal(facts["max_profit"]),
        agreed=agreed,
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
