"""The exchange put together: market, venue, REST and streams as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path as FilePath

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from common.clock import Clock, MonotonicClock, SystemClock
from common.contracts import AssetClass
from common.errors import Misconfigured
from common.ids import AccountId, RandomIds
from paper_exchange.api.accounts import Accounts
from paper_exchange.api.activities import Activities
from paper_exchange.api.auctions import StockReference
from paper_exchange.api.bulletins import Bulletins
from paper_exchange.api.configurations import Configurations
from paper_exchange.api.corporate_actions import CorporateActions
from paper_exchange.api.directory import Directory
from paper_exchange.api.dump import Dump
from paper_exchange.api.endpoint import Endpoint, Gate, reply
from paper_exchange.api.faults import Faults, FaultyUpdates, StaleClock
from paper_exchange.api.faulty import FaultyConnections
from paper_exchange.api.fixed_income import FixedIncome
from paper_exchange.api.limiter import RateLimit
from paper_exchange.api.market_hours import MarketHours
from paper_exchange.api.options import Options as OptionPaths
from paper_exchange.api.orders import Orders
from paper_exchange.api.playing import Playing
from paper_exchange.api.portfolio import Portfolio
from paper_exchange.api.reference import Reference
from paper_exchange.api.resetting import Resetting
from paper_exchange.api.routes import Path
from paper_exchange.api.screener import Screener
from paper_exchange.api.stocks import Stocks
from paper_exchange.api.system import Admin, Move, System
from paper_exchange.api.watchlists import WatchlistPaths
from paper_exchange.engine.market import FillRules, Rules
from paper_exchange.engine.updates import OrderUpdate
from paper_exchange.feed.choice import FIRST_DAY, Feed, FeedKind, Wish, open_feed
from paper_exchange.feed.clock import DemoClock, ExchangeClock, RealClock, SteppedClock
from paper_exchange.feed.clock_file import ClockFile
from paper_exchange.feed.live.access import Access
from paper_exchange.hub import Hub
from paper_exchange.store.database import Database, file_of
from paper_exchange.store.journal import SqlJournal
from paper_exchange.store.watchlists import Watchlists
from paper_exchange.stream.broadcast import Broadcast
from paper_exchange.stream.market_data import MarketDataStreams
from paper_exchange.stream.plan import DataPlan, feeds
from paper_exchange.stream.trade_updates import PATH as TRADE_UPDATES_PATH
from paper_exchange.stream.trade_updates import TradeUpdates
from paper_exchange.tenancy.key_file import KeyPair
from paper_exchange.tenancy.keys import Keys
from paper_exchange.venue.markets import Markets
from paper_exchange.venue.pulse import Pulse
from paper_exchange.venue.shard import Shard
from paper_exchange.venue.venue import Venue
from paper_exchange.wire.errors import Host, body, refusal


class ClockKind(StrEnum):
    """Which clock the exchange runs by."""

    REAL = "real"
    DEMO = "demo"
    STEPPED = "stepped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an exchange is run.

    database: an SQLAlchemy URL. at: New York time the demo or stepped day starts at, None
    the open. day: the first one, None the feed's own. recording: what to replay. upstream:
    whose market is live. speed: exchange seconds per second, None what it was before.
    rate_limit: requests a minute of each key, 0 none. option_symbols_max: replaces the plan's.
    partial_fills: share of fills that are partial. enhanced_greeks: given on expiry day too.
    """

    database: str
    api_key: str
    secret_key: str
    clock: ClockKind = ClockKind.REAL
    seed: int = 7
    speed: float | None = None
    feed: FeedKind = FeedKind.SYNTHETIC
    recording: FilePath | None = None
    upstream: Access | None = None
    day: date | None = None
    at: time | None = None
    cash: Decimal = Decimal(100_000)
    admin_key: str | None = None
    rate_limit: int = 0
    plan: DataPlan = DataPlan.BASIC
    option_symbols_max: int | None = None
    partial_fills: float = 0.0
    enhanced_greeks: bool = False


@asynccontextmanager
async def open_exchange(options: Options) -> AsyncIterator[ASGIApp]:
    """Open the database, let time pass and yield the application that serves it.

    Raises Misconfigured for a clock that would start outside the session and for keys that
    contradict the database, StateUnwritable for a database that cannot be used.
    """
    check_clock(options)
    wish = Wish(
        kind=options.feed,
        seed=options.seed,
        recording=options.recording,
        day=options.day,
        upstream=options.upstream,
    )
    async with open_feed(wish) as feed, _opened(options, feed) as app:
        yield app


@asynccontextmanager
async def _opened(options: Options, feed: Feed) -> AsyncIterator[ASGIApp]:
    source, calendar = feed.source, feed.calendar
    clock = exchange_clock(replace(options, day=feed.day), feed)
    database = await Database.open(options.database)
    try:
        rules = Rules(fills=FillRules(partial_probability=options.partial_fills, seed=options.seed))
        markets = Markets(source, calendar, clock, rules)
        hub: Hub[OrderUpdate] = Hub()
        faults = Faults(clock, RandomIds()) if options.admin_key else None
        publish = FaultyUpdates(hub.publish, faults).publish if faults else hub.publish
        shard = Shard(SqlJournal(database), publish)
        pulse = Pulse(shard, markets, source, calendar, clock)
        venue = Venue(shard, markets, clock, RandomIds())
        keys = await Keys.load(database)
        await pulse.beat()
        await open_account(options, venue, keys)
        seen = StaleClock(clock, faults) if faults else clock
        lists, broadcast = Watchlists(database), Broadcast(source, calendar, seen)
        parts = Parts(feed, clock, seen, venue, keys, lists, hub, broadcast, faults)
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(job()) for job in (pulse.run, parts.broadcast.run)]
            moving = asyncio.Lock()
            admin = (
                *Admin(venue, keys, clock, options.cash, mover(clock, pulse), moving).paths(),
                *Dump(shard, clock).paths(),
                *Playing(clock).paths(),
                *Resetting(venue, lists, clock, moving).paths(),
            )
            served = application(options, parts, admin)
            yield FaultyConnections(served, faults) if faults else served
            for job in jobs:
                job.cancel()
    finally:
        await database.close()


async def open_account(options: Options, venue: Venue, keys: Keys) -> None:
    """Let the keys given speak for an account with money in it, the same one every time."""
    pair = KeyPair(options.api_key, options.secret_key)
    account = await keys.register(pair, AccountId(RandomIds().uuid()))
    await venue.open_account(account, cash=options.cash)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application serves. seen: the clock that market data is told by."""

    feed: Feed
    clock: ExchangeClock
    seen: Clock
    venue: Venue
    keys: Keys
    watchlists: Watchlists
    hub: Hub[OrderUpdate]
    broadcast: Broadcast
    faults: Faults | None


def application(options: Options, parts: Parts, admin: Sequence[Path]) -> Starlette:
    """Return the routes of both hosts and the streams; those of admin if there is a key."""
    source, calendar = parts.feed.source, parts.feed.calendar
    clock, venue = parts.clock, parts.venue
    authenticate = parts.keys.authenticate
    plus = options.plan is DataPlan.PLUS
    limit = RateLimit(options.rate_limit, MonotonicClock(), SystemClock())
    gate = Gate(authenticate, limit, RandomIds(), options.admin_key)
    paths = (
        *Orders(venue).paths(),
        *Accounts(venue, source, calendar, clock).paths(),
        *Configurations(venue).paths(),
        *Activities(venue, clock).paths(),
        *Portfolio(venue, source, calendar, clock).paths(),
        *WatchlistPaths(parts.watchlists, source, clock, RandomIds()).paths(),
        *Reference(source, clock, calendar).paths(),
        *MarketHours(clock, calendar).paths(),
        *Bulletins(source, calendar, clock).paths(),
        *CorporateActions(parts.feed.dividends, clock).paths(),
        *FixedIncome(parts.feed.treasuries, clock).paths(),
        *Screener(source, calendar, clock).paths(),
        *StockReference(source, calendar, clock).paths(),
        *Stocks(source, parts.seen, AssetClass.EQUITY, sip=plus).paths(),
        *Stocks(source, parts.seen, AssetClass.CRYPTO).paths(),
        *OptionPaths(source, parts.seen, opra=plus, enhanced=options.enhanced_greeks).paths(),
        *System(venue, source, clock).paths(),
        *((*parts.faults.paths(), *admin) if parts.faults else ()),
    )
    data = MarketDataStreams(
        feeds(options.plan, options.option_symbols_max), authenticate, parts.broadcast
    )
    endpoints = {path.path: endpoint(gate, path) for path in paths}
    return Starlette(
        routes=[
            *(Route(path, answering) for path, answering in endpoints.items()),
            WebSocketRoute(TRADE_UPDATES_PATH, TradeUpdates(parts.hub, authenticate).serve),
            *(WebSocketRoute(path, data.serve) for path in data.paths),
        ],
        middleware=[Middleware(Directory, endpoints=endpoints)],
        exception_handlers={404: _no_endpoint, Exception: _bug},
    )


def mover(clock: ExchangeClock, pulse: Pulse) -> Move | None:
    """Return what moves a stepped or demo clock, None for the real one.

    What lies between is lived through: days end, and while orders work, or options may be
    liquidated, every minute is looked at.
    """
    if not isinstance(clock, SteppedClock | DemoClock):
        return None

    async def move(to: datetime) -> None:
        while (now := clock.now()) < to:
            clock.step_to(pulse.reach(now, to))
            await pulse.beat()

    return move


def endpoint(gate: Gate, path: Path) -> Endpoint:
    """Return what answers a path."""
    return Endpoint(gate, path.host, path.access, path.handlers)


def check_clock(options: Options) -> None:
    """Raise Misconfigured for a clock of our own beside a live market."""
    ruled = options.clock is not ClockKind.REAL or options.at is not None or options.speed
    if options.feed is FeedKind.LIVE and ruled:
        raise Misconfigured(
            "a live market keeps its own time", remedy="give --clock real, no --at and no --speed"
        )


def exchange_clock(options: Options, feed: Feed) -> ExchangeClock:
    """Return the clock asked for, going on where it stood; raise Misconfigured."""
    system, calendar = feed.clock, feed.calendar
    if options.clock is ClockKind.REAL:
        if options.feed is FeedKind.REPLAY:
            raise Misconfigured(
                "a recorded day has no real clock", remedy="give --clock demo or stepped"
            )
        return RealClock(calendar, system)
    day = options.day or FIRST_DAY
    database = file_of(options.database)
    store = ClockFile(database and database.with_name(database.name + ".clock"))
    try:
        if options.clock is ClockKind.STEPPED:
            return SteppedClock(calendar, store, system=system, day=day, at=options.at)
        return DemoClock(
            calendar,
            store,
            system=system,
            wall=MonotonicClock(),
            day=day,
            at=options.at,
            rate=options.speed,
        )
    except ValueError as e:
        raise Misconfigured(f"the clock cannot start: {e}") from None


async def _no_endpoint(request: Request, error: Exception) -> Response:
    return _response("no_endpoint", 404)


async def _bug(request: Request, error: Exception) -> Response:
    return _response("internal", 500)


def _response(reason: str, status: int) -> Response:
    answer = reply(body(refusal(reason, Host.TRADING), Host.TRADING), status)
    headers = {"X-Request-ID": RandomIds().uuid().replace("-", "")}
    return Response(answer.body, status, headers, media_type="application/json")
