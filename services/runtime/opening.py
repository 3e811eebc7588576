"""Opening the desk: the order in which it comes up, and the jobs that keep it up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from common.clock import MarketClock, MonotonicClock, WallClock
from common.config import VERSION, Settings
from common.limits import Halt
from common.orders import OrderStatus
from services.broker.access import AlpacaAccess
from services.broker.alpaca import Connection, open_broker
from services.execution.kill_switch import KillSwitch
from services.execution.store import DeskStore
from services.market.calendar import ClockAnchor
from services.ops.metrics import Metrics
from services.ops.supervisor import Supervisor
from services.runtime.changes import ChangeWatch
from services.runtime.recording import recording
from services.runtime.services import Services
from services.runtime.wiring import Parts

METRICS_EVERY = 1.0  # seconds
BEFORE_THE_BROKER_SPOKE = datetime(2000, 1, 1, tzinfo=UTC)  # the clock only goes forward


@asynccontextmanager
async def open_services(
    settings: Settings, access: AlpacaAccess, database: Path, sentinel: Path
) -> AsyncIterator[Services]:
    """Build the desk and run its jobs while the block lasts.

    Returns at once: nothing opens before the broker's clock and orders have been read.
    """
    wall, metrics = MonotonicClock(), Metrics()
    metrics.build_info.labels(VERSION, settings.mode.value).set(1)
    store = DeskStore(database)
    clock = MarketClock(wall, BEFORE_THE_BROKER_SPOKE)
    kill_switch = KillSwitch(store, sentinel, clock)
    degraded: asyncio.Queue[str] = asyncio.Queue()
    try:
        async with (
            recording(database, access, clock) as records,
            _broker(settings, access, wall, metrics) as connection,
            Supervisor(
                wall,
                on_degraded=degraded.put_nowait,
                on_failure=lambda job: metrics.job_failures.labels(job).inc(),
            ) as supervisor,
        ):
            parts = Parts(
                settings,
                access,
                connection,
                supervisor,
                store,
                kill_switch,
                clock,
                wall,
                database.parent,
                records,
            )
            services = parts.wired(metrics)
            await records.begin(settings, kill_switch)
            _keep(supervisor, records.jobs(kill_switch))
            supervisor.keep("start", lambda: _start(services, wall))
            supervisor.keep("guard", lambda: _reduce_when_degraded(degraded, kill_switch))
            yield services
            await services.chain.stop_streaming()
    finally:
        await store.close()


def _keep(supervisor: Supervisor, jobs: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    for name, job in jobs.items():
        supervisor.keep(name, job)


def _broker(
    settings: Settings, access: AlpacaAccess, wall: WallClock, metrics: Metrics
) -> AbstractAsyncContextManager[Connection]:
    return open_broker(
        access,
        timeout=settings.broker_timeout,
        requests_per_minute=settings.requests_per_minute,
        wall=wall,
        metrics=metrics,
    )


async def _start(services: Services, wall: WallClock) -> None:
    """Read the clock, settle what was on its way when we died, then start everything."""
    await services.connection.warm()
    anchor = ClockAnchor(services.reader, services.clock, wall)
    await anchor.anchor()
    await services.tracker.recover()
    keep, tracker = services.supervisor.keep, services.tracker
    keep("clock", anchor.run)
    keep("order updates", lambda: _hear(services), critical=True)
    keep("order news", tracker.follow, critical=True)
    keep("order poll", tracker.poll, critical=True)
    keep("exits", services.exits.watch, critical=True)
    keep("entries", services.dealing.entries.watch, critical=True)
    keep("halt", services.enforcer.watch, critical=True)
    keep("account", services.risk_watch.read, critical=True)
    keep("risk watch", services.risk_watch.watch, critical=True)
    keep("broker lock", services.broker_lock.watch)
    _keep(services.supervisor, services.chain.jobs())
    keep("history", services.history.keep)
    keep("dividends", services.dividends.keep)
    keep("marks", services.marks.watch)
    keep("approvals", services.trading.watch)
    keep("gauges", lambda: _gauge(services))
    keep("changes", ChangeWatch(services).watch)
    services.chain.start_streaming()
    gc.collect()
    gc.freeze()  # what is loaded now stays: no full collection walks it again


async def _hear(services: Services) -> None:
    tracker = services.tracker
    await services.connection.updates.run(
        tracker.hear,
        lambda: tracker.hear_connected(True),
        lambda: tracker.hear_connected(False),
        tracker.look_soon,
    )


async def _reduce_when_degraded(degraded: asyncio.Queue[str], kill_switch: KillSwitch) -> None:
    """What keeps failing may be what keeps trades safe: take no new risk until a person looks."""
    while True:
        job = await degraded.get()
        await kill_switch.reduce(who="supervisor", reason=f"job {job} keeps failing")


async def _gauge(services: Services) -> None:
    """Bring the gauges up to date each second; how late the second comes is one of them."""
    metrics, loop = services.metrics, asyncio.get_running_loop()
    while True:
        due = loop.time() + METRICS_EVERY
        await asyncio.sleep(METRICS_EVERY)
        metrics.loop_lag.set(max(loop.time() - due, 0.0))
        metrics.kill_state.set(services.kill_switch.halt() is not Halt.ACTIVE)
        working = [record.status for record in services.store.working()]
        working += [record.status for record in services.store.shares.working()]
        metrics.order_unknown.set(working.count(OrderStatus.UNKNOWN))
        metrics.exits.set(len(services.exits.armed()))
        chain = services.chain.status()
        for fate in ("applied", "conflated", "reordered", "insane", "crossed", "unknown"):
            metrics.quotes.labels(fate).set(getattr(chain.counters, fate))
        stream = chain.stream
        for quantile, age in (("0.5", stream.p50_age), ("0.95", stream.p95_age)):
            if age is not None:
                metrics.quote_age.labels(quantile).set(age.total_seconds())
