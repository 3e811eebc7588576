"""What clients do: orders of every kind at random prices, cancels, closings, reads, retries."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from common.ids import AccountId, OrderId
from common.orders import OrderClass, OrderType, Side, TimeInForce
from paper_exchange.engine.commands import LegRequest, SubmitOrder
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.refusals import Refused
from paper_exchange.venue.venue import Venue
from tests.simulation.ledger_checks import require
from tests.simulation.pit import COIN, SHARES, Pit
from tests.simulation.witness import Witness

TIMES = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC)
KINDS = (
    OrderType.MARKET,
    OrderType.LIMIT,
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.TRAILING_STOP,
)
PRICED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
STOPPED = (OrderType.STOP, OrderType.STOP_LIMIT)

Action = Callable[[Venue], Awaitable[object]]


@dataclass
class Client:
    """One account's owner. doubtful: submissions whose fate it does not know."""

    account: AccountId
    sent: int = 0
    accepted: set[str] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)
    doubtful: dict[str, SubmitOrder] = field(default_factory=dict)
    ids: list[OrderId] = field(default_factory=list)


class Script:
    """Draws what a client does next, and does it through the venue."""

    def __init__(self, rng: Random, pit: Pit, witness: Witness, new_id: Callable[[], str]) -> None:
        self._rng, self._pit, self._witness, self._new_id = rng, pit, witness, new_id

    def draw(self, client: Client) -> tuple[str, Action]:
        """Return an action's name and what starts it; all chance is spent here."""
        name = self._rng.choices(
            ("simple", "spread", "cancel", "close", "close_all", "cancel_all", "read", "again"),
            (30, 22, 10, 12, 1, 1, 10, 4),
        )[0]
        if client.doubtful:
            name = "again"
        if name in ("simple", "spread"):
            command = self._simple(client) if name == "simple" else self._spread(client)
            return f"{name} {_told(command)}", lambda venue: self.submit(venue, client, command)
        if name == "again":
            return name, self._again(client)
        return name, self._other(name, client)

    async def submit(self, venue: Venue, client: Client, command: SubmitOrder) -> None:
        """Send an order; a 503 leaves it in doubt, any other refusal is final."""
        named = command.client_order_id or ""
        client.doubtful[named] = command  # until an answer comes: a crash brings none
        try:
            order = await venue.submit(client.account, command)
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
        client.ids.append(order.id)
        self._witness.told(client.account, order)

    def _again(self, client: Client) -> Action:
        """Send a doubtful order once more, or one that was accepted and must be refused."""
        if client.doubtful:
            named = self._rng.choice(sorted(client.doubtful))
            command = client.doubtful[named]
            return lambda venue: self._resolve(venue, client, command)
        if not client.accepted:
            return lambda venue: _quiet(venue.account(client.account))
        command = self._simple(client)
        named = self._rng.choice(sorted(client.accepted))
        return lambda venue: self.submit(venue, client, _renamed(command, named))

    async def _resolve(self, venue: Venue, client: Client, command: SubmitOrder) -> None:
        named = command.client_order_id or ""
        try:
            order = await venue.order_by_client_id(client.account, named)
        except Refused as e:
            if e.http_status == 404:
                await self.submit(venue, client, command)
            return
        self._known(client, order)

    def _other(self, name: str, client: Client) -> Action:
        rng, account = self._rng, client.account
        if name == "cancel" and client.ids:
            order_id = rng.choice(client.ids[-8:])
            return lambda venue: self._cancel(venue, client, order_id)
        if name == "close":
            state = self._witness.accounts.get(account)
            held = sorted(state.positions) if state is not None else []
            symbol = rng.choice(held) if held else "SPY"
            percentage = rng.choice([None, None, Decimal(rng.randint(1, 100))])
            return lambda venue: _quiet(venue.close(account, symbol, percentage=percentage))
        if name == "close_all":
            return lambda venue: _quiet(venue.close_all(account, cancel_orders=True))
        if name == "cancel_all":
            return lambda venue: _quiet(venue.cancel_all(account))
        return lambda venue: self._read(venue, client)

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

    def _simple(self, client: Client) -> SubmitOrder:
        rng = self._rng
        symbol = rng.choice([*SHARES, COIN, *rng.choices(self._pit.options, k=6)])
        side = rng.choice(list(Side))
        kind = rng.choices(KINDS, [4, 6, 2, 2, 1 if symbol in SHARES else 0])[0]
        near = self._pit.trend(symbol)
        worth = max(near + Decimal(rng.randint(-60, 60)) / 100, Decimal("0.01"))
        ahead = max(near + side.sign * Decimal(rng.randint(5, 200)) / 100, Decimal("0.01"))
        notional = symbol in SHARES and kind is OrderType.MARKET and rng.random() < 0.3
        trail = Decimal(rng.randint(10, 300)) / 100
        return SubmitOrder(
            order_id=OrderId(self._new_id()),
            client_order_id=self._name(client),
            symbol=symbol,
            side=side,
            type=kind,
            time_in_force=self._time(symbol, kind, notional=notional),
            qty=None if notional else self._qty(symbol),
            notional=Decimal(rng.randint(100, 90_000)) / 100 if notional else None,
            limit_price=worth.quantize(Decimal("0.01")) if kind in PRICED else None,
            stop_price=ahead.quantize(Decimal("0.01")) if kind in STOPPED else None,
            trail_price=trail if kind is OrderType.TRAILING_STOP else None,
        )

    def _time(self, symbol: str, kind: OrderType, *, notional: bool) -> TimeInForce:
        """Return a time in force; mostly one that is allowed."""
        if self._rng.random() < 0.05:
            return self._rng.choice(list(TimeInForce))
        if symbol == COIN:
            return self._rng.choice((TimeInForce.GTC, TimeInForce.IOC))
        if notional or symbol not in SHARES:
            return TimeInForce.DAY
        plain = kind in (OrderType.MARKET, OrderType.LIMIT)
        return self._rng.choice(TIMES if plain else TIMES[:2])

    def _qty(self, symbol: str) -> Decimal:
        if symbol in SHARES:
            return Decimal(self._rng.randint(1, 150))
        if symbol == COIN:
            return Decimal(self._rng.randint(1, 8)) / 16
        return Decimal(self._rng.randint(1, 5))

    def _spread(self, client: Client) -> SubmitOrder:
        """Return a vertical, butterfly, condor, straddle or calendar; or legs at random."""
        rng, options = self._rng, self._pit.options
        symbols = sorted(rng.sample(options, rng.randint(2, 4)))
        if rng.random() < 0.8:  # one expiry and right, as people trade them
            alike = [s for s in options if s[-9] == symbols[0][-9] and s[:9] == symbols[0][:9]]
            symbols = sorted(rng.sample(alike, 2))
        ratios = [rng.choice((1, 1, 2)) * (1 if n % 2 else -1) for n in range(len(symbols))]
        turn = rng.choice((1, -1))
        net = sum(
            (self._pit.trend(s) * r * turn for s, r in zip(symbols, ratios, strict=True)),
            Decimal(0),
        )
        limit = (net + Decimal(rng.randint(-30, 60)) / 100).quantize(Decimal("0.01"))
        limited = limit != 0 and rng.random() < 0.7
        return SubmitOrder(
            order_id=OrderId(self._new_id()),
            client_order_id=self._name(client),
            order_class=OrderClass.MLEG,
            type=OrderType.LIMIT if limited else OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(rng.randint(1, 6)),
            limit_price=limit if limited else None,
            legs=tuple(
                LegRequest(symbol=s, ratio=abs(r), side=Side.BUY if r * turn > 0 else Side.SELL)
                for s, r in zip(symbols, ratios, strict=True)
            ),
        )

    def _name(self, client: Client) -> str:
        client.sent += 1
        return f"{client.account}-{client.sent}"


async def _quiet(done: Awaitable[object]) -> None:
    """Await what may be refused."""
    try:
        await done
    except Refused:
        return


def _renamed(command: SubmitOrder, named: str) -> SubmitOrder:
    return dataclasses.replace(command, client_order_id=named)


def _told(command: SubmitOrder) -> str:
    what = command.symbol or " ".join(
        f"{g.side.sign * g.ratio:+d} {g.symbol}" for g in command.legs
    )
    size = command.qty if command.qty is not None else f"${command.notional}"
    return f"{command.side or ''} {size} {what} {command.type} {command.limit_price}"
