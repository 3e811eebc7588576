"""A market and orders for the engine alone: no source, no journal, no socket."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from common.contracts import AssetClass
from common.ids import AccountId, OrderId
from common.orders import OrderType, Side, TimeInForce
from common.quotes import Quote
from common.session import Session
from paper_exchange.engine.account import decide, evolve
from paper_exchange.engine.commands import CancelOrder, Command, OpenAccount, SubmitOrder
from paper_exchange.engine.events import Event
from paper_exchange.engine.market import Listing, Market
from paper_exchange.engine.state import AccountState

SYMBOL = "SPY"
SESSION = Session.regular(date(2026, 11, 20))
NOW = SESSION.open + timedelta(hours=2)
CASH = Decimal(10**12)  # no order of a run is refused for want of it
BID, ASK = Decimal("600.00"), Decimal("600.02")


def quote(bid: Decimal, ask: Decimal) -> Quote:
    """Return a quote with plenty displayed."""
    return Quote(bid=bid, ask=ask, bid_size=1000, ask_size=1000, at=NOW)


MARKET = Market(
    session=SESSION,
    following=Session.regular(date(2026, 11, 23)),
    quotes={SYMBOL: quote(BID, ASK)},
    listings={
        SYMBOL: Listing(
            symbol=SYMBOL, asset_class=AssetClass.EQUITY, underlying=SYMBOL, shortable=True
        )
    },
)


class Trader:
    """One account, its commands decided and applied; counts the events, keeps them if asked."""

    def __init__(self, *, keep: bool = False) -> None:
        self.kept: list[Event] = []
        self._keep = keep
        self.state = AccountState(id=AccountId("bench"))
        self.events = 0
        self._orders = 0
        self.do(OpenAccount(account_id=self.state.id, number="PA1", cash=CASH, options_level=3))

    def do(self, command: Command) -> None:
        events = decide(self.state, command, MARKET, NOW)
        for event in events:
            evolve(self.state, event)
        self.events += len(events)
        if self._keep:
            self.kept += events

    def order(self, side: Side, limit: Decimal | None = None) -> SubmitOrder:
        self._orders += 1
        return SubmitOrder(
            order_id=OrderId(str(UUID(int=self._orders))),
            client_order_id=f"bench-{self._orders}",
            symbol=SYMBOL,
            side=side,
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(1),
            limit_price=limit,
        )

    def filled(self) -> list[Command]:
        """Return what buys and sells one share: two orders, four events."""
        return [self.order(Side.BUY), self.order(Side.SELL)]

    def canceled(self) -> list[Command]:
        """Return what places an order away from the market and cancels it: two events."""
        order = self.order(Side.BUY, BID - 10)
        return [order, CancelOrder(order_id=order.order_id)]

    def submit(self, side: Side, limit: Decimal | None = None) -> OrderId:
        order = self.order(side, limit)
        self.do(order)
        return order.order_id

    def cancel(self, order_id: OrderId) -> None:
        self.do(CancelOrder(order_id=order_id))
