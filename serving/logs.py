"""Where each process logs: never to stdout, which belongs to frames and answers."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from serving.state import PRIVATE_FILE

FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
FULL = 5_000_000  # bytes after which a log starts anew, the old one kept as .1
CHATTY = ("asyncio", "httpcore2", "httpx2", "mcp", "picows", "sse_starlette", "uvicorn")


def configure(level: str, file: Path | None = None) -> None:
    """Log to stderr, and to a file when one is given. To be called once, before anything logs."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None:
        start_anew_when_full(file)
        file.touch(PRIVATE_FILE)
        handlers.append(logging.FileHandler(file, encoding="utf-8"))
    logging.basicConfig(level=level.upper(), format=FORMAT, handlers=handlers, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger("uvicorn.error").addFilter(_is_no_cut_stream)


def _is_no_cut_stream(record: logging.LogRecord) -> bool:
    """Drop the traces of streams which are cut when a server stops: that is how they end."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


def start_anew_when_full(file: Path) -> None:
    """Put a log aside when it is large; processes that hold it open write on to the old one."""
    try:
        if file.stat().st_size > FULL:
            file.replace(file.with_name(f"{file.name}.1"))
    except FileNotFoundError:
        return


def last_words(file: Path) -> str:
    """Return the last line that says something, for the message of whoever waited in vain."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "it left no log"
    return next((line for line in reversed(lines) if line.strip()), "it left no log")
