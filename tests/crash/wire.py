"""The wire to the exchange, held in the hand: slow, and cut when and where we like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum
from random import Random
from urllib.parse import urlsplit

CHUNK = 65_536
POST = b"POST /v2/orders "


class Hold(Enum):
    """Which part of the next order's exchange stays on the wire until it is released."""

    NOTHING = "nothing"
    REQUEST = "request"  # the broker does not hear of it
    REPLY = "reply"  # the broker took it and says so to nobody


class Wire:
    """A TCP proxy to one address. posts: orders that were sent over it so far.

    lag: seconds that what the exchange says is on its way at most; what is on its way when
    the wire is cut is lost, as the last words of a machine that loses its power are. on_post
    is told each order just before it goes over.
    """

    def __init__(
        self,
        target: str,
        lag: float = 0.0,
        random: Random | None = None,
        on_post: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._on_post = on_post
        self._lag = lag
        self._random = random or Random(0)
        self._hold = Hold.NOTHING
        self._released = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()
        self.caught = asyncio.Event()
        self.posts = 0
        self.url = ""
        self._server: asyncio.Server | None = None
        self._aim(target)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Wire]:
        """Listen on a free port, as long as the block lasts and the wire is not cut."""
        await self._listen(0)
        try:
            yield self
        finally:
            await self.cut()

    async def cut(self) -> None:
        """Take no connection and end every one there is, with all that is on its way."""
        if self._server is not None:
            self._server.close()
        for pump in (pumps := tuple(self._pumps)):
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def lead_to(self, target: str) -> None:
        """Listen again where we did before, for an exchange that has come back elsewhere."""
        self._aim(target)
        await self._listen(urlsplit(self.url).port or 0)

    def _aim(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = parts.hostname or "127.0.0.1", parts.port or 0

    async def _listen(self, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

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
                    self._on_post(data)
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
            await asyncio.sleep(self._random.uniform(0.0, self._lag))
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
