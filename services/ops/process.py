"""What this process uses of its machine."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUse:
    """One moment. Memory and disk in megabytes; memory now is None where the system tells none."""

    cpu_seconds: float
    memory: float | None
    memory_peak: float
    threads: int
    disk_free: float


def process_use(folder: Path) -> ProcessUse:
    """Return what is used now; folder: on the disk that matters."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return ProcessUse(
        cpu_seconds=used.ru_utime + used.ru_stime,
        memory=_resident(),
        memory_peak=used.ru_maxrss * unit / _MEGABYTE,
        threads=threading.active_count(),
        disk_free=shutil.disk_usage(folder).free / _MEGABYTE,
    )


def _resident() -> float | None:
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):  # no Linux
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE
