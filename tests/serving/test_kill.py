"""The kill command: both gates, nothing that could fail to import, until a person says so."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from common.clock import SystemClock
from common.limits import Halt
from common.place import HOME
from services.execution.kill_switch import KillSwitch
from services.execution.store import DeskStore
from serving import kill
from tests.desk import ENTRYPOINT
from tests.serving.desk import WAIT, Desk


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DeskStore]:
    (tmp_path / "paper-local").mkdir()
    store = DeskStore(tmp_path / "paper-local" / "desk.sqlite")
    yield store
    await store.close()


@pytest.fixture
def switch(store: DeskStore, tmp_path: Path) -> KillSwitch:
    return KillSwitch(store, tmp_path / kill.SENTINEL, SystemClock())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def released_at_a_terminal(desk: Desk, typed: str) -> int:
    """Run kill --release on a terminal where somebody types; return the exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, ENTRYPOINT, "kill", "--release"],
        env=desk.environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
    )
    os.close(theirs)
    os.write(ours, typed.encode() + b"\n")
    process.communicate(timeout=WAIT)
    os.close(ours)
    return process.returncode


def test_it_sets_both_gates_and_only_a_person_opens_them(
    desk: Desk, store: DeskStore, switch: KillSwitch, tmp_path: Path
) -> None:
    assert switch.halt() is Halt.ACTIVE
    assert desk.run("kill").returncode == 0
    assert store.halt() is Halt.HALTED
    assert (tmp_path / kill.SENTINEL).exists()
    assert switch.halt() is Halt.HALTED

    piped = desk.run("kill", "--release")
    assert piped.returncode == 1
    assert "[release_refused]" in piped.stdout
    assert released_at_a_terminal(desk, "yes") == 1
    assert switch.halt() is Halt.HALTED

    assert released_at_a_terminal(desk, kill.PHRASE) == 0
    assert store.halt() is Halt.ACTIVE
    assert switch.halt() is Halt.ACTIVE


@pytest.mark.parametrize("gate", ["row", "file"])
def test_each_gate_alone_halts(
    store: DeskStore, switch: KillSwitch, tmp_path: Path, gate: str
) -> None:
    database = tmp_path / "paper-local" / "desk.sqlite"
    assert not kill.is_set(tmp_path, database)
    kill.engage(tmp_path)
    if gate == "row":
        (tmp_path / kill.SENTINEL).unlink()
    else:
        with sqlite3.connect(database) as db:
            db.execute("UPDATE halt SET halt='active'")
        db.close()
    assert switch.halt() is Halt.HALTED
    assert kill.is_set(tmp_path, database)


def test_a_locked_database_does_not_hold_it_up(
    store: DeskStore, switch: KillSwitch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocker = sqlite3.connect(tmp_path / "paper-local" / "desk.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        assert kill.engage(tmp_path) == 0
        assert switch.halt() is Halt.HALTED
        assert store.halt() is Halt.ACTIVE  # the row could not be had: the file alone holds
        assert "was locked" in capsys.readouterr().out
    finally:
        blocker.close()


def test_it_works_before_any_desk_ran(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "new")
    assert desk.run("kill").returncode == 0
    assert (desk.home / kill.SENTINEL).exists()


def test_it_says_so_when_it_could_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = Desk(tmp_path / "file" / "home").run("kill")
    assert done.returncode == 1
    assert "[state_unwritable]" in done.stdout


def test_it_imports_nothing_but_the_standard_library(desk: Desk) -> None:
    asked = (
        "import runpy, sys; sys.argv = ['alpaca_mcp_server.py', 'kill']\n"
        f"try: runpy.run_path({str(ENTRYPOINT)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "ours = {'serving', 'common'}\n"
        "print(*sorted({n.partition('.')[0] for n in sys.modules}"
        " - set(sys.stdlib_module_names) - ours - {'__main__'}"
        " | {n for n in sys.modules if n.startswith('common.')} - {'common.place'}), sep='\\n')"
    )
    clean = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.')\n{asked}"]
    done = subprocess.run(
        clean,
        cwd=ENTRYPOINT.parent,
        env=desk.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0].startswith("KILLED.")
    strangers = [line for line in done.stdout.splitlines()[3:] if line]
    assert strangers == []


@pytest.mark.parametrize(
    "line",
    ["STATE_DIR={}", "export STATE_DIR = '{}'", 'state_dir="{}" # here', "STATE_DIR={} # here"],
)
def test_it_finds_the_folder_that_the_settings_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / ".env").write_text("PORT=1\n" + line.format(tmp_path / "home") + "\n")
    monkeypatch.setattr(kill, "ENV_FILE", tmp_path / ".env")
    assert kill.state_home() == tmp_path / "home"
    monkeypatch.setenv("state_dir", str(tmp_path / "other"))  # settings ignore case too
    assert kill.state_home() == tmp_path / "other"


def test_a_line_without_a_value_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("STATE_DIR=   # nothing set\n")
    monkeypatch.setattr(kill, "ENV_FILE", tmp_path / ".env")
    assert kill.state_home() == Path(HOME).expanduser()


def test_its_default_is_the_settings_default(monkeypatch: pytest.MonkeyPatch) -> None:
    from common.config import Settings

    monkeypatch.setattr(kill, "ENV_FILE", Path("/nonexistent/.env"))
    assert kill.state_home() == Settings(_env_file=None).state_home
