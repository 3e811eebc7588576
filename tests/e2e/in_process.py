"""A desk opened in this process, for what no process of its own can be made to show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from alpaca_mcp_server import build_server
from common.config import load_settings
from services.broker.access import AlpacaAccess
from services.runtime import Services, open_services
from tests.desk import UNHURRIED, DeskClient
from tests.exchange import Exchange


@asynccontextmanager
async def opened(
    exchange: Exchange, folder: Path, **wanted: Any
) -> AsyncIterator[tuple[Services, DeskClient]]:
    """Open services on an exchange and a client of them, both in this process."""
    values = {
        "alpaca_api_key": exchange.key,
        "alpaca_secret_key": exchange.secret,
        "entry_pricing": "natural",
        "history_days": 0,
        "toolsets": "all",
        "quote_age_max": 60,
        **UNHURRIED,
        **wanted,
    }
    settings = load_settings(_env_file=None, **values)
    access = AlpacaAccess(
        key=exchange.key,
        secret=exchange.secret,
        paper=not settings.alpaca_live,
        base_url=exchange.url,
    )
    async with (
        open_services(settings, access, folder / "desk.sqlite", folder / "KILL") as services,
        Client(build_server(services)) as client,
    ):
        yield services, DeskClient(client)
