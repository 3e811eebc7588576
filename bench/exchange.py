"""The paper exchange as a process of its own, with a new database, for one measurement."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ADMIN_KEY = "bench-admin-key"
CASH = 10_000_000  # an account's, dollars: enough for every order of a run
START_SECONDS = 60.0


class Keys(NamedTuple):
    """What speaks for an account."""

    key: str
    secret: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A running exchange."""

    url: str
    keys: Keys
    database: Path
    process: subprocess.Popen[bytes]

    def open_account(self) -> Keys:
        """Open an account and return its keys."""
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        told = call(self.url, "POST", "/admin/accounts", b'{"cash": "%d"}' % CASH, headers)
        return Keys(told["key"], told["secret"])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def exchange(**options: object) -> Iterator[Exchange]:
    """Start an exchange; options are those of its command. Killed at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-exchange-") as named:
        folder = Path(named)
        keys = Keys("PKBENCH000000000", "bench-secret")
        database, address = folder / "exchange.sqlite", folder / "address.json"
        given = {
            "port": 0,
            "database": f"sqlite:///{database}",
            "address-file": address,
            "api-key": keys.key,
            "secret-key": keys.secret,
            "admin-key": ADMIN_KEY,
            "cash": CASH,
            "log-level": "warning",
            "partial-fills": 0,
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        command = [sys.executable, "-m", "paper_exchange"]
        command += [part for name, value in given.items() for part in (f"--{name}", str(value))]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                url = json.loads(_appeared(address, process))["url"]
                yield Exchange(url, keys, database, process)
            finally:
                process.kill()


def call(
    url: str, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> dict[str, Any]:
    """Send one request that must succeed; return its JSON."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        told = answer.read()
    finally:
        connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {told[:200]!r}")
    found: dict[str, Any] = json.loads(told)
    return found


def _appeared(file: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until a process has written a file; raise RuntimeError when it ends instead."""
    deadline = time.monotonic() + START_SECONDS
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not start")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)  # no file tells when it comes; only an end can be waited for
    return file.read_text()
