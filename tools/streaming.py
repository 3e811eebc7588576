"""The live option stream."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from services.market.chain import ChainStatus
from services.runtime import Services
from tools.toolset import READS, SWITCHES, Toolset
from tools.views import View, number
from tools.wants import Desk

streaming = Toolset("streaming")


class StreamView(View):
    """How the quote stream does. Ages are wall seconds since we received a quote."""

    state: str
    feed: str
    source: str = Field(description="where quotes come from: stream, poll or none")
    contracts_listed: int
    symbols_streamed: int
    messages_per_second: float
    age_p50_seconds: float | None
    age_p95_seconds: float | None
    last_message_age_seconds: float | None
    greeks_age_seconds: float | None
    gaps: int
    reconnects: int
    errors: int
    quotes_applied: int
    quotes_conflated: int
    quotes_refused: int
    note: str


@streaming.tool(SWITCHES, basic=True)
async def start_option_streaming(desk: Desk) -> StreamView:
    """Start streaming SPY same-day option quotes near the money; starting twice is one."""
    desk.chain.start_streaming()
    return _view(desk)


@streaming.tool(SWITCHES, basic=True)
async def stop_option_streaming(desk: Desk) -> StreamView:
    """Stop the option stream and close its socket; quotes are then polled, and say so."""
    await desk.chain.stop_streaming()
    return _view(desk)


@streaming.tool(READS, basic=True)
async def streaming_status(desk: Desk) -> StreamView:
    """Show the option stream: state, messages a second, quote ages, gaps, reconnects, feed."""
    return _view(desk)


def _view(desk: Services) -> StreamView:
    return stream_view(desk.mode, desk.chain.status())


def stream_view(mode: str, chain: ChainStatus) -> StreamView:
    """Return the view of where the chain stands."""
    found, quotes = chain.stream, chain.counters
    return StreamView(
        mode=mode,
        state=found.state.value,
        feed=found.feed,
        source=chain.source,
        contracts_listed=chain.contracts,
        symbols_streamed=found.symbols,
        messages_per_second=round(found.per_second, 1),
        age_p50_seconds=_seconds(found.p50_age),
        age_p95_seconds=_seconds(found.p95_age),
        last_message_age_seconds=_seconds(found.last_message_age),
        greeks_age_seconds=_seconds(chain.fit_age),
        gaps=found.gaps,
        reconnects=found.reconnects,
        errors=found.errors + found.undecodable,
        quotes_applied=quotes.applied,
        quotes_conflated=quotes.conflated,
        quotes_refused=quotes.insane,
        note=found.reason,
    )


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else number(age.total_seconds(), 3)
