"""Starting what was handed out, as a host does: an empty home, and hardly an environment."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

WAIT = 90.0  # seconds that anything gets on a loaded machine


def environment(home: Path) -> dict[str, str]:
    """Return what a desktop program hands to what it starts, on ports that nobody has."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "PORT": "0", "PROMETHEUS_PORT": "0"}


def run(command: Sequence[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a folder which is nobody's."""
    return subprocess.run(
        command, env=environment(home), cwd="/", capture_output=True, text=True, timeout=WAIT
    )


def command_of(pid: int) -> str:
    """Return the command line of a running process."""
    shown = subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], check=True, capture_output=True, text=True
    )
    return shown.stdout


def said(answer: Any) -> str:
    """Return the text of a tool's answer."""
    return " ".join(block.text for block in answer.content if block.type == "text")


@asynccontextmanager
async def host(command: Sequence[str], home: Path, **more: str) -> AsyncIterator[Client]:
    """Start a bridge over stdio and be its client; stop its daemon at the end."""
    told = StdioServerParameters(
        command=command[0], args=list(command[1:]), env=environment(home) | more, cwd="/"
    )
    try:
        async with Client(stdio_client(told), mode="legacy") as client:
            yield client
    finally:
        run([*command, "stop"], home)
