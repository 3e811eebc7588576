"""The desk's side of the socket, as the daemon opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from common.clock import MonotonicClock
from services.broker.alpaca import AlpacaAccess, Connection, open_broker
from tests.exchange import Exchange
from tests.services.broker.fault_server import Answer, FaultServer, fault_server

LONG = timedelta(seconds=20)


def access_to(url: str) -> AlpacaAccess:
    return AlpacaAccess(key="KEY", secret="SECRET", base_url=url)


@asynccontextmanager
async def connected(
    url: str, patience: timedelta = LONG, per_minute: int = 10_000
) -> AsyncIterator[Connection]:
    async with open_broker(
        access_to(url), timeout=patience, requests_per_minute=per_minute, wall=MonotonicClock()
    ) as connection:
        yield connection


@asynccontextmanager
async def trading_on(exchange: Exchange) -> AsyncIterator[Connection]:
    """Connect to an exchange that runs, as its account."""
    access = AlpacaAccess(key=exchange.key, secret=exchange.secret, base_url=exchange.url)
    async with open_broker(
        access, timeout=LONG, requests_per_minute=10_000, wall=MonotonicClock()
    ) as connection:
        yield connection


@asynccontextmanager
async def against(
    *answers: Answer, patience: timedelta = LONG
) -> AsyncIterator[tuple[Connection, FaultServer]]:
    async with fault_server(*answers) as server, connected(server.url, patience) as connection:
        yield connection, server
