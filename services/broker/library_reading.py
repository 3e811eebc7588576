"""Where an answer is read: a page at once, a year of bars in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from common.errors import BrokerUnavailable
from services.broker.fields import Unreadable

T = TypeVar("T")

INLINE_MAX: Final = 200  # rows: two milliseconds, less than a thread's turn costs


async def read_rows(read: Callable[..., T], *args: Any) -> T:
    """Read an answer, the first of the arguments; raise BrokerUnavailable when it cannot be."""
    try:
        if _rows_in(args[0]) <= INLINE_MAX:
            return read(*args)
        return await asyncio.to_thread(read, *args)
    except (Unreadable, LookupError, TypeError, AttributeError) as e:
        raise BrokerUnavailable(f"the broker's answer cannot be read: {e}") from e


def _rows_in(body: Any) -> int:
    """Return about how many rows an answer holds."""
    if not isinstance(body, dict):
        return len(body) if isinstance(body, list) else 1
    return sum(len(part) if isinstance(part, list) else 1 for part in body.values())
