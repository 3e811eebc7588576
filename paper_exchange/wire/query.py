"""Read query parameters as Alpaca does, naming the parameter in every refusal."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from common.money import parse_decimal
from common.session import new_york
from paper_exchange.wire.errors import BadParameter

_TRUE = frozenset({"true", "1", "t", "yes"})
_FALSE = frozenset({"false", "0", "f", "no"})


class Query:
    """The query string of one request; every reader raises BadParameter."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str) -> str | None:
        """Return a parameter, None when absent or empty."""
        return self._values.get(name) or None

    def required(self, name: str) -> str:
        """Return a parameter that must be there."""
        value = self.text(name)
        if value is None:
            raise BadParameter(f"{name} is required")
        return value

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """Return one of the choices, in lower case."""
        value = (self.text(name) or default).lower()
        if value not in choices:
            raise BadParameter(f"invalid {name}: must be one of {', '.join(choices)}")
        return value

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number within bounds."""
        value = self.text(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or not low <= int(value[:9]) <= high:
            raise BadParameter(f"invalid {name}: must be between {low} and {high}")
        return int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean, in any letter case."""
        value = self.text(name)
        if value is None:
            return default
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        raise BadParameter(f"invalid {name}: must be true or false")

    def decimal(self, name: str) -> Decimal | None:
        """Return a finite number, None when absent."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse_decimal(value)
        except ValueError:
            raise BadParameter(f"invalid {name}: not a number") from None

    def symbols(self, name: str = "symbols") -> tuple[str, ...]:
        """Return a comma-separated list in upper case, without repeats, in its order."""
        value = self.text(name) or ""
        parts = (part.strip().upper() for part in value.split(","))
        return tuple(dict.fromkeys(part for part in parts if part))

    def day(self, name: str) -> date | None:
        """Return a calendar date; of a timestamp, its date."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            raise BadParameter(f"invalid {name}: must be a date as 2026-11-20") from None

    def instant(self, name: str, *, end_of_day: bool = False) -> datetime | None:
        """Return a time; a bare date is New York's midnight, or the last moment of that day."""
        value = self.text(name)
        if value is None:
            return None
        try:
            if len(value) == len("2026-11-20"):
                day = date.fromisoformat(value)
                return new_york(day, time.max if end_of_day else time.min)
            at = datetime.fromisoformat(value.replace(" ", "+"))  # an unescaped + arrives so
        except ValueError:
            raise BadParameter(f"invalid {name}: must be a date or an RFC 3339 time") from None
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def page_token(position: str) -> str:
    """Return an opaque token that stands for a position in a listing."""
    return base64.b64encode(position.encode()).decode()


def page_position(query: Query) -> str | None:
    """Return the position a page_token stands for, None without one."""
    token = query.text("page_token")
    if token is None:
        return None
    try:
        return base64.b64decode(token.encode(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadParameter("invalid page_token") from None


def page_offset(query: Query) -> int:
    """Return the offset a page_token stands for, 0 without one."""
    position = page_position(query)
    if position is None:
        return 0
    if not position.isascii() or not position.isdigit() or len(position) > 9:
        raise BadParameter("invalid page_token")
    return int(position)


def date_range(
    query: Query, first: str, last: str, days_max: int | None = None
) -> tuple[date | None, date | None]:
    """Return two days in their order; raise BadParameter."""
    start, end = query.day(first), query.day(last)
    if start is None or end is None:
        return start, end
    if start > end:
        raise BadParameter(f"{first} must not be after {last}")
    if days_max is not None and (end - start).days > days_max:
        raise BadParameter(f"the range is limited to {days_max} days")
    return start, end
