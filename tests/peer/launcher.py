"""Alpaca's own MCP server, on stdio, pointed at an exchange: launcher.py URL.

Run by the interpreter of .venv-peer. Only the trading address needs this: the server takes
it from a dict of its own, the data address and the keys from its environment.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module


def main(url: str) -> None:
    """Serve until stdin ends."""
    server = import_module("alpaca_mcp_server.server")  # our own entrypoint has its first name
    server.TRADING_API_BASE_URLS["paper"] = url
    os.environ["DATA_API_URL"] = url
    server.build_server().run(transport="stdio", show_banner=False)


if __name__ == "__main__":
    main(sys.argv[1])
