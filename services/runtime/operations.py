"""How the desk itself runs: what it measured, what it wrote down, what it holds back."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.broker.alpaca import Connection
from services.market.chain import ChainService, ChainStatus
from services.ops.audit import AuditLog
from services.ops.breaker import Breaker
from services.ops.chain import Head, Verdict, files, verify
from services.ops.latency import Latency, latencies
from services.ops.metrics import Metrics
from services.ops.process import ProcessUse, process_use
from services.ops.supervisor import JobHealth, Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Everything measured since the start, by what it is of."""

    up: timedelta
    series: Mapping[str, tuple[Latency, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSummary:
    """What the audit log's last days hold, and whether they are as they were written.

    days: the first and the last day with records, None without any. refusals: by code.
    """

    days: tuple[str, str] | None
    verdict: Verdict
    head: Head
    damage: str | None
    kinds: Mapping[str, int]
    who: Mapping[str, int]
    refusals: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The process and its parts at one moment. loop_lag: seconds, of the last second."""

    up: timedelta
    use: ProcessUse
    tasks: int
    loop_lag: float
    requests_left: float
    jobs: tuple[JobHealth, ...]


class Operations:
    """Looks at the desk's own parts; changes none but what a method says."""

    def __init__(
        self,
        metrics: Metrics,
        connection: Connection,
        chain: ChainService,
        audit: AuditLog,
        supervisor: Supervisor,
    ) -> None:
        self._metrics = metrics
        self._connection = connection
        self._chain = chain
        self._audit = audit
        self._supervisor = supervisor

    async def update_chain(self) -> ChainStatus:
        """List today's contracts and ask for every quote now; raises as the reader does."""
        await self._chain.refresh()
        await self._chain.poll()
        return self._chain.status()

    def performance(self) -> Performance:
        """Return how long tools, broker calls, previews, confirmations and orders took."""
        measured = self._metrics
        kinds = {
            "tools": measured.tool,
            "broker": measured.http,
            "preview": measured.preview,
            "confirm": measured.confirm,
            "order_submit": measured.order_submit,
        }
        series = {name: tuple(latencies(one)) for name, one in kinds.items()}
        return Performance(up=self._metrics.up.elapsed(), series=series)

    async def audit(self, days: int) -> AuditSummary:
        """Return what the last days with records hold; their chain is checked on the way."""
        folder, head, damage = self._audit.folder, self._audit.head, self._audit.damage
        return await asyncio.to_thread(_summary, folder, days, head, damage)

    async def running(self) -> Running:
        """Return what the process uses and how its jobs do."""
        return Running(
            up=self._metrics.up.elapsed(),
            use=await asyncio.to_thread(process_use, self._audit.folder),
            tasks=len(asyncio.all_tasks()),
            loop_lag=next(iter(self._metrics.loop_lag.collect())).samples[0].value,
            requests_left=self._connection.bucket.tokens,
            jobs=self._supervisor.jobs(),
        )

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """What stops asking when it keeps failing."""
        return self._connection.breakers

    def end_rests(self) -> tuple[str, ...]:
        """Let each breaker that holds calls back try one now; return which did."""
        return tuple(breaker.name for breaker in self.breakers if breaker.end_rest())


def _summary(folder: Path, days: int, head: Head, damage: str | None) -> AuditSummary:
    every = files(folder)
    kept = every[-days:]
    kinds, who, refusals = Counter[str](), Counter[str](), Counter[str]()
    for path in kept:
        with path.open("rb") as lines:
            for line in lines:
                _count(line, kinds, who, refusals)
    return AuditSummary(
        days=(kept[0].stem, kept[-1].stem) if kept else None,
        verdict=verify(kept, {"the running desk": head}, whole=len(kept) == len(every)),
        head=head,
        damage=damage,
        kinds=dict(kinds.most_common()),
        who=dict(who.most_common()),
        refusals=dict(refusals.most_common()),
    )


def _count(line: bytes, kinds: Counter[str], who: Counter[str], refusals: Counter[str]) -> None:
    """Count a line; what is no record is told by the check of the chain."""
    try:
        record = json.loads(line)
        kind, by, facts = str(record["kind"]), str(record["who"]), record["facts"]
    except (ValueError, LookupError, TypeError):
        return
    kinds[kind] += 1
    who[by] += 1
    if kind == "refusal":
        refusals[str(facts.get("code"))] += 1
