"""No silent skip and no account in reach: what tests/conftest.py promises of every test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.tidy.sources import ROOT

GOOD = """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="recorded data absent: quotes.msgpack")
def test_allowed(): pass

@pytest.mark.skip(reason="PostgreSQL is not installed")
def test_allowed_too(): pass
"""
BAD = """
import pytest

@pytest.fixture
def absent(): pytest.skip("not today")

def test_bad(): pytest.skip("not today")

def test_bad_fixture(absent): pass

@pytest.mark.xfail(reason="not today")
def test_bad_xfail(): assert False
"""
BAD_MODULE = "import pytest\npytest.skip('not today', allow_module_level=True)\n"


def suite(folder: Path, *modules: str, workers: int, **environ: str) -> tuple[int, str]:
    """Run a suite of its own under this repository's conftest; return (exit, output)."""
    (folder / "tests").mkdir()
    shutil.copytree(ROOT / "common", folder / "common")  # .env lies beside the code
    shutil.copy(ROOT / ".env.example", folder)  # the mark of a checkout
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / ".env.example", folder)  # what tells a checkout
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "tests")
    for number, module in enumerate(modules):
        (folder / "tests" / f"test_planted_{number}.py").write_text(module)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--dist", "loadfile"],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_allowed_skips_are_counted_with_their_reasons(tmp_path: Path) -> None:
    code, said = suite(tmp_path, GOOD, workers=2)

    assert code == 0
    assert "skipped: 2" in said
    assert "1 PostgreSQL is not installed" in said
    assert "1 recorded data absent: quotes.msgpack" in said


@pytest.mark.parametrize("workers", [0, 2])
def test_any_other_skip_of_a_test_fails(tmp_path: Path, workers: int) -> None:
    code, said = suite(tmp_path, GOOD, BAD, workers=workers)

    assert code == 1
    assert "2 failed, 1 passed, 2 skipped, 1 error" in said
    for name in ("test_bad", "test_bad_fixture", "test_bad_xfail"):
        assert f"{name}: unexpected skip" in said


def test_any_other_skip_of_a_module_fails(tmp_path: Path) -> None:
    code, said = suite(tmp_path, GOOD, BAD_MODULE, workers=2)

    assert code != 0
    assert "unexpected skip: not today" in said


def test_the_users_settings_do_not_reach_a_test(tmp_path: Path) -> None:
    planted = """
    import os
    from pathlib import Path

    def test_settings():
        assert not {"ALPACA_API_KEY", "MAX_DAILY_LOSS", "EXCHANGE__SEED"} & set(os.environ)
        assert Path.home() != Path("/somebody")
    """
    settings = {"ALPACA_API_KEY": "k", "MAX_DAILY_LOSS": "1", "EXCHANGE__SEED": "3"}

    code, said = suite(tmp_path, textwrap.dedent(planted), workers=2, HOME="/somebody", **settings)

    assert code == 0, said


@pytest.mark.parametrize(
    ("dotenv", "code"), [("MAX_DAILY_LOSS=500\n", 0), ("PORT=1\n", 4), ("ALPACA_LIVE=?\n", 4)]
)
def test_an_env_file_with_settings_of_its_own_is_refused(
    tmp_path: Path, dotenv: str, code: int
) -> None:
    (tmp_path / ".env").write_text(dotenv)

    exit_code, said = suite(tmp_path, GOOD, workers=0)

    assert exit_code == code
    assert ("Next: move .env aside" in said) is (code != 0)
