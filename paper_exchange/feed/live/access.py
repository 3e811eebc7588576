"""Where the upstream is, who we are there, and how far its data is trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

TRADING: Final = "https://paper-api.alpaca.markets"
DATA: Final = "https://data.alpaca.markets"
STOCK_FEEDS: Final = ("iex", "sip")
OPTION_FEEDS: Final = ("indicative", "opra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Keys, roots without a trailing slash, and feeds of an upstream.

    requests_per_minute: never exceeded. stale_after: in a session an older quote is none.
    """

    key: str
    secret: str = field(repr=False)
    trading_url: str = TRADING
    data_url: str = DATA
    stock_feed: str = "iex"
    option_feed: str = "indicative"
    requests_per_minute: int = 200
    stale_after: timedelta = timedelta(seconds=60)
