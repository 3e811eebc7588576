"""What the account holds, read from the broker and priced from our own chain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final, Protocol

from common.clock import Clock
from common.errors import MarketDataMissing
from common.money import Dollars
from common.orders import Order, OrderIntent
from common.portfolio import Account, Exposure, Position
from common.quotes import ChainSnapshot, Quote
from common.session import Session, trading_day
from common.shares import PendingShares
from services.broker.reader import Which
from services.portfolio.book import Book, agrees
from services.portfolio.exposure import build_exposure
from services.portfolio.greeks import GreeksReport, greeks_of_positions
from services.portfolio.pnl import SessionPnl, opening_equity_of, session_pnl

READS_MAX: Final = 4  # of account and positions before they are called torn
ORDERS_MAX: Final = 500  # the broker's page


class AccountReader(Protocol):
    """The part of BrokerReader that tells what an account holds."""

    async def account(self) -> Account:
        """Return the account's figures."""
        ...

    async def positions(self) -> tuple[Position, ...]:
        """Return everything held."""
        ...

    async def orders(
        self, status: Which, limit: int = 50, after: datetime | None = None
    ) -> tuple[Order, ...]:
        """Return orders submitted later than an instant, newest first."""
        ...

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the latest quotes by symbol; one without a usable quote is left out."""
        ...


class Chain(Protocol):
    """Where today's chain comes from."""

    def snapshot(self) -> ChainSnapshot:
        """Return the chain now; raise MarketDataMissing before there is one."""
        ...


class Calendar(Protocol):
    """Where the session comes from."""

    async def session(self) -> Session:
        """Return the current session, or the next one."""
        ...


class Baseline(Protocol):
    """Where a session's opening equity is kept, so that a restart brings no fresh budget."""

    def opening_equity(self, day: date) -> Dollars | None:
        """Return a session's opening equity, None before it was seen."""
        ...

    async def keep_opening_equity(self, day: date, equity: Dollars, at: datetime) -> Dollars:
        """Keep it unless one is kept; return what counts."""
        ...


class Portfolio:
    """Reads the account and says what it is exposed to. Each call reads anew."""

    def __init__(
        self,
        reader: AccountReader,
        chain: Chain,
        calendar: Calendar,
        baseline: Baseline,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._chain = chain
        self._calendar = calendar
        self._baseline = baseline
        self._clock = clock
        self._last: Book | None = None

    async def exposure(
        self, reserved: Sequence[OrderIntent] = (), shares: Sequence[PendingShares] = ()
    ) -> Exposure:
        """Return what the account stands to lose before a new order.

        reserved and shares: orders not yet ended, what of each may still fill. Raises
        BrokerUnavailable when the broker cannot be read: nothing is approved blind.
        """
        return build_exposure(await self.book(), reserved, shares)

    async def pnl(self) -> SessionPnl:
        """Return the session's profit and loss."""
        session = await self._calendar.session()
        book, orders = await asyncio.gather(
            self.book(), self._reader.orders("all", ORDERS_MAX, session.open)
        )
        return session_pnl(book, orders if len(orders) < ORDERS_MAX else None)

    async def greeks(self) -> GreeksReport:
        """Return the greeks of every holding and in sum."""
        book = await self.book()
        return greeks_of_positions(book.positions, book.chain)

    async def book(self) -> Book:
        """Return account, positions and quotes as of one moment."""
        session, (account, positions, torn) = await asyncio.gather(
            self._calendar.session(), self._read()
        )
        chain = self._snapshot()
        self._last = Book(
            day=session.day,
            account=account,
            positions=positions,
            chain=chain,
            quotes=await self._quotes_outside(chain, positions),
            opening_equity=await self._opening_equity(session, account),
            torn=torn,
        )
        return self._last

    def repriced(self) -> Book | None:
        """Return the last book read at the prices of the chain now, without asking anybody.

        None before the first reading.
        """
        return None if self._last is None else replace(self._last, chain=self._snapshot())

    async def _read(self) -> tuple[Account, tuple[Position, ...], str | None]:
        """Read account and positions on the same side of every fill.

        Taken when the broker's sums agree, or when two readings in a row show the same cash and
        holdings, so that no fill lay between them.
        """
        before: object = None
        for _ in range(READS_MAX):
            account, positions = await asyncio.gather(
                self._reader.account(), self._reader.positions()
            )
            seen = (account.cash, {position.symbol: position.qty for position in positions})
            if agrees(account, positions) or seen == before:
                return account, positions, None
            before = seen
        return account, positions, "account and positions changed while they were read"

    def _snapshot(self) -> ChainSnapshot | None:
        try:
            return self._chain.snapshot()
        except MarketDataMissing:
            return None

    async def _quotes_outside(
        self, chain: ChainSnapshot | None, positions: Sequence[Position]
    ) -> dict[str, Quote]:
        """Return quotes of held options which the chain does not list."""
        contracts = [p.contract for p in positions if p.contract is not None]
        missing = [c.symbol for c in contracts if chain is None or chain.find(c) is None]
        return await self._reader.option_quotes(missing) if missing else {}

    async def _opening_equity(self, session: Session, account: Account) -> Dollars:
        """Return what the session is measured from, kept from its first sight on its own day.

        Before that day the previous close the broker tells may not be the last one yet.
        """
        kept = self._baseline.opening_equity(session.day)
        if kept is not None:
            return kept
        equity, now = opening_equity_of(account), self._clock.now()
        if trading_day(now) != session.day:
            return equity
        return await self._baseline.keep_opening_equity(session.day, equity, now)
