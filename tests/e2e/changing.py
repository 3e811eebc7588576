"""How a case says which settings it changes, and where the cases are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

CaseT = TypeVar("CaseT", bound=Callable[..., Any])


def changes(*settings: str) -> Callable[[CaseT], CaseT]:
    """Say which settings a case changes; a nested one as exchange.name."""

    def mark(case: CaseT) -> CaseT:
        case.__dict__["changes"] = settings
        return case

    return mark
