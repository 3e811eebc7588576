"""No answer longer than a model should read: rows beyond are left out, counted, and said so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

ANSWER_MAX: Final = 18_000  # bytes of JSON; news of the desk may follow, 20 kB in all
ERROR_MAX: Final = 4_000  # characters
UTF8_MAX: Final = 4  # bytes of a character

Object = dict[str, Any]


def text_of(answer: Any) -> str:
    """Return JSON without white space."""
    return msgspec.json.encode(answer).decode()


def capped(answer: Object) -> Object:
    """Return an answer cut to what may be read, the tail of its longest lists left out.

    A cut answer says truncated, and in left_out how many rows of which list are shown. A
    cursor would lead past what was left out, so it goes: Pages asks for fewer rows instead.
    """
    if _size(answer) <= ANSWER_MAX:
        return answer
    cut: Object = json.loads(text_of(answer)) | {"truncated": True, "left_out": []}
    if "next_cursor" in cut:
        cut["next_cursor"] = None
    while _size(cut) > ANSWER_MAX:
        found = max(_lists(cut), key=lambda one: _size(one[1]), default=None)
        if found is None or len(found[1]) == 0:
            raise ValueError(f"an answer of {_size(cut)} bytes has nothing to leave out")
        name, rows = found
        kept, total = _fitting(rows, _size(cut) - ANSWER_MAX), len(rows)
        del rows[kept:]
        cut["left_out"].append(f"{name}: {kept} of {total} shown; narrow what you ask for")
    return cut


def page_that_fits(answer: Any) -> int | None:
    """Return how many rows of a page may be read; None for what fits or is no page."""
    if not isinstance(answer, dict) or "next_cursor" not in answer:
        return None
    excess = _size(answer) - ANSWER_MAX
    rows = max((rows for _, rows in _lists(answer)), key=_size, default=[])
    return max(_fitting(rows, excess), 1) if excess > 0 and len(rows) > 1 else None


def _fitting(rows: list[Any], excess: int) -> int:
    """Return how many rows stay when at least excess bytes and room for the note must go."""
    kept, gone = len(rows), -120
    while kept and gone < excess:
        kept -= 1
        gone += _size(rows[kept]) + 1
    return kept


def _lists(node: Any, name: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yield every list of an answer that may be cut, with the name it goes by."""
    if isinstance(node, list):
        yield name, node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key != "left_out":
                yield from _lists(value, key)


def _size(answer: Any) -> int:
    return len(msgspec.json.encode(answer))
