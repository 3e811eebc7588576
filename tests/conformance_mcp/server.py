"""The daemon as it is, with what the conformance suite looks for grafted on.

The same command line, HTTP application, Host list, middleware and services as the product's; the
one thing left out is the token, which the suite has no way to send.
"""

from __future__ import annotations

import sys
from unittest.mock import patch

from mcp.server import MCPServer
from mcp.server.auth.provider import TokenVerifier

import alpaca_mcp_server as product
from services.runtime import Services
from serving import push
from serving.cli import run
from tests.conformance_mcp.content import content
from tests.conformance_mcp.rounds import rounds
from tests.conformance_mcp.surface import WATCHED, graft
from tools.resources import ADDRESSES


def build_server(services: Services, verifier: TokenVerifier | None = None) -> MCPServer[Services]:
    """Return the product's server with the suite's tools among its own, open to whoever asks."""
    toolsets = (*product.toolsets(), content, rounds)
    watched = {str(topic): uri for topic, uri in ADDRESSES.items()} | {
        "what the suite watches": WATCHED
    }
    with (
        patch.object(product, "toolsets", lambda: toolsets),
        patch.object(push, "ADDRESSES", watched),
    ):
        server = product.build_server(services)
    graft(server)
    return server


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], build_server))
