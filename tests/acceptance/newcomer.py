"""A newcomer's first hour, by script: clone, the README's own commands, a paper trade over stdio.

Run by "make newcomer". The commands and the host's JSON are read where a newcomer reads them: in
README.md and in what "make run" prints. The home is empty and the environment a bare one; only
pip may use this machine's settings and cache.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.desk import DeskClient, DeskFailed
from tests.exchange import ROOT

READ = ("Two commands", "Claude Desktop")  # the sections a newcomer works through, in order
GATE = "make test"  # runs beside this, and takes minutes
FOREGROUND = "make run"  # goes on until Ctrl-C
WAIT = 300.0  # seconds that a command gets: installing is one
TRIES = 8
TOOL, ARGUMENTS = "iron_condor_30_delta", {"width": 2}


class NotAsWritten(Exception):
    """A step of the README did not do what it says."""


def commands(readme: str, section: str) -> list[str]:
    """Return what a section tells to type, without comments."""
    [_, text] = re.split(rf"^## {re.escape(section)}$", readme, flags=re.MULTILINE)
    text = re.split(r"^## ", text, flags=re.MULTILINE)[0]
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def steps(readme: str) -> list[str]:
    """Return what a newcomer types to a first trade: the main sections, "Other clients" not."""
    main = re.sub(r"^### .*?(?=^##)", "", readme, flags=re.MULTILINE | re.DOTALL)
    return [line for section in READ for line in commands(main, section)]


def main() -> int:
    """Walk the way and return the exit code; leave nothing behind but a failure's folder."""
    folder = Path(tempfile.mkdtemp(prefix="newcomer-"))
    began = time.monotonic()
    try:
        Newcomer(folder).walk()
    except (NotAsWritten, DeskFailed, subprocess.SubprocessError) as failed:
        _say(f"FAILED: {failed}\nEverything is kept in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    _say(f"PASSED in {time.monotonic() - began:.0f} s")
    return 0


class Newcomer:
    """One empty home, one fresh clone, and what is typed there."""

    def __init__(self, folder: Path) -> None:
        self._clone = folder / "zero-dte-desk"
        self._home = folder / "home"
        self._home.mkdir()

    def walk(self) -> None:
        """Do it all."""
        self._run(f"git clone --quiet {ROOT} {self._clone}", at=self._home)
        typed = steps((self._clone / "README.md").read_text(encoding="utf-8"))
        if GATE not in typed or FOREGROUND not in typed:
            raise NotAsWritten(f"the README's sections {READ} tell to type {typed}")
        server: dict[str, Any] = {}
        for line in typed:
            if line == FOREGROUND:
                server = self._server(self._printed(line))
            elif line != GATE:
                self._run(line)
        try:
            _say(asyncio.run(self._trade(server)))
        finally:
            self._run(f"{self._clone}/.venv/bin/python alpaca_mcp_server.py stop")

    def _environment(self, *, pip: bool) -> dict[str, str]:
        """Return a bare environment; with pip what it needs to reach its packages."""
        base = Path(sys.base_prefix) / "bin"  # a plain python3 first, no shim that wants a home
        bare = {"PATH": f"{base}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self._home)}
        bare |= {"PORT": "0", "PROMETHEUS_PORT": "0"}  # other desks may run on this machine
        if not pip:
            return bare
        kept = {name: value for name, value in os.environ.items() if re.match("PIP_|SSL_", name)}
        cache = [sys.executable, "-m", "pip", "cache", "dir"]
        told = subprocess.run(cache, capture_output=True, text=True, check=True).stdout.strip()
        return {"PIP_CACHE_DIR": told, **kept, **bare}

    def _run(self, line: str, at: Path | None = None) -> None:
        """Type a command and wait for its end."""
        began = time.monotonic()
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=at or self._clone,
            env=self._environment(pip=True),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        if done.returncode:
            raise NotAsWritten(
                f"{line}: exit {done.returncode}\n{done.stdout}{done.stderr}"[-4000:]
            )
        _say(f"{line}: {time.monotonic() - began:.0f} s")

    def _printed(self, line: str) -> str:
        """Type a command that stays in the foreground; return what it says, ended by Ctrl-C."""
        started = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {line}"],
            cwd=self._clone,
            env=self._environment(pip=False),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert started.stdout is not None
        said = ""
        for told in started.stdout:
            said += told
            if told == "}\n":
                os.killpg(started.pid, signal.SIGINT)
        started.wait(WAIT)
        _say(f"{line}: told what a host needs")
        return said

    def _server(self, said: str) -> dict[str, Any]:
        """Return the one server of the JSON that was printed."""
        try:
            told = json.loads(said[said.index("{\n") : said.rindex("}\n") + 2])
            [server] = told["mcpServers"].values()
        except (ValueError, KeyError) as wrong:
            raise NotAsWritten(f"{FOREGROUND} printed no host's JSON ({wrong}):\n{said}") from wrong
        return dict(server)

    async def _trade(self, server: dict[str, Any]) -> str:
        """Start what the host would start, preview a trade and confirm it; return its fill."""
        told = StdioServerParameters(
            command=server["command"],
            args=server["args"],
            env=self._environment(pip=False),
            cwd="/",
        )
        async with Client(stdio_client(told), mode="legacy") as client:
            desk = DeskClient(client)
            await desk.ready()
            for _ in range(TRIES):  # a limit order may go unfilled, here as anywhere
                shown = await desk.ask(TOOL, **ARGUMENTS)
                order = await desk.confirmed(TOOL, shown, **ARGUMENTS)
                ended = await desk.ended(order["client_order_id"], seconds=60)
                if ended["status"] == "filled":
                    return f"{TOOL} over stdio: filled at {ended['filled_average']} net"
        raise NotAsWritten(f"{TOOL} was sent {TRIES} times and never filled")


def _say(text: str) -> None:
    sys.stdout.write(f"newcomer: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
