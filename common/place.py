"""Where this product lies and what a person types to run it: standard library only.

It runs from a checkout or an image, installed as a package, or unpacked from a host's bundle.
What is installed or unpacked is replaced by the next version, so nobody's settings lie there.
"""

from __future__ import annotations

import os.path
import sys
from pathlib import Path

NAME = "zero-dte-desk"
ROOT = Path(__file__).resolve().parent.parent
ENTRYPOINT = ROOT / "alpaca_mcp_server.py"
HOME = f"~/.{NAME}"  # the state folder, unless STATE_DIR says another


def env_file(root: Path) -> Path:
    """Return the file of settings: beside the code in a checkout, else in the user's folder."""
    if (root / ".env.example").exists():
        return root / ".env"
    return Path(os.path.expanduser(HOME), ".env")  # of a Path it would fail without any home


def command(root: Path, python: str) -> str:
    """Return what comes before 'doctor' or 'kill --release' at a terminal."""
    if root.name in {"site-packages", "dist-packages"}:
        return NAME
    if (root / "manifest.json").exists():
        return f'"{python}" "{root / ENTRYPOINT.name}"'
    return f"python {ENTRYPOINT.name}"


ENV_FILE = env_file(ROOT)  # absolute: hosts start us in any folder
COMMAND = command(ROOT, sys.executable)
