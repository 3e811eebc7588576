"""Long answers in pieces: what was left out is said, with the way to the rest."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from tools.views import View

ROWS_MAX: Final = 200  # of one answer

Rows = Annotated[int, Field(ge=1, le=ROWS_MAX, description="rows at most")]
Cursor = Annotated[
    str | None, Field(max_length=512, description="next_cursor of the answer before")
]


class Page(View):
    """An answer of many rows. total is null where the source does not count."""

    truncated: bool = Field(description="there is more")
    total: int | None = None
    next_cursor: str | None = Field(default=None, description="pass as cursor for the rest")
