"""What an order in a stock or a coin is judged on: the account, its symbol's market, the past."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime

from common.clock import Clock
from common.errors import BadArgument, BrokerError, MarketDataMissing
from common.money import ZERO, Price, Qty
from common.orders import OrderClass
from common.portfolio import Exposure, Position
from common.quotes import Quote
from common.session import Session
from common.shares import ShareAsset, ShareIntent
from services.broker.reader import BrokerReader
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.market.calendar import SessionCalendar
from services.portfolio.portfolio import Portfolio
from services.portfolio.share_risk import reference_price
from services.risk.activity import Activity

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareSeen:
    """All of it as of one moment. quotes and asset lack what the broker has not."""

    now: datetime
    session: Session
    exposure: Exposure
    activity: Activity
    quotes: dict[str, Quote]
    asset: ShareAsset | None

    def position(self, symbol: str) -> Position | None:
        """Return what is held of a symbol."""
        return next((held for held in self.exposure.positions if held.symbol == symbol), None)

    def held(self, symbol: str) -> Qty:
        """Return how much is held of a symbol, signed."""
        position = self.position(symbol)
        return ZERO if position is None else position.qty

    def settled(self, wanted: ShareIntent) -> ShareIntent:
        """Return what is wanted with what it does to the holding: it closes, or it opens.

        Raises BadArgument for exits of an order that closes.
        """
        opens = self.held(wanted.symbol) * wanted.side.sign >= 0
        if not opens and wanted.order_class is not OrderClass.SIMPLE:
            raise BadArgument("take_profit and stop_loss go with an order that opens")
        return replace(wanted, opens=opens)

    def reference(self, intent: ShareIntent) -> Price:
        """Return the price an order is reckoned at; a closing one takes what there is.

        Raises MarketDataMissing where nothing says what it is worth.
        """
        quote = self.quotes.get(intent.symbol)
        if quote is not None and (quote.two_sided or intent.priced):
            return reference_price(intent, quote)
        held = self.position(intent.symbol)
        told: list[Price | None] = [intent.limit, intent.stop]
        if held is not None:
            told += [held.current_price, held.avg_entry_price]
        for known in told:
            if known is not None:
                return known
        raise MarketDataMissing(f"the broker has no usable quote of {intent.symbol}")


class ShareWatch:
    """Reads the account, then the market. underlying: what the account's delta is told in."""

    def __init__(
        self,
        reader: BrokerReader,
        calendar: SessionCalendar,
        portfolio: Portfolio,
        store: DeskStore,
        tracker: OrderTracker,
        clock: Clock,
        underlying: str,
    ) -> None:
        self._reader = reader
        self._calendar = calendar
        self._portfolio = portfolio
        self._store = store
        self._tracker = tracker
        self._clock = clock
        self.underlying = underlying

    async def look(self, wanted: ShareIntent) -> ShareSeen:
        """Return what an order is judged on.

        Raises what the reader raises; where a holding is only reduced, for want of the account
        alone: a market that cannot be read keeps nobody in.
        """
        session = await self._calendar.session()
        records = self._store.of_day(session.day)  # before the positions: see Activity
        shares = [record.trade for record in self._store.shares.of_day(session.day)]
        exposure = await self._portfolio.exposure(
            self._tracker.pending(), self._tracker.pending_shares()
        )
        now = self._clock.now()
        held = {p.contract: int(p.qty) for p in exposure.positions if p.contract is not None}
        seen = ShareSeen(
            now=now,
            session=session,
            exposure=exposure,
            activity=Activity.of(records, held, now, shares),
            quotes={},
            asset=None,
        )
        try:
            quotes, asset = await asyncio.gather(
                self._quotes(wanted), self._reader.share_asset(wanted.symbol)
            )
        except BrokerError as e:
            if seen.settled(wanted).opens:
                raise
            log.warning("the market of %s could not be read, closing goes on: %s", wanted.symbol, e)
            return seen
        return replace(seen, now=self._clock.now(), quotes=quotes, asset=asset)

    async def _quotes(self, wanted: ShareIntent) -> dict[str, Quote]:
        """Return the quotes of the symbol and of the underlying, as far as the broker has them."""
        symbols = dict.fromkeys((self.underlying, wanted.symbol))
        stocks = [symbol for symbol in symbols if "/" not in symbol]
        coins = [symbol for symbol in symbols if "/" in symbol]
        quotes = await self._reader.stock_quotes(stocks)
        return quotes | (await self._reader.coin_quotes(coins) if coins else {})
