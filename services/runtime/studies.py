"""Studies of the market beyond the desk's own chain: indicators, scans, what others publish."""

from __future__ import annotations

from dataclasses import dataclass

from common.clock import Clock, WallClock
from common.config import Settings
from services.broker.reader import BrokerReader
from services.market.calendar import SessionCalendar
from services.market.data import MarketData
from services.research.desk import Research
from services.research.provider import Provider, ProviderPlan
from services.runtime.scanner import Scanner
from services.runtime.technicals import Technicals


@dataclass(frozen=True, slots=True, kw_only=True)
class Studies:
    """One service each."""

    technicals: Technicals
    scanner: Scanner
    research: Research

    @classmethod
    def of(
        cls,
        settings: Settings,
        data: MarketData,
        reader: BrokerReader,
        calendar: SessionCalendar,
        feed: str,
        *,
        clock: Clock,
        wall: WallClock,
    ) -> Studies:
        """Make each once. feed: where stocks' bars come from."""
        technicals = Technicals(data.stocks, reader, clock, feed)
        return cls(
            technicals=technicals,
            scanner=Scanner(data.stocks, data.watchlists, technicals, calendar, clock),
            research=Research(Provider(research_plan(settings), wall), clock),
        )


def research_plan(settings: Settings) -> ProviderPlan:
    """Return where and how much the provider is asked."""
    key = settings.fmp_api_key
    return ProviderPlan(
        url=settings.fmp_url,
        key=None if key is None else key.get_secret_value(),
        requests_per_minute=settings.fmp_requests_per_minute,
    )
