"""Cold starts: the kill command to its latch, and a host's first answer from the bridge.

Every sample is a new process, as a person or a host starts it. The kill command is timed to
the change time of the sentinel file it leaves, and to its end, when the database row is
written too. The bridge is timed to its answer to initialize.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.daemon import command, environment, release
from bench.rows import Row
from common.place import ENTRYPOINT

ROUNDS = 15
COLD_ROUNDS = 3
LATCH_MOST = 100.0  # ms
ANSWER_MOST = 1.5  # seconds, with a daemon running
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    },
}


def rows() -> list[Row]:
    """Measure on one state folder: bridges that start everything, then with it running."""
    with tempfile.TemporaryDirectory(prefix="bench-start-") as home:
        given = environment({"state_dir": home, "port": "0", "prometheus_port": "0"})
        cold = []
        for _ in range(COLD_ROUNDS):
            command("stop", given)
            cold.append(_first_answer(given))
        try:
            warm = [_first_answer(given) for _ in range(ROUNDS)]
            latched, ended = zip(*(_killed(given, Path(home)) for _ in range(ROUNDS)), strict=True)
        finally:
            command("stop", given)
    bare = [_timed([sys.executable, "-c", "pass"], given) for _ in range(ROUNDS)]
    return [
        Row.of("an interpreter that does nothing", bare, "ms"),
        Row.of("kill command, to the sentinel", latched, "ms", at_most=LATCH_MOST),
        Row.of("kill command, to its end", ended, "ms", "the database row written too"),
        Row.of("bridge to its first answer", warm, "s", "daemon running", at_most=ANSWER_MOST),
        Row.of("bridge to its first answer", cold, "s", "starting daemon and exchange first"),
    ]


def _first_answer(given: dict[str, str]) -> float:
    """Return the seconds from starting a bridge to its answer to initialize."""
    start = time.perf_counter()
    with _bridge(given) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(INITIALIZE) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        taken = time.perf_counter() - start
    if "result" not in answer:
        raise RuntimeError(f"initialize: {answer}")
    return taken


@contextmanager
def _bridge(given: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(ENTRYPOINT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=given,
        text=True,
    ) as process:
        yield process  # leaving closes its stdin, which ends it


def _killed(given: dict[str, str], home: Path) -> tuple[float, float]:
    """Return the ms from starting the kill command to the sentinel, and to its end."""
    start = time.time_ns()
    command("kill", given)
    ended = time.time_ns()
    latched = (home / "KILL").stat().st_mtime_ns
    release(given)
    return (latched - start) / 1e6, (ended - start) / 1e6


def _timed(program: list[str], given: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(program, env=given, check=True)
    return (time.perf_counter() - start) * 1e3
