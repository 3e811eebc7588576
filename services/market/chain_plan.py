"""What the chain service is told once, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from common.session import REGULAR_CLOSE, Session

_PLANNED_RATE: Final = 200  # requests a minute that the service's periods are made for


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPlan:
    """What the chain service is told once. The names are those of the settings."""

    underlying: str = "SPY"
    feed: str = "indicative"
    update_interval: timedelta = timedelta(seconds=0.25)
    cleanup_interval: timedelta = timedelta(seconds=30)
    stream_symbols_max: int = 200
    auto_expire_time: time = time(16, 15)  # New York, of a full day
    requests_per_minute: int = 200

    def expires(self, session: Session) -> datetime:
        """Return when a session's contracts are dropped; an early close moves it along."""
        late = datetime.combine(date.min, self.auto_expire_time) - datetime.combine(
            date.min, REGULAR_CLOSE
        )
        return session.close + late

    def period(self, planned: timedelta) -> timedelta:
        """Return how often to poll within the request budget; a larger one changes nothing."""
        return planned * max(_PLANNED_RATE / self.requests_per_minute, 1.0)
