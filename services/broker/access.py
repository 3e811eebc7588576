"""Where the broker is and who we are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

LIVE: Final = "https://api.alpaca.markets"
PAPER: Final = "https://paper-api.alpaca.markets"
DATA: Final = "https://data.alpaca.markets"
STREAM: Final = "wss://stream.data.alpaca.markets"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AlpacaAccess:
    """Keys and hosts of one account. URLs are roots without a trailing slash.

    Without base_url the hosts are Alpaca's own, paper or live; with it, everything it
    serves is asked of it, except what data_url and stream_url name.
    """

    key: str
    secret: str = field(repr=False)
    paper: bool = True
    base_url: str | None = None
    data_url: str | None = None
    stream_url: str | None = None  # of the order stream, path included
    option_feed: str = "indicative"

    @property
    def trading_root(self) -> str:
        """Where orders go."""
        return self.base_url or (PAPER if self.paper else LIVE)

    @property
    def data_root(self) -> str:
        """Where quotes and bars come from."""
        return self.data_url or self.base_url or DATA

    @property
    def updates_url(self) -> str:
        """The WebSocket that tells what becomes of orders."""
        return self.stream_url or "ws" + self.trading_root.removeprefix("http") + "/stream"

    @property
    def option_stream_url(self) -> str:
        """The WebSocket of option quotes."""
        own = self.data_url or self.base_url
        root = STREAM if own is None else "ws" + own.removeprefix("http")
        return f"{root}/v1beta1/{self.option_feed}"

    @property
    def stock_feed(self) -> str:
        """The consolidated tape for those who pay for real-time options, else one venue's."""
        return "sip" if self.option_feed == "opra" else "iex"


def is_loopback(url: str) -> bool:
    """Return whether a URL stays on this machine, where no proxy has any business."""
    return urlsplit(url).hostname in LOOPBACK
