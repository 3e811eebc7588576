"""Pages of what the broker tells in one piece."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from services.broker.published import Found

T = TypeVar("T")


def page(found: Found[T], key: Callable[[T], str], limit: int, cursor: str | None) -> Found[T]:
    """Return the rows after a cursor, which is the key of the last row shown before.

    A row that comes or goes in between neither repeats nor hides another.
    """
    rows = sorted(found.rows, key=key)
    begin = 0 if cursor is None else bisect_right(rows, cursor, key=key)
    shown = tuple(rows[begin : begin + limit])
    more = begin + limit < len(rows)
    return replace(found, rows=shown, total=len(rows), cursor=key(shown[-1]) if more else None)
