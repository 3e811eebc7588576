"""The wire between the desk and its broker, held in the hand: one order's way can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit

CHUNK = 65_536
POST = b"POST /v2/orders "


class Hold(Enum):
    """Which part of the next order's exchange stays on the wire until it is released."""

    NOTHING = "nothing"
    REQUEST = "request"  # the broker does not hear of it
    REPLY = "reply"  # the broker took it and says so to nobody


class Wire:
    """A TCP proxy to one address. posts: orders that the desk has sent so far."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = parts.hostname or "", parts.port or 0
        self._hold = Hold.NOTHING
        self._released = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()
        self.caught = asyncio.Event()
        self.posts = 0
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def to(cls, target: str) -> AsyncIterator[Wire]:
        """Listen on a free port as long as the block lasts."""
        wire = cls(target)
        server = await asyncio.start_server(wire._serve, "127.0.0.1", 0)
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield wire
        finally:
            server.close()
            for pump in (pumps := tuple(wire._pumps)):
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    def hold(self, what: Hold) -> None:
        """Catch the next order; caught is set once what was to be held is here."""
        self._hold = what
        self.caught.clear()
        self._released.clear()

    def release(self) -> None:
        """Let what is held go on its way, whoever still waits for it."""
        self._released.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        far_writer: asyncio.StreamWriter | None = None
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            holding = asyncio.Event()  # the reply to come is to be held
            await asyncio.gather(
                self._requests(reader, far_writer, holding),
                self._replies(far_reader, writer, holding),
            )
        except (OSError, asyncio.CancelledError):
            pass  # either end may leave at any moment
        finally:
            for end in (writer, far_writer):
                if end is not None:
                    end.transport.abort()
            self._pumps.discard(task)

    async def _requests(
        self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, holding: asyncio.Event
    ) -> None:
        try:
            while data := await reader.read(CHUNK):
                if data.startswith(POST):
                    data = await _whole(data, reader)
                    self.posts += 1
                    hold, self._hold = self._hold, Hold.NOTHING
                    if hold is Hold.REQUEST:
                        await self._land_late(data)
                        break
                    if hold is Hold.REPLY:
                        holding.set()
                far.write(data)
                await far.drain()
        finally:
            if not holding.is_set():
                far.close()

    async def _land_late(self, request: bytes) -> None:
        """Bring a request over once it is released, by whatever connection there is then."""
        self.caught.set()
        await self._released.wait()
        reader, writer = await asyncio.open_connection(*self._target)
        writer.write(request)
        await reader.read(CHUNK)
        writer.close()

    async def _replies(
        self, far: asyncio.StreamReader, writer: asyncio.StreamWriter, holding: asyncio.Event
    ) -> None:
        while data := await far.read(CHUNK):
            if holding.is_set():
                self.caught.set()
                await self._released.wait()
                holding.clear()
            with suppress(ConnectionError):  # the broker is heard out all the same
                writer.write(data)
                await writer.drain()
        writer.close()


async def _whole(data: bytes, reader: asyncio.StreamReader) -> bytes:
    """Read on until a request with its body is complete."""
    while b"\r\n\r\n" not in data:
        data += await reader.read(CHUNK)
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return data + await reader.readexactly(int(fields[b"content-length"]) - len(body))
