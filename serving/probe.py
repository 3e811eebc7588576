"""Whether a process of ours answers: asked by hand, so that no bridge loads an HTTP client."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

ANSWER_MAX: Final = 2.0  # seconds


async def answers(url: str) -> bool:
    """Tell whether a GET of an http URL is answered 200 in time; a live process may hang."""
    at = urlsplit(url)
    try:
        async with asyncio.timeout(ANSWER_MAX):
            reader, writer = await asyncio.open_connection(at.hostname, at.port)
            try:
                writer.write(f"GET {at.path} HTTP/1.0\r\nHost: {at.netloc}\r\n\r\n".encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] == [b"200"]
