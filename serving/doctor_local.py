"""What the doctor finds on this machine: Python, packages, folders, ports, the daemon."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import socket
import sys
from dataclasses import dataclass
from enum import StrEnum

from common.config import VERSION, Mode, Settings
from common.errors import DaemonDiffers
from common.place import COMMAND, ENV_FILE, NAME
from serving import kill
from serving.state import PRIVATE_FILE, PRIVATE_FOLDER, Daemon, StateFolder

OLDEST = (3, 11)
DISK_MIN = 200_000_000  # bytes: the databases and logs of some weeks
PACKAGES = ("mcp", "alpaca-py", "pydantic", "uvicorn", "numpy", "SQLAlchemy", "picows", "msgspec")


class Level(StrEnum):
    """How much a finding matters. FAIL: something listed does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. text: what was found and, unless ok, what to do."""

    level: Level
    name: str
    text: str


def ok(name: str, text: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(level=Level.OK, name=name, text=text)


def warn(name: str, text: str) -> Finding:
    """Return that something works but wants a look."""
    return Finding(level=Level.WARN, name=name, text=text)


def fail(name: str, text: str) -> Finding:
    """Return that something does not work."""
    return Finding(level=Level.FAIL, name=name, text=text)


def machine_findings() -> list[Finding]:
    """Look at the interpreter and the packages it finds."""
    version = f"{platform.python_version()} on {platform.system()}, {sys.executable}"
    found = [
        ok("python", version)
        if sys.version_info[:2] >= OLDEST
        else fail("python", f"{version}. Next: use 3.11 or newer.")
    ]
    missing = []
    versions = [f"{NAME} {VERSION}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    found.append(ok("packages", ", ".join(versions)))
    if missing:
        text = (
            f"{', '.join(missing)} missing. Next: install it again, into an environment of its own."
        )
        found.append(fail("packages", text))
    return found


def state_findings(settings: Settings, folder: StateFolder, daemon: Daemon | None) -> list[Finding]:
    """Look at the settings, the state folder, the kill switch, the ports and the daemon."""
    return [
        _mode(settings),
        *_private(folder),
        _disk(folder),
        _kill_switch(folder),
        _daemon(settings, daemon),
        *(() if daemon else _ports(settings)),
    ]


def _mode(settings: Settings) -> Finding:
    why = {
        Mode.PAPER_LOCAL: "no keys are set, so the exchange on this machine",
        Mode.PAPER: "ALPACA_API_KEY and ALPACA_SECRET_KEY are set (not shown)",
        Mode.LIVE: "both live switches are set",
    }[settings.mode]
    where = "with" if ENV_FILE.exists() else "without"
    return ok("mode", f"{settings.mode.value}: {why}; {where} {ENV_FILE}")


def _private(folder: StateFolder) -> list[Finding]:
    found = [ok("state", f"{folder.desk} is writable")]
    wanted = {
        folder.home: PRIVATE_FOLDER,
        folder.tokens: PRIVATE_FILE,
        folder.approvals: PRIVATE_FILE,
        folder.exchange / "keys.json": PRIVATE_FILE,
    }
    for path, mode in wanted.items():
        if path.exists() and path.stat().st_mode & 0o077:
            text = f"others can read {path}. Next: run chmod {mode:o} on it."
            found.append(fail("private", text))
    return found


def _disk(folder: StateFolder) -> Finding:
    free = shutil.disk_usage(folder.home).free
    text = f"{free / 1e9:.1f} GB free in {folder.home}"
    return ok("disk", text) if free > DISK_MIN else warn("disk", f"{text}. Next: make room.")


def _kill_switch(folder: StateFolder) -> Finding:
    if kill.is_set(folder.home, folder.database):
        remedy = f"a person releases it with '{COMMAND} kill --release'"
        return warn("kill", f"set: no position is opened. Next: {remedy}.")
    return ok("kill", "not set")


def _daemon(settings: Settings, daemon: Daemon | None) -> Finding:
    if daemon is None:
        return ok("daemon", "not running; a host's bridge, or 'serve', starts it")
    try:
        daemon.require_same(settings)
    except DaemonDiffers as e:
        return fail("daemon", f"{e}. Next: {e.remedy}.")
    return ok("daemon", f"pid {daemon.pid} at {daemon.url}, with these settings")


def _ports(settings: Settings) -> list[Finding]:
    found = []
    for name, port in (("PORT", settings.port), ("PROMETHEUS_PORT", settings.prometheus_port)):
        with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as e:
                text = f"{settings.host}:{port} cannot be used ({e.strerror})"
                remedy = f"'serve' needs another {name}; a host's bridge takes any free port"
                found.append(warn("port", f"{text}. Next: {remedy}."))
            else:
                found.append(ok("port", f"{name} {port} is free"))
    return found
