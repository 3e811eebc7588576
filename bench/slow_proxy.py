"""A proxy that puts a broker far away: what a client sends arrives that much later.

    python -m bench.slow_proxy PORT SECONDS      prints its own port, forwards to PORT

Bytes, not HTTP: a call costs its own time and the delay once, however many are under way,
and streams pass. Replies are not held, so that a reply in pieces is not delayed twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from urllib.parse import urlsplit

CHUNK = 65_536


async def serve(port: int, delay: float) -> None:
    """Forward every connection, until killed."""

    async def forward(reader: StreamReader, writer: StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, there_writer, delay))
            both.create_task(_pump(there_reader, writer, 0.0))

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pump(reader: StreamReader, writer: StreamWriter, delay: float) -> None:
    """Pass bytes on, each chunk delayed by itself: a later one does not wait longer for it."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            loop.call_later(delay, writer.write, data) if delay else writer.write(data)
            await writer.drain()
    await asyncio.sleep(delay)
    writer.close()


@contextlib.contextmanager
def slow_proxy(url: str, delay: float) -> Iterator[str]:
    """Start a proxy before a URL; give the URL to use instead."""
    command = [sys.executable, "-m", "bench.slow_proxy", str(urlsplit(url).port), str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
