"""Arguments that name a time: a date, or a date and time, New York's unless a zone is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from common.session import NEW_YORK, new_york

DAY_LENGTH = len("2026-11-20")


def moment(value: object, of_day: time) -> datetime | None:
    """Return the UTC instant that is meant; a bare date means a time of that day.

    Raises ValueError for what is no time.
    """
    if value is None or isinstance(value, datetime):
        return value
    text = str(value).strip()
    try:
        if len(text) == DAY_LENGTH:
            return new_york(date.fromisoformat(text), of_day)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write 2026-11-20 or 2026-11-20T10:05") from None
    return (at.replace(tzinfo=NEW_YORK) if at.tzinfo is None else at).astimezone(UTC)


def _read(of_day: time) -> Callable[[object], datetime | None]:
    def read(value: object) -> datetime | None:
        return moment(value, of_day)

    return read


def _told(about: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "maxLength": 40, "description": about, **more})


Start = Annotated[
    datetime | None,
    BeforeValidator(_read(time.min)),
    _told("2026-11-20 or 2026-11-20T10:05 New York"),
]
End = Annotated[datetime | None, BeforeValidator(_read(time.max)), _told("likewise, inside")]
Day = Annotated[date | None, WithJsonSchema({"type": "string", "format": "date", "maxLength": 10})]
Days = Annotated[int, Field(ge=1, le=3650, description="calendar days back, without start")]
