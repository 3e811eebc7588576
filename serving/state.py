"""The state folder: one per user, with one subfolder per mode and account.

KILL                      the kill sentinel, over every desk below
tokens.json               bearer tokens, one per principal
exchange/                 the embedded exchange: database, keys, address, log
paper-local/              a desk: desk.sqlite, audit/, daemon.lock, approvals.url, logs
paper-1a2b3c4d/           another, of the account whose keys hash to that
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from common.config import VERSION, Mode, Settings
from common.errors import DaemonDiffers, StateUnwritable

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
TRIES = 5
BETWEEN_TRIES = 0.01  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """What a running daemon says of itself in its lock file."""

    pid: int
    version: str
    mode: str
    base_url: str
    account: str  # fingerprint, never a number or a key
    digest: str  # of the settings
    url: str  # MCP over HTTP
    link: int  # loopback port of the bridges' link
    health_url: str
    metrics_url: str

    def require_same(self, settings: Settings) -> None:
        """Raise DaemonDiffers unless these settings are what the daemon runs with."""
        ours = {
            "version": VERSION,
            "mode": settings.mode.value,
            "account": account_fingerprint(settings),
            "settings": settings.digest(),
        }
        theirs = {
            "version": self.version,
            "mode": self.mode,
            "account": self.account,
            "settings": self.digest,
        }
        differing = [name for name in ours if ours[name] != theirs[name]]
        if differing:
            raise DaemonDiffers(
                f"the running daemon (pid {self.pid}, mode {self.mode}) has another "
                f"{' and '.join(differing)} than this configuration"
            )


class StateFolder:
    """Paths of one desk, its folders made private, and the daemon's lock."""

    def __init__(self, settings: Settings) -> None:
        if not settings.state_dir.expanduser().is_absolute():
            raise StateUnwritable(
                f"STATE_DIR {settings.state_dir} is relative: every process would mean another",
                remedy="give STATE_DIR as an absolute path",
            )
        self.home = settings.state_home
        self.desk = self.home / desk_name(settings)
        self.exchange = self.home / "exchange"
        try:
            for folder in (self.home, self.desk, self.exchange):
                folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            probe = self.desk / f".writable.{os.getpid()}"  # bridges start in pairs
            probe.write_text("")
            probe.unlink(missing_ok=True)
        except OSError as e:
            raise StateUnwritable(f"the state folder {self.home} cannot be used: {e}") from e

    @property
    def sentinel(self) -> Path:
        """The kill sentinel."""
        return self.home / "KILL"

    @property
    def database(self) -> Path:
        """The desk's database."""
        return self.desk / "desk.sqlite"

    @property
    def lock(self) -> Path:
        """The daemon's lock file; the kernel frees the lock when it dies."""
        return self.desk / "daemon.lock"

    @property
    def tokens(self) -> Path:
        """The bearer tokens."""
        return self.home / "tokens.json"

    @property
    def approvals(self) -> Path:
        """The approval page's address, secret included, while a daemon serves one."""
        return self.desk / "approvals.url"

    def running(self) -> Daemon | None:
        """Return the daemon that holds the lock; None when none does or it is starting."""
        if not is_locked(self.lock):
            return None
        try:
            return Daemon(**json.loads(self.lock.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def left_in_order(self) -> bool:
        """Tell whether the last daemon stopped by itself: a killed one leaves its words."""
        try:
            return self.lock.stat().st_size == 0 and not is_locked(self.lock)
        except FileNotFoundError:
            return True


@contextmanager
def held(path: Path) -> Iterator[int | None]:
    """Hold an exclusive lock on a file; None instead of a descriptor when another does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        if not _locked_by_us(descriptor):
            yield None
            return
        os.ftruncate(descriptor, 0)
        yield descriptor
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _locked_by_us(descriptor: int) -> bool:
    """Take the lock; again for a moment, since is_locked of others holds it for microseconds."""
    for _ in range(TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(BETWEEN_TRIES)  # at most 50 ms, before any event loop runs jobs
        else:
            return True
    return False


def is_locked(path: Path) -> bool:
    """Tell whether some process holds the lock on a file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def publish(descriptor: int, daemon: Daemon) -> None:
    """Write what the daemon says of itself into its held lock file."""
    text = json.dumps(asdict(daemon)).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text, 0)


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically, readable by its owner only."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def desk_name(settings: Settings) -> str:
    """Return the desk's subfolder: the mode, and the account where it can differ."""
    if settings.mode is Mode.PAPER_LOCAL:
        return settings.mode.value
    return f"{settings.mode.value}-{account_fingerprint(settings)}"


def account_fingerprint(settings: Settings) -> str:
    """Return what tells accounts apart without naming one: a hash of key id and host."""
    if settings.alpaca_api_key is None:
        return "local"
    told = f"{settings.alpaca_api_key.get_secret_value()}|{settings.alpaca_base_url or ''}"
    return hashlib.sha256(told.encode()).hexdigest()[:8]
