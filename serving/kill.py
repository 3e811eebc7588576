"""The kill command: standard library only, so that it latches before anything imports.

Sets both gates of every desk under the state folder: the sentinel file, which works with
the database locked or the disk full, and the halt row of each database it can reach in
time. Releasing takes a person at a terminal.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from common.place import COMMAND, ENV_FILE, HOME

SENTINEL = "KILL"
LOCKED_FOR = 0.05  # seconds to wait for a locked database; the sentinel already holds

PHRASE = "RELEASE"


def main(arguments: list[str]) -> int:
    """Run 'kill' or 'kill --release'; return the exit code."""
    if arguments not in ([], ["--release"]):
        _say(f"usage: {COMMAND} kill [--release]")
        return 2
    home = state_home()
    return release(home) if arguments else engage(home)


def engage(home: Path) -> int:
    """Latch every gate under a state folder; return 0 when at least the file holds."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(home / SENTINEL, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as e:
        _say(f"[state_unwritable] the kill sentinel could not be written: {e}")
        return 1
    missed = [path for path in _databases(home) if not _write(path, "halted", "kill command")]
    _say(f"KILLED. No desk under {home} opens a position. Working orders and positions stay:")
    _say(f"  {COMMAND} tools call flatten_all     closes them")
    _say(f"  {COMMAND} kill --release             lets trading open again")
    for path in missed:
        _say(f"  note: {path} was locked; the sentinel file alone holds it")
    return 0


def release(home: Path) -> int:
    """Open every gate again, if a person at a terminal says so."""
    if not sys.stdin.isatty():
        _say("[release_refused] only a person releases the kill switch, at a terminal.")
        return 1
    _say(f"Trading under {home} may open positions again. Type {PHRASE} to release:")
    if sys.stdin.readline().strip() != PHRASE:
        _say("Not released.")
        return 1
    for path in _databases(home):
        if not _write(path, "active", "released at a terminal"):
            _say(f"[locked] {path} could not be written; try again. Still halted.")
            return 1
    (home / SENTINEL).unlink(missing_ok=True)
    _say("Released.")
    for path in _databases(home):
        for reason in _latched(path):
            _say(f"  note: {path.parent.name} stays halted of itself: {reason}")
    return 0


def is_set(home: Path, database: Path) -> bool:
    """Tell whether either gate of a desk is set; what cannot be read counts as set."""
    if os.path.lexists(home / SENTINEL):
        return True
    if not database.exists():
        return False
    import sqlite3

    try:
        db = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=LOCKED_FOR)
        try:
            row = db.execute("SELECT halt FROM halt WHERE id=1").fetchone()
        finally:
            db.close()
    except sqlite3.Error:
        return True
    return row is not None and row[0] == "halted"


def state_home() -> Path:
    """Return the state folder as the settings would: environment, .env, default."""
    environment = {name.upper(): value for name, value in os.environ.items()}
    configured = environment.get("STATE_DIR") or _from_env_file("STATE_DIR") or HOME
    return Path(configured).expanduser().absolute()


def _from_env_file(name: str) -> str | None:
    try:
        lines = ENV_FILE.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = None
    for line in lines:  # the last one counts, as it does for the settings
        key, _, value = line.partition("=")
        if key.strip().removeprefix("export ").strip().upper() == name:
            found = _unquoted(value.strip())
    return found or None


def _unquoted(value: str) -> str:
    if value[:1] in {"'", '"'}:
        return value[1:].partition(value[0])[0]
    return "" if value.startswith("#") else value.partition(" #")[0].strip()


def _databases(home: Path) -> list[Path]:
    return sorted(home.glob("*/desk.sqlite"))


def _write(path: Path, halt: str, reason: str) -> bool:
    import sqlite3  # late: the file has latched before the database driver is loaded
    from datetime import UTC, datetime

    now = datetime.now(UTC).isoformat()
    try:
        db = sqlite3.connect(path, timeout=LOCKED_FOR, isolation_level=None)
        try:
            db.execute(
                "INSERT OR REPLACE INTO halt VALUES (1,?,?,?,?)", (halt, "person", reason, now)
            )
        finally:
            db.close()
    except sqlite3.Error:
        return False
    return True


def _latched(path: Path) -> list[str]:
    """Return why a desk halts itself: that goes with its cause, and not by a release."""
    import sqlite3

    try:
        db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=LOCKED_FOR)
        try:
            rows = db.execute("SELECT reason FROM latches WHERE halt != 'active'").fetchall()
        finally:
            db.close()
    except sqlite3.Error:
        return []
    return [str(reason) for (reason,) in rows]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
