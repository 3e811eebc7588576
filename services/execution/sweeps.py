"""Cancels of many orders at once, ours and others', and the wait until the broker has none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from common.clock import Stopwatch, WallClock
from common.contracts import AssetClass, asset_class
from common.errors import BrokerError, NotOpen, OrderNotFound
from common.orders import Order
from services.broker.gateway import Broker
from services.broker.reader import BrokerReader
from services.execution.tracker import OrderTracker

CANCEL_WAIT: Final = timedelta(seconds=4)
READ_BACK: Final = timedelta(milliseconds=50)
PAGE_MAX: Final = 500  # open orders the broker lists at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep came to: orders whose cancel was asked, those still open, and troubles."""

    asked: frozenset[str]
    left: tuple[Order, ...]
    notes: tuple[str, ...]


def any_order(_: Order) -> bool:
    """Mean every order."""
    return True


def is_option_order(order: Order) -> bool:
    """Tell whether an order trades options; what is no symbol we know is none."""
    try:
        return all(asset_class(leg.symbol) is AssetClass.OPTION for leg in order.legs)
    except ValueError:
        return False


class Sweeper:
    """Cancels whatever is meant, also what takes its place meanwhile. Never gated by risk."""

    def __init__(
        self, broker: Broker, reader: BrokerReader, tracker: OrderTracker, wall: WallClock
    ) -> None:
        self._broker = broker
        self._reader = reader
        self._tracker = tracker
        self._wall = wall

    async def sweep(self, meant: Callable[[Order], bool] = any_order) -> Swept:
        """Cancel the open orders that are meant, and wait until none of them is open.

        Safe to repeat. Raises BrokerError when the broker cannot be read at all.
        """
        watch, asked, notes = Stopwatch(self._wall), set[str](), dict[str, str]()
        while left := await self._open(meant):
            fresh = [order for order in left if order.id not in asked]
            replies = await asyncio.gather(
                *(self._broker.cancel(order.id) for order in fresh), return_exceptions=True
            )
            for order, reply in zip(fresh, replies, strict=True):
                if isinstance(reply, NotOpen | OrderNotFound) or reply is None:
                    asked.add(order.id)
                elif isinstance(reply, BrokerError):
                    notes[order.id] = f"cancel of {order.id}: {reply}"
                else:
                    raise reply
            if watch.elapsed() > CANCEL_WAIT:
                notes[""] = f"{len(left)} orders are still open after their cancels"
                break
            await asyncio.sleep(READ_BACK.total_seconds())
        await self._tracker.look()
        return Swept(asked=frozenset(asked), left=left, notes=tuple(notes.values()))

    async def _open(self, meant: Callable[[Order], bool]) -> tuple[Order, ...]:
        found = await self._reader.orders("open", limit=PAGE_MAX)
        return tuple(order for order in found if meant(order))
