"""The exchange put together: market, venue, REST and streams as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Final

from sqlalchemy import make_url
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from common.clock import MonotonicClock, SystemClock
from common.contracts import AssetClass
from common.errors import Misconfigured
from common.ids import AccountId, RandomIds
from paper_exchange.api.endpoint import Endpoint, Gate, reply
from paper_exchange.api.limiter import RateLimit
from paper_exchange.api.options import Options as OptionPaths
from paper_exchange.api.reference import Reference
from paper_exchange.api.routes import Path
from paper_exchange.api.stocks import Stocks
from paper_exchange.api.system import Move, System
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.clock import DemoClock, ExchangeClock, RealClock, SteppedClock
from paper_exchange.feed.synthetic import SyntheticSource
from paper_exchange.store.clock_file import ClockFile
from paper_exchange.stream.broadcast import Broadcast
from paper_exchange.stream.market_data import MarketDataStreams
from paper_exchange.stream.plan import DataPlan, feeds
from paper_exchange.wire.errors import Host, body, refusal

# Prices depend on the day, so a fixed one makes a seed repeatable.
FIRST_DAY: Final = date(2026, 11, 20)


class ClockKind(StrEnum):
    """Which clock the exchange runs by."""

    REAL = "real"
    DEMO = "demo"
    STEPPED = "stepped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an exchange is run.

    database: an SQLAlchemy URL. at: New York time the demo or stepped day starts at, None
    the open. speed: exchange seconds per second, None what it was before. rate_limit:
    requests a minute of each key, 0 none. option_symbols_max: replaces the plan's own.
    """

    database: str
    api_key: str
    secret_key: str
    clock: ClockKind = ClockKind.REAL
    seed: int = 7
    speed: float | None = None
    day: date = FIRST_DAY
    at: time | None = None
    cash: Decimal = Decimal(100_000)
    admin_key: str | None = None
    rate_limit: int = 0
    plan: DataPlan = DataPlan.BASIC
    option_symbols_max: int | None = None


def create_app(options: Options, announce: Callable[[], None] = lambda: None) -> Starlette:
    """Return the application; announce is called once it can answer.

    Raises Misconfigured for a clock that would start outside the session, and
    StateUnwritable for a database that cannot be used.
    """
    calendar = Calendar()
    source = SyntheticSource(options.seed, calendar)
    clock = exchange_clock(options, calendar)
    broadcast = Broadcast(source, clock)

    def authenticate(key: str, secret: str) -> AccountId | None:
        return AccountId("1") if (key, secret) == (options.api_key, options.secret_key) else None

    gate = Gate(
        authenticate,
        RateLimit(options.rate_limit, MonotonicClock(), SystemClock()),
        RandomIds(),
        options.admin_key,
    )
    paths = (
        *System(clock, lambda: {"status": "ok"}, mover(clock)).paths(),
        *Reference(source, clock, calendar).paths(),
        *Stocks(source, clock, AssetClass.EQUITY).paths(),
        *Stocks(source, clock, AssetClass.CRYPTO).paths(),
        *OptionPaths(source, clock, opra=options.plan is DataPlan.PLUS).paths(),
    )
    listed = feeds(options.plan, options.option_symbols_max)
    streams = MarketDataStreams(listed, authenticate, broadcast)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as jobs:
            job = jobs.create_task(broadcast.run())
            announce()
            yield
            job.cancel()

    return Starlette(
        routes=[
            *(Route(path.path, endpoint(gate, path)) for path in paths),
            *(WebSocketRoute(path, streams.serve) for path in streams.paths),
        ],
        exception_handlers={404: _no_endpoint, Exception: _bug},
        lifespan=lifespan,
    )


def mover(clock: ExchangeClock) -> Move | None:
    """Return what moves a stepped clock, None for the others."""
    if not isinstance(clock, SteppedClock):
        return None

    async def move(to: datetime) -> None:
        while clock.step_to(to) < to:
            clock.roll()

    return move


def endpoint(gate: Gate, path: Path) -> Endpoint:
    """Return what answers a path."""
    return Endpoint(gate, path.host, path.access, path.handlers)


def exchange_clock(options: Options, calendar: Calendar) -> ExchangeClock:
    """Return the clock asked for, going on where it stood; raise Misconfigured."""
    system = SystemClock()
    if options.clock is ClockKind.REAL:
        return RealClock(calendar, system)
    store = ClockFile(clock_path(options.database))
    try:
        if options.clock is ClockKind.STEPPED:
            return SteppedClock(calendar, store, system=system, day=options.day, at=options.at)
        return DemoClock(
            calendar,
            store,
            system=system,
            wall=MonotonicClock(),
            day=options.day,
            at=options.at,
            rate=options.speed,
        )
    except ValueError as e:
        raise Misconfigured(f"the clock cannot start: {e}") from None


def clock_path(database: str) -> FilePath | None:
    """Return where the clock's state is kept: beside a database that is a file."""
    name = make_url(database).database
    return None if name in (None, "", ":memory:") else FilePath(str(name) + ".clock")


async def _no_endpoint(request: Request, error: Exception) -> Response:
    return _response("no_endpoint", 404)


async def _bug(request: Request, error: Exception) -> Response:
    return _response("internal", 500)


def _response(reason: str, status: int) -> Response:
    answer = reply(body(refusal(reason, Host.TRADING), Host.TRADING), status)
    headers = {"X-Request-ID": RandomIds().uuid().replace("-", "")}
    return Response(answer.body, status, headers, media_type="application/json")
