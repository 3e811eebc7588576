"""What a tool may ask for besides its arguments: the services, and who is calling.

Filled by the SDK before the tool runs and absent from the schema, so that the model can
neither supply nor forge them.
"""

from __future__ import annotations

from typing import Annotated

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context, Resolve

from common.ids import Principal
from services.runtime import Services
from tools.catalog import Catalog
from tools.server import DeskServer

LOCAL = Principal("local")  # whoever speaks without a bearer token: this user, in process


# Resolvers are coroutines, though they wait for nothing: the SDK sends plain functions to a thread.
async def _services(ctx: Context[Services]) -> Services:
    return ctx.request_context.lifespan_context


async def _catalog(ctx: Context[Services]) -> Catalog:
    server = ctx.mcp_server
    if not isinstance(server, DeskServer):
        raise TypeError("these tools are served by a DeskServer")
    return server.catalog


def caller() -> Principal:
    """Return who is calling now."""
    token = get_access_token()
    return LOCAL if token is None else Principal(token.client_id)


async def _principal() -> Principal:
    return caller()


Desk = Annotated[Services, Resolve(_services)]
Caller = Annotated[Principal, Resolve(_principal)]
Tools = Annotated[Catalog, Resolve(_catalog)]
