"""How the desk runs: measured times, the audit log, the process, what is held back."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from services.ops.breaker import Breaker
from services.ops.latency import Latency
from services.runtime.operations import AuditSummary, Performance, Running
from tools.streaming import StreamView, stream_view
from tools.toolset import READS, SWITCHES, Toolset
from tools.views import View, number
from tools.wants import Desk

operations = Toolset("operations")

SERIES_MAX = 60
FAULTS_MAX = 10


class LatencyRow(BaseModel):
    """Milliseconds. p50, p95: by even spread within a histogram's bucket; null: over 10 s."""

    what: str
    count: int
    mean_ms: float
    p50_ms: float | None
    p95_ms: float | None

    @classmethod
    def of(cls, name: str, found: Latency) -> LatencyRow:
        """Return the view of a series."""
        return cls(
            what=" ".join((name, *found.labels.values())),
            count=found.count,
            mean_ms=round(found.mean * 1000, 2),
            p50_ms=_milliseconds(found.p50),
            p95_ms=_milliseconds(found.p95),
        )


class PerformanceView(View):
    """Times measured since this desk started, most frequent first."""

    up_seconds: int
    truncated: bool
    times: list[LatencyRow]

    @classmethod
    def of(cls, mode: str, found: Performance) -> PerformanceView:
        """Return the view of what was measured."""
        rows = [LatencyRow.of(name, one) for name, many in found.series.items() for one in many]
        rows.sort(key=lambda row: -row.count)
        return cls(
            mode=mode,
            up_seconds=round(found.up.total_seconds()),
            truncated=len(rows) > SERIES_MAX,
            times=rows[:SERIES_MAX],
        )


class AuditView(View):
    """Counts of the audit log; intact: no record of these days was changed, added or lost."""

    first_day: str | None
    last_day: str | None
    records: int
    intact: bool
    faults: list[str]
    remarks: list[str]
    head: str
    by_kind: dict[str, int]
    by_whom: dict[str, int]
    refusals: dict[str, int] = Field(description="by code")

    @classmethod
    def of(cls, mode: str, found: AuditSummary) -> AuditView:
        """Return the view of a summary."""
        first, last = found.days or (None, None)
        damage = [] if found.damage is None else [found.damage]
        return cls(
            mode=mode,
            first_day=first,
            last_day=last,
            records=found.verdict.records,
            intact=found.verdict.ok and found.damage is None,
            faults=[*damage, *found.verdict.faults][:FAULTS_MAX],
            remarks=list(found.verdict.remarks),
            head=str(found.head),
            by_kind=dict(found.kinds),
            by_whom=dict(found.who),
            refusals=dict(found.refusals),
        )


class SystemView(View):
    """The daemon's process now; megabytes. null: the system does not tell."""

    up_seconds: int
    cpu_seconds: float
    memory_mb: int | None
    memory_peak_mb: int
    disk_free_mb: int
    threads: int
    tasks: int
    loop_lag_ms: float
    broker_requests_left: int
    job_failures: dict[str, int] = Field(description="since the start, of jobs that failed")
    jobs_waiting: list[str]

    @classmethod
    def of(cls, mode: str, found: Running) -> SystemView:
        """Return the view of the process."""
        use = found.use
        return cls(
            mode=mode,
            up_seconds=round(found.up.total_seconds()),
            cpu_seconds=round(use.cpu_seconds, 1),
            memory_mb=None if use.memory is None else round(use.memory),
            memory_peak_mb=round(use.memory_peak),
            disk_free_mb=round(use.disk_free),
            threads=use.threads,
            tasks=found.tasks,
            loop_lag_ms=round(found.loop_lag * 1000, 2),
            broker_requests_left=int(found.requests_left),
            job_failures={job.name: job.failures for job in found.jobs if job.failures},
            jobs_waiting=[job.name for job in found.jobs if job.state == "waiting"],
        )


class BreakersView(View):
    """closed: calls pass; half_open: the next one is a probe; open: none pass for a while."""

    breakers: dict[str, str]
    released: list[str] = Field(description="held calls back until now; the next one is a probe")

    @classmethod
    def of(
        cls, mode: str, breakers: tuple[Breaker, ...], released: tuple[str, ...] = ()
    ) -> BreakersView:
        """Return the view of breakers."""
        states = {breaker.name: breaker.state.value for breaker in breakers}
        return cls(mode=mode, breakers=states, released=list(released))


@operations.tool(SWITCHES)
async def update_spy_chain(desk: Desk) -> StreamView:
    """Ask the broker for today's SPY contracts and all their quotes at once."""
    return stream_view(desk.mode, await desk.operations.update_chain())


@operations.tool(READS)
async def performance_stats(desk: Desk) -> PerformanceView:
    """Show how long tools, broker calls, previews and orders took since the start."""
    return PerformanceView.of(desk.mode, desk.operations.performance())


@operations.tool(READS)
async def audit_summary(
    desk: Desk,
    days: Annotated[int, Field(ge=1, le=60, description="latest days with records")] = 7,
) -> AuditView:
    """Count what the audit log holds, and check that nothing in it was altered."""
    return AuditView.of(desk.mode, await desk.operations.audit(days))


@operations.tool(READS)
async def system_metrics(desk: Desk) -> SystemView:
    """Show the daemon's processor, memory, disk, event loop and background jobs."""
    return SystemView.of(desk.mode, await desk.operations.running())


@operations.tool(READS)
async def circuit_breaker_status(desk: Desk) -> BreakersView:
    """Show which calls to the broker are held back because they kept failing."""
    return BreakersView.of(desk.mode, desk.operations.breakers)


@operations.tool(SWITCHES)
async def reset_circuit_breakers(desk: Desk) -> BreakersView:
    """Let each open breaker try one call at once; if it fails it opens again, for longer."""
    released = desk.operations.end_rests()
    return BreakersView.of(desk.mode, desk.operations.breakers, released)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else number(seconds * 1000, 2)
