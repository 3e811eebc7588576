"""The daemon: one engine, one feed connection, one kill switch, whatever the clients."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial

import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from prometheus_client import make_asgi_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from common.clock import MonotonicClock, Stopwatch, WallClock
from common.config import VERSION, Mode, Settings
from common.errors import Misconfigured
from common.ids import RandomIds
from common.place import COMMAND
from services.broker.access import AlpacaAccess
from services.runtime import Services, open_services
from serving.approval_page import approvals_served
from serving.link import linked
from serving.ports import Listening, listen
from serving.sibling import ExchangeAddress, SiblingExchange
from serving.state import Daemon, StateFolder, account_fingerprint, held, publish
from serving.telemetry import exported
from serving.tokens import LOCAL, FileVerifier, TokenFile
from serving.web import beside, config
from tools.grant import READ

log = logging.getLogger(__name__)

IDLE_LOOK = 5.0  # seconds between looks at whether anybody needs us
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

BuildServer = Callable[..., MCPServer[Services]]


class AlreadyRunning(Misconfigured):
    """Another daemon holds this desk's lock."""

    code = "already_running"
    remedy = f"use it, or stop it with '{COMMAND} stop'"


async def serve(
    settings: Settings,
    build_server: BuildServer,
    *,
    any_port: bool,
    announce: Callable[[Daemon, StateFolder], None],
) -> None:
    """Run the daemon until it is told to stop or nobody needs it.

    any_port takes a free port where the configured one is in use. Raises AlreadyRunning
    and Misconfigured.
    """
    folder = StateFolder(settings)
    with held(folder.lock) as lock:
        if lock is None:
            raise AlreadyRunning(f"a daemon already runs on {folder.desk}")
        wall = MonotonicClock()
        tokens = TokenFile(folder.tokens, RandomIds())
        tokens.token(LOCAL)
        listening = listen(settings, any_port=any_port)
        sibling = SiblingExchange(folder.exchange, settings.exchange, wall)
        async with exported(settings), AsyncExitStack() as stack:
            local = await sibling.find_or_start() if settings.mode is Mode.PAPER_LOCAL else None
            access = _access(settings, local)
            services = await stack.enter_async_context(
                open_services(settings, access, folder.database, folder.sentinel)
            )
            if local is not None:
                services.supervisor.keep("exchange", partial(sibling.keep, local))
            verifier = FileVerifier(tokens)
            server = build_server(services, verifier)
            presence = Presence(wall)
            link = await stack.enter_async_context(linked(server, verifier, presence.linked))
            daemon = _self_description(settings, access, listening, link)
            app = presence(_app(server, services, settings))
            http = _Http(config(app), partial(announce, daemon, folder))
            await _serve_beside(stack, services, listening, folder)
            publish(lock, daemon)
            leaving = asyncio.create_task(
                _leave_when_idle(http, presence, services, settings.idle_timeout)
            )
            stack.callback(leaving.cancel)
            await http.serve(sockets=[listening.mcp])
        if settings.mode is Mode.PAPER_LOCAL:
            await sibling.stop()


async def _serve_beside(
    stack: AsyncExitStack, services: Services, listening: Listening, folder: StateFolder
) -> None:
    """Serve metrics, which need no token and hold no account data, and the approval page."""
    metrics = make_asgi_app(services.metrics.registry)
    await stack.enter_async_context(beside(metrics, listening.metrics))
    await stack.enter_async_context(approvals_served(services.trading, folder))


class Presence:
    """Notices clients: a request, an open stream or a bridge is one."""

    def __init__(self, wall: WallClock) -> None:
        self._since = Stopwatch(wall)
        self._open = 0

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap an application so that its authenticated use is noticed."""

        async def noticing(scope: Scope, receive: Receive, send: Send) -> None:
            counts = scope["type"] == "http" and scope["path"] == "/mcp"
            self._open += counts
            try:
                await app(scope, receive, send)
            finally:
                if counts:
                    self._open -= 1
                    self._since.reset()

        return noticing

    def linked(self, change: int) -> None:
        """Count a bridge that comes, or goes."""
        self._open += change
        self._since.reset()

    def absent(self) -> timedelta:
        """Return for how long there has been no client."""
        return timedelta(0) if self._open else self._since.elapsed()


def _access(settings: Settings, local: ExchangeAddress | None) -> AlpacaAccess:
    if local is not None:
        return AlpacaAccess(
            key=local.key,
            secret=local.secret,
            base_url=local.url,
            option_feed=settings.option_feed,
        )
    if settings.alpaca_api_key is None or settings.alpaca_secret_key is None:
        raise Misconfigured("ALPACA_API_KEY and ALPACA_SECRET_KEY are not set")
    return AlpacaAccess(
        key=settings.alpaca_api_key.get_secret_value(),
        secret=settings.alpaca_secret_key.get_secret_value(),
        paper=settings.mode is not Mode.LIVE,
        base_url=settings.alpaca_base_url,
        option_feed=settings.option_feed,
    )


def auth_settings() -> AuthSettings:
    """Return the bearer-token settings; the issuer is a placeholder, we verify ourselves."""
    return AuthSettings.model_validate(
        {
            "issuer_url": "http://127.0.0.1:1/",
            "resource_server_url": None,
            "required_scopes": [READ],
        }
    )


def _app(server: MCPServer[Services], services: Services, settings: Settings) -> Starlette:
    """Return the HTTP app: MCP behind a token and the Host list, health without account data."""

    async def health(_: Request) -> Response:
        found = services.health()
        body = {
            "ready": found.ok,
            "mode": settings.mode.value,
            "version": VERSION,
            "reasons": list(found.reasons),
            "checks": {check.name: check.reason or "ok" for check in found.checks},
        }
        return JSONResponse(body, status_code=200)

    async def ready(_: Request) -> Response:
        found = services.health()
        body = {"ready": found.ok, "reasons": list(found.reasons)}
        return JSONResponse(body, status_code=200 if found.ok else 503)

    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    for path, handler in (("/health", health), ("/health/ready", ready), ("/health/live", live)):
        server.custom_route(path, methods=["GET"])(handler)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    names = [*LOOPBACK, host, *(h.strip() for h in settings.allowed_hosts.split(",") if h.strip())]
    hosts = [allowed for name in names for allowed in (name, f"{name}:*")]
    origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    return server.streamable_http_app(
        transport_security=TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins),
        host=settings.host,
    )


class _Http(uvicorn.Server):
    """Uvicorn, leaving signals to us: it would raise them again before we have cleaned up.

    announce: called once it listens and a signal would stop it in order.
    """

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets)
        self._announce()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Turn SIGTERM and SIGINT into an orderly stop of the whole daemon."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for told in signals:
            loop.add_signal_handler(told, self._stop)
        try:
            yield
        finally:
            for told in signals:
                loop.remove_signal_handler(told)

    def _stop(self) -> None:
        self.should_exit = True


def _self_description(
    settings: Settings, access: AlpacaAccess, listening: Listening, link: int
) -> Daemon:
    root = listening.url.removesuffix("/mcp")
    return Daemon(
        pid=os.getpid(),
        version=VERSION,
        mode=settings.mode.value,
        base_url=access.trading_root,
        account=account_fingerprint(settings),
        digest=settings.digest(),
        url=listening.url,
        link=link,
        health_url=f"{root}/health",
        metrics_url=listening.metrics_url,
    )


async def _leave_when_idle(
    http: uvicorn.Server, presence: Presence, services: Services, after: timedelta
) -> None:
    """Stop the server when no client came for a while and nothing here needs minding."""
    while True:
        await asyncio.sleep(min(IDLE_LOOK, after.total_seconds() / 2))
        if presence.absent() < after:
            continue
        if (why := await services.needed()) is not None:
            log.info("no client, but staying: %s", why)
            continue
        log.info("idle for %s: leaving", presence.absent())
        http.should_exit = True
        return


@asynccontextmanager
async def lifespan_of(services: Services) -> AsyncIterator[Services]:
    """Hand running services to a server without owning them: clients come and go."""
    yield services
