"""Say what this machine lacks before anything is installed, one line and one remedy each.

Run by the system's python3, whatever its version: the standard library and syntax of 3.6, so
that an old Python reads far enough to hear that it is old.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Optional

OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def python_version() -> Optional[str]:
    """Return what is wrong with the version of this interpreter, or None."""
    if sys.version_info[:2] >= OLDEST:
        return None
    found = next((name for name in NEWER if shutil.which(name)), None)
    remedy = (
        f"run make PYTHON={found}" if found else "install a newer one and run make PYTHON=its path"
    )
    was = ".".join(map(str, sys.version_info[:3]))
    return f"Python 3.11 or newer is needed, {sys.executable} is {was}. Next: {remedy}."


def venv_module() -> Optional[str]:
    """Return what is wrong with venv (Debian and Ubuntu package it apart), or None."""
    try:
        import ensurepip  # noqa: F401 asked for here, so that its absence is an answer
        import venv  # noqa: F401
    except ImportError as missing:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        return (
            f"this Python cannot make virtual environments ({missing.name} is missing). "
            f"Next: sudo apt install {package} (or python3-venv), then run make again."
        )
    return None


def state_folder() -> Optional[str]:
    """Return what keeps the state folder from being written, or None; creates it, mode 0700."""
    folder = Path(os.environ.get("STATE_DIR") or Path.home() / ".zero-dte-desk").expanduser()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as refused:
        return (
            f"the state folder {folder} cannot be written ({refused.strerror}). "
            "Next: set STATE_DIR to a folder you own, or correct its permissions."
        )
    return None


def main() -> int:
    """Print every fault found; return 1 when there is one."""
    faults = [fault for fault in (python_version(), venv_module(), state_folder()) if fault]
    for fault in faults:
        print(f"preflight: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
