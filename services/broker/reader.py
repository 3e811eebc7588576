"""The port through which the broker is read. Every value is the broker's, none invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from common.contracts import OptionContract
from common.ids import ClientOrderId, OrderId
from common.orders import Order
from common.portfolio import Account, Position
from common.quotes import Bar, ExDividend, Quote
from common.session import Session
from common.shares import ShareAsset

Which = Literal["open", "closed", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerClock:
    """The exchange's clock as the broker tells it, in UTC."""

    timestamp: datetime
    is_open: bool
    next_open: datetime
    next_close: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContract:
    """A contract the broker lists. open_interest is the previous day's, None if untold."""

    contract: OptionContract
    tradable: bool
    open_interest: int | None


class BrokerReader(Protocol):
    """Reads, tried again a few times while the time allows.

    Every method raises BrokerUnavailable when no clear answer came in time, and
    BrokerRefused when the broker will not say.
    """

    async def account(self) -> Account:
        """Return the account's figures."""
        ...

    async def suspended(self) -> bool:
        """Tell whether the account's owner has suspended its trading at the broker."""
        ...

    async def positions(self) -> tuple[Position, ...]:
        """Return everything held."""
        ...

    async def orders(
        self,
        status: Which,
        limit: int = 50,
        after: datetime | None = None,
        symbols: Sequence[str] = (),
    ) -> tuple[Order, ...]:
        """Return orders, newest first, the legs of a multi-leg order inside it.

        limit: at most 500. after: submitted later than. symbols: only of these.
        """
        ...

    async def order(self, order_id: OrderId) -> Order:
        """Return one order; raise OrderNotFound."""
        ...

    async def order_by_client_id(self, client_order_id: ClientOrderId) -> Order | None:
        """Return the order we named so, or None when the broker says there is none."""
        ...

    async def clock(self) -> BrokerClock:
        """Return the exchange's time and the next open and close."""
        ...

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Return the trading days from start through end, by rising day."""
        ...

    async def contracts(self, underlying: str, expiry: date) -> tuple[ListedContract, ...]:
        """Return every standard contract of one expiry."""
        ...

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes by symbol; one without a usable quote is left out."""
        ...

    async def chain_quotes(self, underlying: str, expiry: date) -> dict[str, Quote]:
        """Return the latest quotes of all contracts of one expiry, by symbol."""
        ...

    async def stock_quote(self, symbol: str) -> Quote:
        """Return a stock's latest quote; raise MarketDataMissing when there is none."""
        ...

    async def stock_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes by symbol; one without a usable quote is left out."""
        ...

    async def coin_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes of coins by pair; one without a usable quote is left out."""
        ...

    async def share_asset(self, symbol: str) -> ShareAsset | None:
        """Return what may be done with a stock or a coin; None for what is not listed."""
        ...

    async def ex_dividends(self, symbol: str, start: date, end: date) -> tuple[ExDividend, ...]:
        """Return the cash dividends whose ex-date lies from start through end, by rising day."""
        ...

    async def bars(self, symbol: str, start: datetime, end: datetime) -> tuple[Bar, ...]:
        """Return the one-minute bars that start in [start, end), by rising time."""
        ...
