"""The MCP server of a desk: the SDK's, knowing its own catalog of tools."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer

from services.runtime import Services
from tools.catalog import Catalog


class DeskServer(MCPServer[Services]):
    """The SDK's server; it holds every tool, and its middleware shows each caller theirs."""

    def __init__(self, catalog: Catalog, **options: Any) -> None:
        """Take the tools from a catalog, everything else as the SDK does."""
        super().__init__("zero-dte-desk", tools=catalog.tools, **options)
        self.catalog = catalog
