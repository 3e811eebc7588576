"""The product as it is handed out: a wheel in an environment of its own, and a bundle unpacked."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from scripts import bundle
from tests.tidy.sources import ROOT, files

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what git has: a build leaves its traces in the folder."""
    source = tmp_path_factory.mktemp("source")
    wanted = (*bundle.PACKAGES, bundle.ENTRYPOINT, "pyproject.toml", "requirements.in", "README.md")
    for name in files():
        if name.split("/")[0] in wanted:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    folder = tmp_path_factory.mktemp("dist")
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [*PIP, "wheel", "--quiet", *offline, "--wheel-dir", folder, source],
        check=True,
        capture_output=True,
    )
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of the wheel in an environment that has our packages, not our sources."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [*PIP, "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel],
        check=True,
        capture_output=True,
    )
    [site] = folder.glob("lib/*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "zero-dte-desk"


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, unpacked as a host does it, into a folder with a blank in its name."""
    folder = tmp_path_factory.mktemp("Claude Extensions ")
    with zipfile.ZipFile(bundle.pack(folder)) as packed:
        packed.extractall(folder / "desk")
    return folder / "desk"
