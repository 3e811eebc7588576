"""Frames on their way to one client: bounded, so that a slow one cannot fill our memory."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from starlette.websockets import WebSocket

FRAMES_MAX: Final = 1024


class Outbox:
    """A queue with one reader. Past its bound it is overrun for good and keeps nothing."""

    def __init__(self, *, binary: bool, frames_max: int = FRAMES_MAX) -> None:
        self._binary = binary
        self._frames: deque[bytes] = deque()
        self._frames_max = frames_max
        self._changed = asyncio.Event()
        self._closed = False
        self.overrun = False  # the client was too slow

    def put(self, frame: bytes) -> None:
        """Queue a frame, or be overrun when there are too many."""
        if self._closed:
            return
        if len(self._frames) < self._frames_max:
            self._frames.append(frame)
            self._changed.set()
        else:
            self.overrun = True
            self._frames.clear()
            self.close()

    def close(self) -> None:
        """Take no more; pump returns once what is queued has been sent."""
        self._closed = True
        self._changed.set()

    async def pump(self, socket: WebSocket) -> None:
        """Send what is queued, in order, until closed."""
        while not self._closed or self._frames:
            if self._frames:
                await self.send(socket, self._frames.popleft())
            else:
                self._changed.clear()
                await self._changed.wait()

    async def send(self, socket: WebSocket, frame: bytes) -> None:
        """Send one frame now, in the kind of frame the codec uses."""
        if self._binary:
            await socket.send_bytes(frame)
        else:
            await socket.send_text(frame.decode())
