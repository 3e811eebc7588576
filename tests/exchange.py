"""The paper exchange as a process of its own: the double every test of the desk trades on.

    with Exchange.start(tmp_path, clock="stepped", at="10:05") as exchange:
        exchange.get("/v2/account")["cash"]

Nothing here knows the exchange's code: it is started by its command and spoken to over HTTP.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0  # a loaded machine imports slowly
STOP_SECONDS = 10.0

KEY = "PKTEST0000000000"
SECRET = "test-secret-of-the-local-exchange"
ADMIN_KEY = "test-admin-key"


class ExchangeFailed(Exception):
    """The process ended, or did not come up; the message holds its last words."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: status, headers in lower case, and the body as JSON or text."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Exchange:
    """A running exchange. options are command line options without their dashes."""

    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    key: str = KEY
    secret: str = SECRET
    admin_key: str = ADMIN_KEY
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    @classmethod
    @contextmanager
    def start(cls, folder: Path, **options: object) -> Iterator[Exchange]:
        """Run an exchange on a free port with a database in a folder; stop it at the end."""
        exchange = cls(folder, {name.replace("_", "-"): str(v) for name, v in options.items()})
        exchange.launch()
        try:
            yield exchange
        finally:
            exchange.stop()

    @property
    def log(self) -> Path:
        """Where its stderr goes."""
        return self.folder / "exchange.log"

    @property
    def websocket_url(self) -> str:
        """The address of its streams, without a path."""
        return "ws" + self.url.removeprefix("http")

    @property
    def headers(self) -> dict[str, str]:
        """The headers that let a request in."""
        return {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret}

    def launch(self) -> None:
        """Start the process, again after stop or kill9, and wait until it answers."""
        address = self.folder / "address.json"
        address.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "paper_exchange", *self._arguments(address)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not address.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill9()
                raise ExchangeFailed(self.log.read_text(errors="replace")[-3000:])
            time.sleep(0.02)
        self.url = json.loads(address.read_text())["url"]

    def stop(self) -> int:
        """Ask it to stop, wait, and return its exit code; kill it when it does not."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise ExchangeFailed("it did not stop when asked to") from None

    def kill9(self) -> None:
        """End it as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> Reply:
        """Send one request; bytes go out as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        target = path + ("?" + urlencode(query) if query else "")
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(
                method, target, data, dict(self.headers if headers is None else headers)
            )
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        names = {name.lower(): value for name, value in answer.getheaders()}
        is_json = names.get("content-type", "").startswith("application/json")
        return Reply(answer.status, names, json.loads(text) if is_json else text.decode())

    def get(self, path: str, **query: object) -> Any:
        """Return the body of a GET that must succeed."""
        answer = self.request("GET", path, query=query)
        if answer.status != 200:
            raise ExchangeFailed(f"GET {path}: {answer.status} {answer.body}")
        return answer.body

    def orders(self, status: str = "all") -> list[dict[str, Any]]:
        """Return its orders, newest first, legs nested."""
        found: list[dict[str, Any]] = self.get("/v2/orders", status=status, limit=500, nested=True)
        return found

    def positions(self) -> list[dict[str, Any]]:
        """Return what is held."""
        found: list[dict[str, Any]] = self.get("/v2/positions")
        return found

    def tenant(self, cash: int = 100_000) -> Exchange:
        """Return this same exchange as a new account with money of its own sees it."""
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        made = self.request("POST", "/admin/accounts", {"cash": cash}, headers=headers)
        if made.status != 200:
            raise ExchangeFailed(f"no account was opened: {made.status} {made.body}")
        return Exchange(self.folder, key=made.body["key"], secret=made.body["secret"], url=self.url)

    def now(self) -> datetime:
        """Return exchange time."""
        return datetime.fromisoformat(self.get("/v2/clock")["timestamp"])

    def step(self, by: timedelta) -> datetime:
        """Move a stepped clock forward; return the new exchange time."""
        return self._move({"by": by.total_seconds()})

    def step_to(self, at: datetime) -> datetime:
        """Move a stepped clock to an instant; return the new exchange time."""
        return self._move({"to": at.isoformat()})

    def fault(self, **wanted: object) -> None:
        """Have something go wrong: the fields of POST /admin/faults."""
        self._admin("POST", "/admin/faults", wanted)

    def clear_faults(self) -> None:
        """Have nothing go wrong any more."""
        self._admin("DELETE", "/admin/faults")

    def _admin(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        answer = self.request(method, path, body, headers=headers)
        if answer.status >= 300:
            raise ExchangeFailed(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body

    def _move(self, how: Mapping[str, object]) -> datetime:
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        answer = self.request("POST", "/admin/clock", how, headers=headers)
        if answer.status != 200:
            raise ExchangeFailed(f"the clock did not move: {answer.status} {answer.body}")
        return datetime.fromisoformat(answer.body["timestamp"])

    def _arguments(self, address: Path) -> list[str]:
        options = {
            "port": "0",
            "database": f"sqlite:///{self.folder / 'exchange.db'}",
            "clock": "stepped",
            "partial-fills": "0",
            "api-key": self.key,
            "secret-key": self.secret,
            "admin-key": self.admin_key,
            "address-file": str(address),
            **self.options,
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]
