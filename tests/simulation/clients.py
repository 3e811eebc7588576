"""What clients do: orders of every kind, changes, cancels, closings, exercises, reads, retries."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TypeAlias

from common.ids import AccountId, OrderId
from paper_exchange.engine.commands import ReplaceOrder, SubmitOrder
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import contract_of
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.state import AccountState
from paper_exchange.venue.venue import Venue
from tests.simulation.drafts import Drafts
from tests.simulation.ledger_checks import require
from tests.simulation.pit import Pit
from tests.simulation.witness import Witness

ACTIONS = {
    "simple": 30,
    "spread": 20,
    "group": 8,
    "replace": 12,
    "cancel": 8,
    "close": 12,
    "exercise": 2,
    "decline": 2,
    "configure": 1,
    "close_all": 1,
    "cancel_all": 1,
    "reset": 0.3,
    "read": 10,
    "again": 4,
}

Action = Callable[[Venue], Awaitable[object]]
Order: TypeAlias = SubmitOrder | ReplaceOrder


@dataclass
class Client:
    """One account's owner. doubtful: orders sent whose fate it does not know."""

    account: AccountId
    sent: int = 0
    resets: int = 0
    accepted: set[str] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)
    doubtful: dict[str, Order] = field(default_factory=dict)
    ids: list[OrderId] = field(default_factory=list)

    def name(self) -> str:
        """Return the client_order_id of the next order."""
        self.sent += 1
        return f"{self.account}-{self.resets}-{self.sent}"

    def names(self) -> list[str]:
        """Return the names it used since its account was last made new."""
        return sorted(n for n in self.accepted if n.startswith(f"{self.account}-{self.resets}-"))


class Script:
    """Draws what a client does next, and does it through the venue."""

    def __init__(self, rng: Random, pit: Pit, witness: Witness, new_id: Callable[[], str]) -> None:
        self._rng, self._witness = rng, witness
        self._drafts = Drafts(rng, pit, new_id)

    def draw(self, client: Client) -> tuple[str, Action]:
        """Return an action's name and what starts it; all chance is spent here."""
        name = self._rng.choices(tuple(ACTIONS), tuple(ACTIONS.values()))[0]
        if client.doubtful:
            name = "again"
        if name == "again":
            return name, self._again(client)
        command = self._order(name, client)
        if command is not None:
            return f"{name} {_told(command)}", lambda venue: self.send(venue, client, command)
        return name, self._other(name, client)

    async def send(self, venue: Venue, client: Client, command: Order) -> None:
        """Send an order; a 503 leaves it in doubt, any other refusal is final."""
        named = command.client_order_id or ""
        client.doubtful[named] = command  # until an answer comes: a crash brings none
        try:
            order = await (
                venue.submit(client.account, command)
                if isinstance(command, SubmitOrder)
                else venue.replace(client.account, command)
            )
        except Refused as e:
            client.refusals[e.message] += 1
            if e.http_status != 503:
                del client.doubtful[named]
                if named not in client.accepted:
                    self._witness.refused(client.account, named)
            return
        require(named not in client.accepted, f"{named} was acknowledged twice")
        self._known(client, order)

    def _known(self, client: Client, order: OrderState) -> None:
        client.doubtful.pop(order.client_order_id, None)
        client.accepted.add(order.client_order_id)
        client.ids += (order.id, *order.children)
        self._witness.told(client.account, order)

    def _state(self, client: Client) -> AccountState:
        """Return the account as its events tell it, which a client may ask for at any time."""
        found = self._witness.accounts.get(client.account)
        return AccountState(id=client.account) if found is None else found

    def _order(self, name: str, client: Client) -> Order | None:
        """Return the order that an action sends, None when it sends none."""
        state = self._state(client)
        if name == "simple":
            return self._drafts.simple(client.name(), state.cash)
        if name == "spread":
            return self._drafts.spread(client.name())
        if name == "group":
            return self._drafts.group(client.name(), state.positions)
        if name == "replace" and state.orders:
            working = list(state.working)
            ids = working if working and self._rng.random() < 0.9 else list(state.orders)[-8:]
            return self._drafts.change(client.name(), state.orders[self._rng.choice(ids)])
        return None

    def _again(self, client: Client) -> Action:
        """Send a doubtful order once more, or one that was accepted and must be refused."""
        if client.doubtful:
            named = self._rng.choice(sorted(client.doubtful))
            command = client.doubtful[named]
            return lambda venue: self._resolve(venue, client, command)
        if not client.names():
            return lambda venue: _quiet(venue.account(client.account))
        fresh = self._drafts.simple(client.name(), self._state(client).cash)
        named = self._rng.choice(client.names())
        return lambda venue: self.send(venue, client, _renamed(fresh, named))

    async def _resolve(self, venue: Venue, client: Client, command: Order) -> None:
        named = command.client_order_id or ""
        try:
            order = await venue.order_by_client_id(client.account, named)
        except Refused as e:
            if e.http_status == 404:
                await self.send(venue, client, command)
            return
        self._known(client, order)

    def _other(self, name: str, client: Client) -> Action:
        rng, account = self._rng, client.account
        if name == "cancel" and client.ids:
            order_id = rng.choice(client.ids[-8:])
            return lambda venue: self._cancel(venue, client, order_id)
        if name == "close":
            return self._close(client)
        if name in ("exercise", "decline"):
            return self._instruct(name, client)
        if name == "configure":
            wanted = self._drafts.configuration()
            return lambda venue: _quiet(venue.configure(account, wanted))
        if name == "reset":
            client.resets += 1
            client.ids.clear()
            return lambda venue: _quiet(venue.reset(account))
        if name == "close_all":
            canceling = rng.random() < 0.7
            return lambda venue: _quiet(venue.close_all(account, cancel_orders=canceling))
        if name == "cancel_all":
            return lambda venue: _quiet(venue.cancel_all(account))
        return lambda venue: self._read(venue, client)

    def _close(self, client: Client) -> Action:
        rng, account = self._rng, client.account
        positions = self._state(client).positions
        symbol = rng.choice(sorted(positions)) if positions else "SPY"
        percentage = rng.choice([None, None, Decimal(rng.randint(1, 100))])
        qty = Decimal(rng.randint(1, 3)) if percentage is None and rng.random() < 0.2 else None
        return lambda venue: _quiet(venue.close(account, symbol, qty=qty, percentage=percentage))

    def _instruct(self, name: str, client: Client) -> Action:
        account = client.account
        positions = self._state(client).positions.values()
        options = sorted(p.symbol for p in positions if contract_of(p.symbol) is not None)
        long = [symbol for symbol in options if self._state(client).qty(symbol) > 0]
        likely = long if self._rng.random() < 0.9 else options
        symbol = self._rng.choice(likely or ["SPY"])
        if name == "exercise":
            return lambda venue: _quiet(venue.exercise(account, symbol))
        return lambda venue: _quiet(venue.decline_exercise(account, symbol))

    async def _cancel(self, venue: Venue, client: Client, order_id: OrderId) -> None:
        try:
            await venue.cancel(client.account, order_id)
            order = await venue.order(client.account, order_id)
        except Refused:
            return
        require(order.status.terminal, f"a canceled order is {order.status}")
        self._witness.told(client.account, order)

    async def _read(self, venue: Venue, client: Client) -> None:
        try:
            view = await venue.account(client.account)
            orders = await venue.orders(client.account, lambda order: True, limit=5)
        except Refused:
            return
        figures = view.figures
        require(min(figures.buying_power, figures.options_buying_power) >= 0, "negative power")
        for order in orders:
            self._witness.told(client.account, order)


async def _quiet(done: Awaitable[object]) -> None:
    """Await what may be refused."""
    try:
        await done
    except Refused:
        return


def _renamed(command: SubmitOrder, named: str) -> SubmitOrder:
    return dataclasses.replace(command, client_order_id=named)


def _told(command: Order) -> str:
    if isinstance(command, ReplaceOrder):
        changed = {
            name: value
            for name, value in dataclasses.asdict(command).items()
            if value is not None and not name.endswith("_id")
        }
        return ", ".join(f"{name}={value}" for name, value in changed.items())
    what = command.symbol or " ".join(
        f"{g.side.sign * g.ratio:+d} {g.symbol}" for g in command.legs
    )
    size = command.qty if command.qty is not None else f"${command.notional}"
    return f"{command.side or ''} {size} {what} {command.type} {command.limit_price}"
