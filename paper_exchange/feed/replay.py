"""Recorded days as a Source: every answer a function of the recording, a seed and an instant."""

from __future__ import annotations

from datetime import datetime

from common.contracts import AssetClass, OptionContract, asset_class
from common.money import Price, cent
from common.session import trading_day
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.recording import Recording
from paper_exchange.feed.replay_market import RecordedMarket
from paper_exchange.feed.replay_pit import RecordedPit
from paper_exchange.feed.source import HaltKind
from paper_exchange.feed.synthetic import SyntheticSource


class ReplaySource(SyntheticSource):
    """The market of a recording; on a day that was not recorded nothing is quoted.

    Recorded quotes are served as they were, the last known standing, missing sides missing,
    crossed ones crossed. What was not recorded is drawn as the synthetic market draws it:
    quotes inside the recorded minutes, and a chain by the calibrated smile.
    """

    def __init__(self, seed: int, calendar: Calendar, recording: Recording) -> None:
        market = RecordedMarket(seed, calendar, recording)
        self._recording = recording
        self._trade_in(market, [RecordedPit(market, listing) for listing in market.listings])

    def spot(self, underlying: str, at: datetime) -> Price:
        """Return the last price; the quote's middle before a recording's very first print."""
        quote = self.quote(underlying, at)
        if quote is not None and quote.two_sided and self.trade(underlying, at) is None:
            return cent(quote.mid)
        return super().spot(underlying, at)

    def halted(self, symbol: str, at: datetime) -> HaltKind | None:
        """Return why trading in a symbol is stopped, None when it is not."""
        day = self._recording.days.get(trading_day(at))
        if day is None or not day.halts:
            return None
        if asset_class(symbol) is AssetClass.OPTION:
            symbol = OptionContract.from_occ(symbol).underlying
        halts = (halt for halt in day.halts if halt.symbol == symbol)
        return next((halt.kind for halt in halts if halt.start <= at < halt.end), None)
