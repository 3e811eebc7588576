"""The host's side of a bridge: frames, a line each, on the pipes a host started us with."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import threading
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

_ANSWER = re.compile(rb'\{"jsonrpc":"2\.0","id":(?P<id>\d{1,18}|"[^"\\]{0,200}"),"result":.*\}\n\Z')

CHUNK = 65_536
QUEUE_MAX = 1_000  # lines that may wait to be carried


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it came, and the little of it that a bridge must understand."""

    line: bytes  # with its line end
    method: str | None
    id: Any
    cancels: Any = None  # the request that a notifications/cancelled names

    @property
    def asks(self) -> bool:
        """Whether somebody waits for an answer to it."""
        return self.method is not None and self.id is not None

    @property
    def answers(self) -> bool:
        """Whether it is an answer."""
        return self.method is None and self.id is not None


def frame_of(line: bytes) -> Frame | None:
    """Return the frame of a line; None for what is none.

    An answer of our own daemon says first what it answers: the rest of it need not be read.
    """
    if (answer := _ANSWER.match(line)) is not None:
        return Frame(line=line, method=None, id=json.loads(answer["id"]))
    try:
        body = json.loads(line)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    method, params = body.get("method"), body.get("params")
    request_id = body.get("id")
    return Frame(
        line=line if line.endswith(b"\n") else line + b"\n",
        method=method if isinstance(method, str) else None,
        id=request_id if isinstance(request_id, str | int) else None,
        cancels=params.get("requestId") if isinstance(params, dict) else None,
    )


class Host:
    """Reads and writes frames without blocking the loop. None read is the end."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._room = threading.Semaphore(QUEUE_MAX)
        threading.Thread(target=self._listen, name="host", daemon=True).start()

    @classmethod
    def of_stdio(cls) -> Host:
        """Take stdin and stdout; what else is printed goes to stderr from here on."""
        outgoing = os.dup(1)
        os.dup2(2, 1)
        return cls(0, outgoing)

    async def read(self) -> Frame | None:
        """Return the next frame that can be read, None when the host has closed its end."""
        while (line := await self._lines.get()) is not None:
            self._room.release()
            if not line.strip():
                continue
            if (frame := frame_of(line)) is not None:
                return frame
            log.warning("a frame of the host could not be read: %.80r", line)
        self._lines.put_nowait(None)  # for whoever asks again
        return None

    async def write(self, line: bytes) -> None:
        """Write a line; waits in a thread where the host reads slower than it is told."""
        await self._loop.run_in_executor(None, _written, self._outgoing, line)

    def _listen(self) -> None:
        """Read lines for ever, in a thread: stdin may be a pipe, a file or a terminal."""
        rest = b""
        while chunk := _chunk(self._incoming):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._room.acquire()
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
        self._loop.call_soon_threadsafe(self._lines.put_nowait, None)


def _chunk(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except OSError:
        return b""


def _written(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]
