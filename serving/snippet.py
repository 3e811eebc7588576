"""What goes into a host's configuration file, with this machine's absolute paths."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ENTRYPOINT = Path(__file__).resolve().parent.parent / "alpaca_mcp_server.py"
NAME = "zero-dte-desk"


def desktop_json() -> str:
    """Return the JSON for claude_desktop_config.json: it starts the stdio bridge."""
    server = {"command": sys.executable, "args": [str(ENTRYPOINT)]}
    return json.dumps({"mcpServers": {NAME: server}}, indent=2)
