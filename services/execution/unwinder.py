"""Takes positions off: everything, or what one order opened; reads back until it is true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from common.clock import Stopwatch, WallClock
from common.contracts import Right
from common.errors import BrokerError, LimitBreached, TradingError
from common.ids import ClientOrderId, Principal
from common.money import plain
from common.orders import OrderStatus
from common.portfolio import Position
from services.broker.gateway import Broker
from services.broker.reader import BrokerReader
from services.execution.broker_lock import BrokerLock
from services.execution.cancels import Canceler
from services.execution.close_lanes import CloseLanes
from services.execution.closing import Unwind, plan_unwinds, unwinds_of
from services.execution.holdings import Holdings
from services.execution.records import OrderRecord, Tracked
from services.execution.sender import OrderSender, Ticket
from services.execution.share_closer import ShareCloser
from services.execution.share_records import ShareRecord
from services.execution.store import DeskStore
from services.execution.sweeps import Sweeper
from services.execution.tracker import OrderTracker
from services.execution.walker import LimitWalker, Pace
from services.risk.manager import RiskManager

log = logging.getLogger(__name__)

COLLARS = (Decimal("0.05"), Decimal("0.15"), Decimal("0.50"), Decimal("1.00"))
FILL_WAIT = timedelta(seconds=2)  # wall time a closing order gets before a wider collar
CANCEL_WAIT = timedelta(seconds=4)
FLATTEN_MAX = timedelta(seconds=22)  # a host cuts a call at 60 s; this leaves room to answer
READ_BACK = timedelta(milliseconds=50)
EXIT_PACE = Pace(steps=3, every=timedelta(milliseconds=250), to_limit=True)


@dataclass(slots=True, kw_only=True)
class Flattened:
    """What flattening did, and what is left by the broker's own word."""

    canceled: int = 0
    kept: set[str] = field(default_factory=set)  # orders that were to stay open
    resting: list[OrderRecord] = field(default_factory=list)  # sales that nobody bids for
    closing: list[OrderRecord] = field(default_factory=list)
    shares: list[ShareRecord] = field(default_factory=list)  # orders that close stocks and coins
    positions_left: tuple[Position, ...] = ()
    orders_left: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        """Whether the broker shows no position, and no open order that was not to stay."""
        return not self.positions_left and self.kept.issuperset(self.orders_left)

    @property
    def unsellable(self) -> bool:
        """Whether all that is left is offered at the least price, and nobody bids."""
        offered = {leg.contract for record in self.resting for leg in record.intent.legs}
        left = {position.contract for position in self.positions_left}
        return bool(left) and left <= offered


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How one round of closing goes, and what it has to say.

    collar: share of natural that a limit may be worse. walks: from the mid, not at once.
    """

    collar: Decimal
    by: Principal
    day: date
    notes: list[str]
    walks: bool = False
    resting: list[OrderRecord] = field(default_factory=list)
    dear: list[Unwind] = field(default_factory=list)  # the market asks more than they can owe


class Unwinder:
    """Closes with limits around the market, wider each time; spreads as spreads.

    Needs no halt to be released and no chain to be streaming: quotes are asked of the
    broker for exactly the legs to be closed.
    """

    def __init__(
        self,
        store: DeskStore,
        broker: Broker,
        reader: BrokerReader,
        tracker: OrderTracker,
        sender: OrderSender,
        risk: RiskManager,
        lock: BrokerLock,
        wall: WallClock,
        *,
        sweeper: Sweeper,
        holdings: Holdings,
        canceler: Canceler,
        walker: LimitWalker | None,
        shares: ShareCloser,
    ) -> None:
        """Close through these; walker: how exits find their price, None to go at natural."""
        self._store = store
        self._broker = broker
        self._reader = reader
        self._tracker = tracker
        self._sender = sender
        self._risk = risk
        self._lock = lock
        self._wall = wall
        self._sweeper = sweeper
        self._holdings = holdings
        self._canceler = canceler
        self._walker = walker
        self._lanes = CloseLanes()
        self._shares = shares

    async def flatten(self, by: Principal, day: date, *, cancel: bool = True) -> Flattened:
        """Cancel every order, close every position, and read back until it is flat.

        cancel: without it open orders stay, and hold what they would close. Safe to repeat.
        Raises BrokerError when the broker cannot be read at all.
        """
        async with self._lanes.alone():
            done = Flattened()
            watch = Stopwatch(self._wall)
            await self._sweep(done, cancel=cancel)
            await self._lock.lift(sure=True)
            for collar in COLLARS:
                positions = await self._reader.positions()
                if not positions or watch.elapsed() > FLATTEN_MAX:
                    break
                openings = self._holdings.openings()
                unwinds = plan_unwinds(positions, openings, self._holdings.closings(openings))
                how = Closing(collar=collar, by=by, day=day, notes=done.notes)
                offered = {leg.contract for r in done.resting for leg in r.intent.legs}
                left = [u for u in unwinds if offered.isdisjoint(leg.contract for leg in u.legs)]
                done.closing += await self._close_all(left, how)
                done.resting += how.resting
                done.shares += await self._close_stocks(positions, how)
            await self._read_back(done, watch)
            return done

    async def close_opening(
        self, record: OrderRecord, day: date, side: Right | None = None
    ) -> tuple[bool, str]:
        """Close what one opening order still holds, or one side of it.

        Returns whether it is gone, and a note. What an earlier try left working is taken back
        first; while its outcome is unknown nothing is sent. Trades that share no contract are
        closed beside each other.
        """
        async with self._lanes.of(leg.contract for leg in record.intent.legs):
            if record.remaining:
                await self._canceler.cancel(record.client_order_id, CANCEL_WAIT)
            notes: list[str] = []
            if not await self._clear(record, notes):
                return False, "; ".join(notes)
            for collar in COLLARS:
                unwinds = await self._left(record, side)
                how = Closing(collar=collar, by=record.principal, day=day, notes=notes, walks=True)
                if not unwinds:
                    break
                await self._close_all(unwinds, how)
                if how.resting or how.dear:
                    break  # no wider limit would change that
            current = self._store.order(record.client_order_id) or record
            if not current.status.terminal:
                notes.append(f"its opening order is still {current.status.value}")
            gone = not await self._left(record, side) and current.status.terminal
            return gone, "; ".join(dict.fromkeys(notes))

    async def _sweep(self, done: Flattened, *, cancel: bool) -> None:
        if cancel:
            swept = await self._sweeper.sweep()
            done.canceled = len(swept.asked)
            done.notes += swept.notes
        else:
            done.kept = {order.id for order in await self._reader.orders("open", limit=500)}

    async def _left(self, record: OrderRecord, side: Right | None) -> tuple[Unwind, ...]:
        current = self._store.order(record.client_order_id) or record
        found = await self._holdings.read()
        return unwinds_of(current, found.of(record.client_order_id), found.held, side)

    async def _clear(self, record: OrderRecord, notes: list[str]) -> bool:
        """Take back closing orders of an earlier try; return whether another may be sent."""
        for child in self._store.working():
            if child.parent != record.client_order_id:
                continue
            if child.status is OrderStatus.UNKNOWN:
                notes.append(f"the outcome of its closing order {child.client_order_id} is unknown")
                return False
            if await self._unbid(child):
                notes.append(_offered(child))
                return False
            ended = await self._canceler.cancel(child.client_order_id, CANCEL_WAIT)
            if ended is not None and not ended.status.terminal:
                notes.append(f"its closing order {child.client_order_id} is not canceled yet")
                return False
        return True

    async def _unbid(self, child: OrderRecord) -> bool:
        """Tell whether an order offers what still nobody bids for."""
        legs, qty = child.intent.legs, child.intent.qty
        unwind = Unwind(legs=legs, qty=qty, strategy=child.intent.strategy)
        symbols = [leg.contract.symbol for leg in legs]
        return child.rests and unwind.unbid(await self._reader.option_quotes(symbols))

    async def _close_all(self, unwinds: Sequence[Unwind], how: Closing) -> list[OrderRecord]:
        closed = []
        for sells_only in (False, True):  # shorts come home before their cover is sold
            wave = [unwind for unwind in unwinds if unwind.sells_only is sells_only]
            sent = await asyncio.gather(*(self._close(unwind, how) for unwind in wave))
            closed += [record for record in sent if record is not None]
        return closed

    async def _close(self, unwind: Unwind, how: Closing) -> OrderRecord | None:
        symbols = [leg.contract.symbol for leg in unwind.legs]
        try:
            # Read right before: what is held and not claimed now is all that may be closed.
            quotes, held = await asyncio.gather(
                self._reader.option_quotes(symbols), self._reader.positions()
            )
            intent = unwind.priced(quotes, how.collar)
            if intent is None:
                how.notes.append(f"no market to close {', '.join(symbols)}")
                return None
            if unwind.dear(quotes):
                how.dear.append(unwind)
                how.notes.append(f"the market asks more than {', '.join(symbols)} can come to owe")
            approved = self._risk.close(intent, held)
            walker = self._walker if how.walks and not unwind.unbid(quotes) else None
            ticket = Ticket(
                principal=how.by,
                day=how.day,
                mid=unwind.mid(quotes),
                parent=unwind.parent,
                start=None if walker is None else walker.start(intent),
                rests=unwind.unbid(quotes),
            )
            cid = self._sender.new_client_order_id()
            await self._sender.send(approved, cid, ticket)
            if walker is not None:
                await walker.walk(approved, cid, EXIT_PACE)
            return await self._seen_through(cid, how, rests=ticket.rests)
        except (BrokerError, LimitBreached) as e:
            self._lock.doubt()
            how.notes.append(f"closing {', '.join(symbols)}: {e}")
            return None

    async def _seen_through(
        self, cid: ClientOrderId, how: Closing, *, rests: bool
    ) -> OrderRecord | None:
        record = await self._tracker.settled(cid, FILL_WAIT)
        if record is None or record.status.terminal:
            return record
        if rests:
            how.resting.append(record)
            how.notes.append(_offered(record))
            return record
        return await self._canceler.cancel(cid, CANCEL_WAIT)

    async def _close_stocks(self, positions: Sequence[Position], how: Closing) -> list[ShareRecord]:
        sent: list[ShareRecord | None] = []
        for position in positions:
            if position.contract is None and position.qty_available:
                try:
                    sent.append(await self._shares.close(position, how.by, how.day))
                except TradingError as e:
                    self._lock.doubt()
                    how.notes.append(f"closing {position.symbol}: {e}")
        return [record for record in sent if record is not None]

    async def _read_back(self, done: Flattened, watch: Stopwatch) -> None:
        while True:
            positions, orders = await asyncio.gather(
                self._reader.positions(), self._reader.orders("open", limit=500)
            )
            done.positions_left = positions
            done.orders_left = tuple(order.id for order in orders)
            resting = {record.broker_id for record in done.resting}
            waits = {order.id for order in orders} - resting - done.kept
            if done.flat or watch.elapsed() > FLATTEN_MAX or not waits:
                break
            await asyncio.sleep(READ_BACK.total_seconds())
        working: list[Tracked] = [*self._store.working(), *self._store.shares.working()]
        unknown = [r.client_order_id for r in working if r.status is OrderStatus.UNKNOWN]
        if unknown:
            ids = ", ".join(unknown)
            done.notes.append(f"outcome still unknown, being looked up: {ids}")
        if done.positions_left:
            left = ", ".join(f"{plain(p.qty)} {p.symbol}" for p in done.positions_left)
            done.notes.append(f"still held: {left}")


def _offered(record: OrderRecord) -> str:
    what = ", ".join(leg.contract.symbol for leg in record.intent.legs)
    return f"nobody bids for {what}: offered at {abs(record.intent.limit)}, good for the day"
