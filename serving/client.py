"""An MCP client of our own daemon: what the terminal commands speak through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from common.config import Settings
from serving.launch import find_or_start
from serving.state import Daemon, StateFolder
from serving.tokens import UNBOUND, own_grant, own_token
from tools.grant import Grant

CALL_MAX = 60.0  # seconds; no tool takes half of it


def bearer(folder: StateFolder, grant: Grant = UNBOUND) -> dict[str, str]:
    """Return the header that lets this user's own processes in, with the rights they ask for."""
    return {"Authorization": f"Bearer {own_token(folder, grant)}"}


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Client]:
    """Connect to the daemon of a configuration, started when none runs."""
    folder = StateFolder(settings)
    daemon = await find_or_start(settings, folder)
    async with client_of(daemon, bearer(folder, own_grant(settings))) as client:
        yield client


@asynccontextmanager
async def client_of(daemon: Daemon, headers: dict[str, str]) -> AsyncIterator[Client]:
    """Connect to a running daemon with a bearer header."""
    async with (
        httpx2.AsyncClient(
            headers=headers, timeout=httpx2.Timeout(30, read=None), trust_env=False
        ) as http,
        Client(
            streamable_http_client(daemon.url, http_client=http), read_timeout_seconds=CALL_MAX
        ) as client,
    ):
        yield client
