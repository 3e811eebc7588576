"""Finding the daemon of a configuration, or starting it; and stopping it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from common.clock import MonotonicClock, Stopwatch
from common.config import Settings
from common.errors import Misconfigured
from common.place import COMMAND, ENTRYPOINT, ROOT
from serving import logs
from serving.probe import answers
from serving.sibling import terminated
from serving.state import Daemon, StateFolder, is_locked

START_MAX = timedelta(seconds=40)
STOP_MAX = timedelta(seconds=10)  # a daemon takes its exchange down first
LOOK_AGAIN = 0.05  # seconds
# What a host sets for itself goes with its own token; the daemon is for all and reads .env alone.
OF_ONE = frozenset({"TOOLSETS", "READ_ONLY"})


def daemon_log(folder: StateFolder) -> Path:
    """Return where a daemon that nobody watches writes its log."""
    return folder.desk / "daemon.log"


async def find(folder: StateFolder) -> Daemon | None:
    """Return the daemon of a state folder if it answers."""
    daemon = folder.running()
    return daemon if daemon is not None and await alive(daemon) else None


async def find_or_start(settings: Settings, folder: StateFolder) -> Daemon:
    """Return the daemon of this configuration, starting it when none runs.

    Several callers may do so at once; the lock lets one daemon through. Raises
    DaemonDiffers when one with other settings runs, Misconfigured when none comes up.
    """
    watch = Stopwatch(MonotonicClock())
    started: subprocess.Popen[bytes] | None = None
    while watch.elapsed() < START_MAX:
        if daemon := await find(folder):
            daemon.require_same(settings)
            return daemon
        if started is None and not is_locked(folder.lock):
            started = _spawn(folder)
        elif started is not None and started.poll() is not None and not is_locked(folder.lock):
            break
        await asyncio.sleep(LOOK_AGAIN)
    raise Misconfigured(
        f"the daemon did not start: {logs.last_words(daemon_log(folder))}",
        remedy=f"read {daemon_log(folder)}, then run doctor",
    )


async def stop(folder: StateFolder) -> bool:
    """Stop the daemon of a state folder; return whether one was running."""
    wall = MonotonicClock()
    watch = Stopwatch(wall)
    while (daemon := folder.running()) is None:
        if not is_locked(folder.lock):
            return False
        if watch.elapsed() > START_MAX:  # it starts, or hangs before it could say its pid
            raise still_running(folder)
        await asyncio.sleep(LOOK_AGAIN)
    # The lock, not the pid: a daemon whose parent still lives stays as a zombie.
    if not await terminated(daemon.pid, lambda: folder.running() != daemon, wall, STOP_MAX):
        raise still_running(folder)
    return True


def still_running(folder: StateFolder) -> Misconfigured:
    """Return the error that a daemon keeps its lock."""
    return Misconfigured(
        f"a daemon still holds {folder.lock}",
        remedy=f"run '{COMMAND} stop' again, then doctor",
    )


def _spawn(folder: StateFolder) -> subprocess.Popen[bytes]:
    logs.start_anew_when_full(daemon_log(folder))
    with daemon_log(folder).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 our own file, our own interpreter
            [sys.executable, str(ENTRYPOINT), "serve", "--any-port"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name.upper() not in OF_ONE},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def alive(daemon: Daemon) -> bool:
    """Tell whether a daemon answers."""
    return await answers(f"{daemon.health_url}/live")
