"""Single values of the broker's JSON. What cannot be read raises Unreadable: never a guess.

Numbers come as strings from the trading API and as floats from the data API; both go
through Decimal(str(x)), which keeps what was written.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

from common.money import parse_decimal

P = ParamSpec("P")
T = TypeVar("T")
Json: TypeAlias = Mapping[str, Any]

TEXT_MAX: Final = 300  # characters kept of a text that somebody else wrote
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_:+-]{0,127}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


class Unreadable(ValueError):
    """A message of the broker that does not say what it must."""


def reads(what: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Turn whatever malformed JSON makes a reader trip over into Unreadable."""

    def wrap(read: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(read)
        def reading(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return read(*args, **kwargs)
            except Unreadable:
                raise
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as e:
                raise Unreadable(f"unreadable {what}: {type(e).__name__} {e!s:.120}") from e

        return reading

    return wrap


def decimal(value: object) -> Decimal:
    """Read a finite number from text or a JSON number."""
    return parse_decimal(value)


def optional(value: object) -> Decimal | None:
    """Read a number that may be null or empty."""
    return None if value is None or value == "" else parse_decimal(value)


def instant(value: str) -> datetime:
    """Read an RFC 3339 time with up to nine decimals of a second, as UTC."""
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise Unreadable(f"a time without a zone: {value!r:.40}")
    return at.astimezone(UTC)


def text(value: object) -> str:
    """Read a text that is there."""
    if not isinstance(value, str) or not value:
        raise Unreadable(f"not a text: {value!r:.40}")
    return value


def word(value: object) -> str:
    """Read a name that a machine made, a symbol or an id: no sentence can pass for one."""
    if _WORD.fullmatch(text(value)) is None:
        raise Unreadable(f"not a name: {value!r:.40}")
    return str(value)


def quoted(value: object) -> str:
    """Return somebody else's words on one line, shortened, without control characters."""
    return _UNPRINTABLE.sub(" ", str(value)).strip()[:TEXT_MAX]


def refusal_text(body: object) -> str:
    """Return the reason in an error body: the message verbatim, then its figures.

    {"code": 40310000, "message": "insufficient buying power", "buying_power": "12"}
    reads "insufficient buying power (buying_power 12)".
    """
    if not isinstance(body, Mapping):
        return quoted(body or "")
    message = quoted(body.get("message", ""))
    figures = ", ".join(
        f"{quoted(name)} {quoted(value)}"
        for name, value in body.items()
        if name not in {"code", "message"} and isinstance(value, str | int | float)
    )
    return f"{message} ({figures})"[:TEXT_MAX] if figures else message
