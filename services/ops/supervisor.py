"""Owner of everything that runs in the background: restarts it, counts it, ends it.

The only place that may catch whatever a job throws: a bug in one job must not take
the exits of open positions down with it.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from common.clock import Stopwatch, WallClock
from common.errors import BrokerError, MarketError
from services.ops.backoff import Backoff
from services.ops.health import Check

log = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

FAILURES = 5  # in the window make a job degraded
WINDOW = timedelta(minutes=5)
SETTLED = timedelta(minutes=1)  # a run this long forgives the failures before it
OUTAGES = (BrokerError, MarketError)  # not the job's fault: over as soon as it runs again
OUTAGE_PAUSE = 3.0  # seconds at most until it is tried again; breakers spare the broker

Job = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Kept:
    name: str
    critical: bool
    state: str = "running"
    failures: int = 0
    error: str = ""
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=FAILURES))
    degraded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHealth:
    """One job at one moment. state: running, waiting (to start again) or ended."""

    name: str
    critical: bool
    state: str
    failures: int  # since the start
    degraded: bool  # five or more of them, outages aside, in the last five minutes
    error: str  # the last one, or empty

    @property
    def check(self) -> Check:
        """The job as a health check."""
        ok = self.state != "waiting" and not self.degraded
        return Check(name=f"job {self.name}", ok=ok, reason="" if ok else self.error)


class Supervisor:
    """Keeps jobs running while its block is open, and cancels them when it is left.

    on_degraded is told the name of a critical job each time it becomes degraded.
    Leaving waits up to grace for shielded work, which may be an order on its way.
    """

    def __init__(
        self,
        wall: WallClock,
        *,
        on_degraded: Callable[[str], None] | None = None,
        on_failure: Callable[[str], None] | None = None,
        grace: timedelta = timedelta(seconds=2),
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._wall = wall
        self._on_degraded = on_degraded
        self._on_failure = on_failure
        self._grace = grace
        self._backoff = backoff
        self._group = asyncio.TaskGroup()
        self._jobs: dict[str, _Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._owned: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Supervisor:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._owned:
                await asyncio.wait(self._owned, timeout=self._grace.total_seconds())
        finally:
            unfinished = tuple(self._owned)
            for task in (*self._tasks, *unfinished):
                task.cancel()
            # Without the error: a group would wrap whatever the block raised.
            await self._group.__aexit__(None, None, None)
            await asyncio.gather(*unfinished, return_exceptions=True)

    def keep(self, name: str, job: Job, critical: bool = False) -> None:
        """Run a job until it returns, starting it again after a delay whenever it fails.

        Raises ValueError when a job of that name is already kept.
        """
        if name in self._jobs and self._jobs[name].state != "ended":
            raise ValueError(f"job {name} is already running")
        kept = self._jobs[name] = _Kept(name, critical)
        task = self._group.create_task(self._keep(kept, job), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what the work returns; it goes on if the caller is canceled meanwhile.

        For what must not stop half way: a send whose outcome has to be recorded.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._owned.add(task)
        task.add_done_callback(self._owned.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_orphaned)
            raise

    def jobs(self) -> tuple[JobHealth, ...]:
        """Return the health of every job, in the order they were first kept."""
        return tuple(self._health(kept) for kept in self._jobs.values())

    def _health(self, kept: _Kept) -> JobHealth:
        return JobHealth(
            name=kept.name,
            critical=kept.critical,
            state=kept.state,
            failures=kept.failures,
            degraded=self._is_degraded(kept),
            error=kept.error,
        )

    async def _keep(self, kept: _Kept, job: Job) -> None:
        backoff = self._backoff()
        try:
            while True:
                kept.state = "running"
                ran = Stopwatch(self._wall)
                try:
                    await job()
                except Exception as e:  # whatever a job throws: others guard open positions
                    self._failed(kept, e)
                    longest = OUTAGE_PAUSE if isinstance(e, OUTAGES) else math.inf
                else:
                    return
                if ran.elapsed() > SETTLED:
                    backoff.reset()
                kept.state = "waiting"
                await asyncio.sleep(min(backoff.delay(), longest))
        finally:
            kept.state = "ended"

    def _failed(self, kept: _Kept, error: Exception) -> None:
        kept.failures += 1
        kept.error = f"{type(error).__name__}: {error}"
        if isinstance(error, OUTAGES):
            log.warning("job %s has to wait: %s", kept.name, kept.error)
        else:
            log.error("job %s failed", kept.name, exc_info=error)
            kept.recent.append(self._wall.ns())
        if self._on_failure is not None:
            contained("counting a failure", self._on_failure, kept.name)
        was, kept.degraded = kept.degraded, self._is_degraded(kept)
        if kept.degraded and not was and kept.critical and self._on_degraded is not None:
            contained("telling of a degraded job", self._on_degraded, kept.name)

    def _is_degraded(self, kept: _Kept) -> bool:
        if len(kept.recent) < FAILURES:
            return False
        return (self._wall.ns() - kept.recent[0]) / 1e9 <= WINDOW.total_seconds()


def contained(what: str, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Call something that must not bring its caller down; return whether it went well.

    What it throws is logged with its trace.
    """
    try:
        call(*args, **kwargs)
    except Exception:  # the caller goes on; the trace is in the log
        log.exception("%s failed", what)
        return False
    return True


def _orphaned(task: asyncio.Task[Any]) -> None:
    """Log the error of work whose caller left: nobody else will ever see it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("work whose caller had left failed", exc_info=error)
