"""Takes positions off: everything, or what one order opened; reads back until it is true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from common.clock import Stopwatch, WallClock
from common.contracts import OptionContract
from common.errors import BrokerError, LimitBreached, NotOpen, OrderNotFound, TradingError
from common.ids import Principal
from common.money import plain
from common.orders import OrderStatus
from common.portfolio import Position
from services.broker.gateway import Broker
from services.broker.reader import BrokerReader
from services.execution.closing import Unwind, plan_unwinds, unwind_of
from services.execution.records import OrderRecord
from services.execution.sender import OrderSender, Ticket
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.risk.manager import RiskManager

log = logging.getLogger(__name__)

COLLARS = (Decimal("0.05"), Decimal("0.15"), Decimal("0.50"), Decimal("1.00"))
FILL_WAIT = timedelta(seconds=2)  # wall time a closing order gets before a wider collar
CANCEL_WAIT = timedelta(seconds=4)
FLATTEN_MAX = timedelta(seconds=22)  # a host cuts a call at 60 s; this leaves room to answer
READ_BACK = timedelta(milliseconds=50)


@dataclass(slots=True, kw_only=True)
class Flattened:
    """What flattening did, and what is left by the broker's own word."""

    canceled: int = 0
    closing: list[OrderRecord] = field(default_factory=list)
    positions_left: tuple[Position, ...] = ()
    orders_left: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        """Whether the broker shows no position and no open order."""
        return not self.positions_left and not self.orders_left


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
        wall: WallClock,
    ) -> None:
        self._store = store
        self._broker = broker
        self._reader = reader
        self._tracker = tracker
        self._sender = sender
        self._risk = risk
        self._wall = wall
        self._one_at_a_time = asyncio.Lock()

    async def flatten(self, by: Principal, day: date) -> Flattened:
        """Cancel every order, close every position, and read back until it is flat.

        Safe to repeat. Raises BrokerError when the broker cannot be read at all.
        """
        async with self._one_at_a_time:
            done = Flattened()
            watch = Stopwatch(self._wall)
            done.canceled = await self.cancel_all(done.notes)
            for collar in COLLARS:
                positions = await self._reader.positions()
                if not positions or watch.elapsed() > FLATTEN_MAX:
                    break
                openings = [r for r in self._store.recent(200) if r.filled_qty and r.intent.opens]
                unwinds = plan_unwinds(positions, openings)
                done.closing += await self._close_all(unwinds, collar, by, day, done.notes)
                await self._close_stocks(positions, done.notes)
            await self._read_back(done, watch)
            return done

    async def close_opening(self, record: OrderRecord, day: date) -> tuple[bool, str]:
        """Close what one opening order still holds; return whether it is gone, and a note."""
        async with self._one_at_a_time:
            if record.remaining:
                await self._cancel((record,))
            notes: list[str] = []
            for collar in COLLARS:
                current = self._store.order(record.client_order_id) or record
                unwind = unwind_of(current, _held(await self._reader.positions()))
                if unwind is None:
                    break
                await self._close_all((unwind,), collar, record.principal, day, notes)
            current = self._store.order(record.client_order_id) or record
            left = unwind_of(current, _held(await self._reader.positions()))
            if not current.status.terminal:
                notes.append(f"its opening order is still {current.status.value}")
            gone = left is None and current.status.terminal
            return gone, "; ".join(dict.fromkeys(notes))

    async def cancel_all(self, notes: list[str]) -> int:
        """Cancel every open order at the broker and wait until none is open."""
        watch = Stopwatch(self._wall)
        asked: set[str] = set()
        while open_orders := await self._reader.orders("open", limit=500):
            fresh = [order for order in open_orders if order.id not in asked]
            replies = await asyncio.gather(
                *(self._broker.cancel(order.id) for order in fresh), return_exceptions=True
            )
            for order, reply in zip(fresh, replies, strict=True):
                if isinstance(reply, NotOpen | OrderNotFound) or reply is None:
                    asked.add(order.id)
                elif isinstance(reply, BrokerError):
                    notes.append(f"cancel of {order.id}: {reply}")
                else:
                    raise reply
            if watch.elapsed() > CANCEL_WAIT:
                notes.append(f"{len(open_orders)} orders are still open after their cancels")
                break
            await asyncio.sleep(READ_BACK.total_seconds())
        await self._tracker.look()
        return len(asked)

    async def _cancel(self, records: Iterable[OrderRecord]) -> None:
        for record in records:
            if record.broker_id is not None:
                try:
                    await self._broker.cancel(record.broker_id)
                except (NotOpen, OrderNotFound):
                    log.info("order %s had already ended", record.client_order_id)
            await self._tracker.look()
            await self._tracker.settled(record.client_order_id, CANCEL_WAIT)

    async def _close_all(
        self,
        unwinds: Sequence[Unwind],
        collar: Decimal,
        by: Principal,
        day: date,
        notes: list[str],
    ) -> list[OrderRecord]:
        closed = []
        for sells_only in (False, True):  # shorts come home before their cover is sold
            wave = [unwind for unwind in unwinds if unwind.sells_only is sells_only]
            sent = await asyncio.gather(
                *(self._close(unwind, collar, by, day, notes) for unwind in wave)
            )
            closed += [record for record in sent if record is not None]
        return closed

    async def _close(
        self, unwind: Unwind, collar: Decimal, by: Principal, day: date, notes: list[str]
    ) -> OrderRecord | None:
        symbols = [leg.contract.symbol for leg in unwind.legs]
        try:
            quotes = await self._reader.option_quotes(symbols)
            intent = unwind.priced(quotes, collar)
            if intent is None:
                notes.append(f"no market to close {', '.join(symbols)}")
                return None
            approved = self._risk.close(intent, await self._reader.positions())
            ticket = Ticket(principal=by, day=day, mid=unwind.mid(quotes), parent=unwind.parent)
            cid = self._sender.new_client_order_id()
            await self._sender.send(approved, cid, ticket)
        except (BrokerError, LimitBreached) as e:
            notes.append(f"closing {', '.join(symbols)}: {e}")
            return None
        record = await self._tracker.settled(cid, FILL_WAIT)
        if record is not None and not record.status.terminal:
            await self._cancel((record,))
            record = self._store.order(cid)
        return record

    async def _close_stocks(self, positions: Sequence[Position], notes: list[str]) -> None:
        for position in positions:
            if position.contract is None and position.qty_available:
                try:
                    await self._broker.close_stock(position.symbol)
                except TradingError as e:
                    notes.append(f"closing {position.symbol}: {e}")

    async def _read_back(self, done: Flattened, watch: Stopwatch) -> None:
        while True:
            positions, orders = await asyncio.gather(
                self._reader.positions(), self._reader.orders("open", limit=500)
            )
            done.positions_left = positions
            done.orders_left = tuple(order.id for order in orders)
            if done.flat or watch.elapsed() > FLATTEN_MAX or not orders:
                break
            await asyncio.sleep(READ_BACK.total_seconds())
        unknown = [r for r in self._store.working() if r.status is OrderStatus.UNKNOWN]
        if unknown:
            ids = ", ".join(record.client_order_id for record in unknown)
            done.notes.append(f"outcome still unknown, being looked up: {ids}")
        if done.positions_left:
            left = ", ".join(f"{plain(p.qty)} {p.symbol}" for p in done.positions_left)
            done.notes.append(f"still held: {left}")


def _held(positions: Sequence[Position]) -> dict[OptionContract, int]:
    return {p.contract: int(p.qty) for p in positions if p.contract is not None}
