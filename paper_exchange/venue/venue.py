"""The exchange's front door: commands and reads of accounts, each answered when durable.

One event loop runs all of it, so a command is decided without interruption, against the
quotes of that instant. Time passing is Pulse's part.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final

import msgspec

from common.ids import AccountId, Ids, OrderId
from common.money import Dollars, Qty
from paper_exchange.engine.commands import (
    CancelOrder,
    ClosePosition,
    ConfigureAccount,
    DeclineExercise,
    ExerciseOption,
    OpenAccount,
    ReplaceOrder,
    ResetAccount,
    SubmitOrder,
)
from paper_exchange.engine.configuration import Configuration
from paper_exchange.engine.events import Event, OrderAccepted
from paper_exchange.engine.figures import PositionFigures, account_figures, position_figures
from paper_exchange.engine.form import contract_or_none
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.positions import PositionState
from paper_exchange.engine.refusals import Refused, not_found
from paper_exchange.engine.state import AccountState
from paper_exchange.feed.clock import ExchangeClock
from paper_exchange.venue.markets import Markets
from paper_exchange.venue.shard import Shard
from paper_exchange.venue.views import AccountView, Closed, History

LEVEL: Final = 3


class Venue:
    """Every method raises Refused: Alpaca's words for no, or 503 when it cannot promise."""

    def __init__(self, shard: Shard, markets: Markets, clock: ExchangeClock, ids: Ids) -> None:
        self._shard, self._markets, self._clock, self._ids = shard, markets, clock, ids

    @property
    def running(self) -> bool:
        """Whether commands are taken."""
        return self._shard.running

    def knows(self, account: AccountId) -> bool:
        """Whether an account exists."""
        return self._shard.knows(account)

    async def open_account(
        self, account: AccountId, *, cash: Dollars, options_level: int = LEVEL
    ) -> None:
        """Open an account with money in it; one that exists is left as it is."""
        if self._shard.knows(account):
            return await self._shard.settled(account)
        now = self._clock.now()
        command = OpenAccount(
            account_id=account, number=_number(account), cash=cash, options_level=options_level
        )
        commit = self._shard.open(account, command, self._markets.at(now, (), ()), now)
        return await self._shard.committed(commit)

    async def reset(
        self, named: str | None, *, cash: Dollars | None = None, days_too: bool = False
    ) -> tuple[AccountId, ...]:
        """Make an account new, or all of them; return which, once that is durable.

        named: the id or the number of one, None for all. cash: to begin with, None what each
        began with. days_too: the clock has gone back, and days it has ended come again. All is
        decided before anything else can happen.
        """
        accounts = tuple(
            state.id for state in self._shard.accounts if named in (None, state.id, state.number)
        )
        if named is not None and not accounts:
            raise not_found("account not found")
        now = self._clock.now()
        command = ResetAccount(cash=cash, days_too=days_too)
        market = self._markets.at(now, (), ())
        commits = [self._shard.do(one, command, market, now)[1] for one in accounts]
        for commit in commits:
            await self._shard.committed(commit)
        return accounts

    async def submit(self, account: AccountId, command: SubmitOrder) -> OrderState:
        """Submit an order; return it as the broker's reply shows it.

        That is pending_new in hours and accepted outside, whatever happens next: fills come
        by the stream and by asking again.
        """
        symbols = [leg.symbol for leg in command.legs] or [command.symbol]
        return await self._submitted(account, command, symbols)

    async def replace(self, account: AccountId, command: ReplaceOrder) -> OrderState:
        """Put an order in place of another; return the new one."""
        old = self._shard.account(account).orders.get(command.replaces)
        return await self._submitted(account, command, old.symbols if old is not None else ())

    async def close(
        self,
        account: AccountId,
        symbol: str,
        *,
        qty: Qty | None = None,
        percentage: Decimal | None = None,
    ) -> OrderState:
        """Close all or part of a position at the market; return the closing order."""
        command = ClosePosition(
            order_id=self.new_order_id(), symbol=symbol, qty=qty, percentage=percentage
        )
        return await self._submitted(account, command, [symbol])

    async def exercise(self, account: AccountId, symbol: str) -> None:
        """Exercise all that is held of an option."""
        await self._instruct(account, ExerciseOption(symbol=symbol))

    async def decline_exercise(self, account: AccountId, symbol: str) -> None:
        """Let an option expire, whatever it is worth then."""
        await self._instruct(account, DeclineExercise(symbol=symbol))

    async def close_all(self, account: AccountId, *, cancel_orders: bool) -> tuple[Closed, ...]:
        """Close every position, shorts first so that none is left uncovered on the way."""
        if cancel_orders:
            await self.cancel_all(account)
        held = self._shard.account(account).positions.values()
        closed = []
        for symbol in [position.symbol for position in sorted(held, key=_shorts_first)]:
            try:
                order = await self.close(account, symbol)
                closed.append(Closed(symbol=symbol, order=order))
            except Refused as refused:
                closed.append(Closed(symbol=symbol, refused=refused))
        return tuple(closed)

    async def cancel(self, account: AccountId, order_id: OrderId) -> None:
        """Take an order off the market; canceled already is done."""
        now = self._clock.now()
        command = CancelOrder(order_id=order_id)
        _, commit = self._shard.do(account, command, self._markets.at(now, (), ()), now)
        await self._shard.committed(commit)

    async def cancel_all(self, account: AccountId) -> tuple[OrderId, ...]:
        """Take every working order of the owner off the market; return their ids."""
        now = self._clock.now()
        market = self._markets.at(now, (), ())
        orders = self._shard.account(account).working_orders()
        working = tuple(order.id for order in orders if not order.liquidation)
        for order_id in working:
            self._shard.do(account, CancelOrder(order_id=order_id), market, now)
        await self._shard.settled(account)
        return working

    async def account(self, account: AccountId) -> AccountView:
        """Return an account's numbers at the market's marks."""
        state = await self._marked(account)
        market = self._markets.for_account(state, self._clock.now())
        view = AccountView(
            id=account,
            number=state.number,
            options_level=state.options_level,
            configuration=state.configuration,
            opened_at=state.opened_at,
            figures=account_figures(state, market),
        )
        await self._shard.settled(account)
        return view

    async def configure(self, account: AccountId, configuration: Configuration) -> None:
        """Replace an account's configuration."""
        now = self._clock.now()
        command = ConfigureAccount(configuration=configuration)
        _, commit = self._shard.do(account, command, self._markets.at(now, (), ()), now)
        await self._shard.committed(commit)

    async def history(self, account: AccountId) -> History:
        """Return all that ever moved an account's cash and holdings, oldest first."""
        state = self._shard.account(account)
        moved = History(opened_at=state.opened_at, movements=tuple(state.movements))
        await self._shard.settled(account)
        return moved

    async def positions(self, account: AccountId) -> tuple[PositionFigures, ...]:
        """Return an account's positions at the market's marks, by symbol."""
        state = await self._marked(account)
        market = self._markets.for_account(state, self._clock.now())
        shown = position_figures(state, market)
        await self._shard.settled(account)
        return shown

    async def orders(
        self,
        account: AccountId,
        wanted: Callable[[OrderState], bool],
        *,
        limit: int,
        newest_first: bool = True,
        working_only: bool = False,
    ) -> tuple[OrderState, ...]:
        """Return at most limit orders by submission; working_only looks at no others."""
        state = self._shard.account(account)
        found = _select(state, wanted, limit, newest_first, working_only)
        await self._shard.settled(account)
        return found

    async def order(self, account: AccountId, order_id: OrderId) -> OrderState:
        """Return one order."""
        return await self._order(account, order_id)

    async def order_by_client_id(self, account: AccountId, client_order_id: str) -> OrderState:
        """Return the order a client named so."""
        known = self._shard.account(account).client_ids.get(client_order_id)
        return await self._order(account, known)

    def children(self, account: AccountId, order: OrderState) -> tuple[OrderState, ...]:
        """Return the rest of the group an order is the head of, as it was last shown."""
        orders = self._shard.account(account).orders
        return tuple(orders[child] for child in order.children)

    def new_order_id(self) -> OrderId:
        """Mint the id of an order to be submitted."""
        return OrderId(self._ids.uuid())

    async def _marked(self, account: AccountId) -> AccountState:
        """Return an account once the latest of what it holds is at hand."""
        await self._markets.prepare(self._shard.account(account).positions)
        return self._shard.account(account)

    async def _instruct(
        self, account: AccountId, command: ExerciseOption | DeclineExercise
    ) -> None:
        now = self._clock.now()
        contract = contract_or_none(command.symbol)
        traded = () if contract is None else (contract.underlying,)
        market = self._markets.for_order(self._shard.account(account), traded, now)
        _, commit = self._shard.do(account, command, market, now)
        await self._shard.committed(commit)

    async def _order(self, account: AccountId, order_id: OrderId | None) -> OrderState:
        orders = self._shard.account(account).orders
        found = orders.get(order_id) if order_id is not None else None
        await self._shard.settled(account)
        if found is None:
            raise not_found("order not found")
        return found

    async def _submitted(
        self,
        account: AccountId,
        command: SubmitOrder | ReplaceOrder | ClosePosition,
        symbols: Sequence[str],
    ) -> OrderState:
        await self._markets.prepare(symbols)
        now = self._clock.now()
        market = self._markets.for_order(self._shard.account(account), symbols, now)
        events, commit = self._shard.do(account, command, market, now)
        await self._shard.committed(commit)
        return _reply(events)


def _reply(events: Sequence[Event]) -> OrderState:
    order = next(event.order for event in events if isinstance(event, OrderAccepted))
    if order.status is Status.NEW:
        return msgspec.structs.replace(order, status=Status.PENDING_NEW)
    return order


def _select(
    state: AccountState,
    wanted: Callable[[OrderState], bool],
    limit: int,
    newest_first: bool,
    working_only: bool,
) -> tuple[OrderState, ...]:
    ids = state.working if working_only else state.orders
    ordered = reversed(ids) if newest_first else iter(ids)
    orders = (state.orders[order_id] for order_id in ordered)
    return tuple(islice(filter(wanted, orders), limit))


def _shorts_first(position: PositionState) -> tuple[bool, str]:
    return position.qty > 0, position.symbol


def _number(account: AccountId) -> str:
    """Return an account number as the broker's paper accounts have: PA and ten characters."""
    digest = hashlib.sha256(account.encode()).digest()
    return "PA" + base64.b32encode(digest).decode()[:10]
