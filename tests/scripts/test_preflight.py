"""A machine that lacks something is told so in one line with a remedy, before anything runs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def preflight(tmp_path: Path, *, startup: str = "", **environ: str) -> tuple[int, str]:
    """Run the script under an interpreter that first executes startup; return (exit, stderr)."""
    (tmp_path / "sitecustomize.py").write_text(startup)
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "preflight.py"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(tmp_path),
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_good_machine_passes_in_silence_and_gets_a_private_state_folder(tmp_path: Path) -> None:
    assert preflight(tmp_path) == (0, "")
    assert (tmp_path / "home" / ".zero-dte-desk").stat().st_mode & 0o777 == 0o700


def test_state_dir_overrides_the_home_folder(tmp_path: Path) -> None:
    assert preflight(tmp_path, STATE_DIR=str(tmp_path / "elsewhere")) == (0, "")
    assert (tmp_path / "elsewhere").is_dir()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("startup", "says"),
    [
        ("import sys; sys.version_info = (3, 10, 4)", ["3.10.4", "make PYTHON="]),
        ("import sys; sys.modules['ensurepip'] = None", ["ensurepip", "apt install python3."]),
        ("import sys; sys.modules['venv'] = None", ["venv is missing", "apt install python3."]),
    ],
)
def test_a_python_that_will_not_do_is_one_line_with_a_remedy(
    tmp_path: Path, startup: str, says: list[str]
) -> None:
    code, said = preflight(tmp_path, startup=startup)

    assert code == 1
    [line] = said.splitlines()
    assert line.startswith("preflight: ")
    assert ". Next: " in line
    assert all(word in line for word in says)


def test_an_old_python_can_read_it() -> None:
    text = (ROOT / "scripts" / "preflight.py").read_text()
    tree = ast.parse(text, feature_version=(3, 6))
    assert "__future__" not in {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}


def test_a_newer_python_on_the_path_is_named(tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text("")
    newer.chmod(0o755)

    _, said = preflight(
        tmp_path, startup="import sys; sys.version_info = (3, 9, 0)", PATH=str(tmp_path)
    )

    assert "run make PYTHON=python3.12." in said


def test_a_state_folder_that_cannot_be_made_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    code, said = preflight(tmp_path, STATE_DIR=str(tmp_path / "file" / "state"))

    assert code == 1
    [line] = said.splitlines()
    assert str(tmp_path / "file" / "state") in line
    assert "Next: set STATE_DIR" in line


def test_a_state_folder_that_cannot_be_written_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    """The refusal is planted: permissions do not stop root, whom CI may run as."""
    refusing = tmp_path / "state"
    refusing.mkdir()
    startup = (
        "import tempfile\n"
        "def refuse(dir): raise PermissionError(13, 'Permission denied', str(dir))\n"
        "tempfile.TemporaryFile = refuse\n"
    )

    code, said = preflight(tmp_path, startup=startup, STATE_DIR=str(refusing))

    assert code == 1
    [line] = said.splitlines()
    assert f"{refusing} cannot be written (Permission denied)" in line


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    code, said = preflight(
        tmp_path,
        startup="import sys; sys.modules['ensurepip'] = None",
        STATE_DIR=str(tmp_path / "file"),
    )

    assert code == 1
    assert len(said.splitlines()) == 2
