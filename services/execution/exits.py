"""The exits that live with each trade, whatever becomes of the chat: price, trail and time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from common.clock import MarketClock, Stopwatch, WallClock
from common.errors import BrokerError, MarketError
from common.ids import ClientOrderId
from common.money import Price
from common.session import Session, new_york_text, trading_day
from services.execution.exit_judge import Fired, Standing, fired
from services.execution.exit_prices import closing_price
from services.execution.holdings import Holdings, Recorded
from services.execution.live_quotes import LiveQuotes
from services.execution.records import GONE, ExitPlan, ExitState, OrderRecord
from services.execution.store import DeskStore
from services.execution.trail import Trail
from services.execution.unwinder import Unwinder

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=50)  # wall time
CONFIRMED = timedelta(milliseconds=250)  # that a price must go on firing: one quote is no market
TRY_AGAIN = timedelta(seconds=2)  # after a close that did not come through
HELD_EVERY = 80  # looks between two readings of the positions: 4 s
TIME = "time exit"


def flat_by(session: Session, exit_before_close: timedelta) -> datetime:
    """Return when a position opened in a session must be flat, of market time."""
    return session.close - exit_before_close


@dataclass(slots=True)
class _Seen:
    """What the looks at one plan have shown so far."""

    cause: Fired | None = None
    since: Stopwatch | None = None
    last: Price | None = None
    tried: Stopwatch | None = None
    absent: bool = False
    closing: asyncio.Task[None] | None = field(default=None, repr=False)


class ExitMonitor:
    """Closes each position when an exit of its fires; keeps trying until it is gone.

    Plans are in the database from before the opening order's send, so a restart goes on with
    them. Prices fire on fresh quotes only; time fires whatever the quotes are.
    """

    def __init__(
        self,
        store: DeskStore,
        holdings: Holdings,
        unwinder: Unwinder,
        quotes: LiveQuotes,
        trail: Trail,
        clock: MarketClock,
        wall: WallClock,
    ) -> None:
        self._store = store
        self._holdings = holdings
        self._unwinder = unwinder
        self._quotes = quotes
        self._trail = trail
        self._clock = clock
        self._wall = wall
        self._seen: dict[ClientOrderId, _Seen] = {}

    def armed(self) -> tuple[ExitPlan, ...]:
        """Return the exits that still watch a trade."""
        return self._store.exits()

    async def watch(self) -> None:
        """Look at every plan, for ever."""
        looks = 0
        async with asyncio.TaskGroup() as closings:
            while True:
                try:
                    await self.look(closings, read_positions=looks % HELD_EVERY == 0)
                except BrokerError as e:
                    log.warning("exits could not be checked: %s", e)
                looks += 1
                await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self, closings: asyncio.TaskGroup, *, read_positions: bool) -> None:
        """Fire what is due; drop what has nothing left to protect."""
        plans = self._store.exits()
        self._seen = {
            plan.client_order_id: self._seen.get(plan.client_order_id, _Seen()) for plan in plans
        }
        if not plans:
            return
        recorded = self._holdings.recorded()
        for plan in plans:
            record, seen = self._store.order(plan.client_order_id), self._seen[plan.client_order_id]
            if seen.closing is not None and not seen.closing.done():
                continue
            if record is None or (record.status.terminal and not record.filled_qty):
                await self._done(plan, "the order ended without a fill")
                continue
            due = await self._due(plan, record, recorded, seen)
            if due is not None:
                seen.closing = closings.create_task(self._close(due, record, seen))
        if read_positions:
            await self._drop_gone()

    async def _due(
        self, plan: ExitPlan, record: OrderRecord, recorded: Recorded, seen: _Seen
    ) -> ExitPlan | None:
        """Return the plan as it is to be closed now, None while nothing is due."""
        if self._clock.now() >= plan.flat_by:
            if plan.cause != TIME:
                plan = await self._fire(plan, Fired(TIME))
        elif plan.state is ExitState.ARMED:
            standing = recorded.standing(record)
            if standing is None or (found := await self._judged(plan, standing, seen)) is None:
                return None
            plan = await self._fire(plan, found)
        waits = seen.tried is not None and seen.tried.elapsed() < TRY_AGAIN
        return None if waits else plan

    async def _judged(self, plan: ExitPlan, standing: Standing, seen: _Seen) -> Fired | None:
        """Return what fires, once it has gone on firing for long enough on fresh quotes."""
        terms = plan.terms
        if terms.stop is None and terms.target is None and terms.trail is None:
            return None
        try:
            quotes = self._quotes.of(leg.contract for leg in standing.held)
        except MarketError as e:
            log.debug("exits of %s wait: %s", plan.client_order_id, e)
            seen.cause = seen.since = seen.last = None
            return None
        now = closing_price(standing.held, quotes)
        best = await self._best(plan, standing, now, seen)
        found = fired(terms, standing, quotes, spot=self._quotes.spot(), best=best)
        if found is None or found != seen.cause or seen.since is None:
            seen.cause, seen.since = found, Stopwatch(self._wall) if found else None
            return None
        return found if seen.since.elapsed() >= CONFIRMED else None

    async def _best(
        self, plan: ExitPlan, standing: Standing, now: Price, seen: _Seen
    ) -> Price | None:
        """Return the best closing price so far, kept durably; two looks must have shown it."""
        if plan.terms.trail is None:
            return None
        best = standing.entry.even if plan.best is None else plan.best
        stood = now if seen.last is None else max(now, seen.last)
        if seen.last is not None and stood < best:
            best = stood
        seen.last = now
        if best != plan.best:
            await self._store.keep_best(plan.client_order_id, best)
        return best

    async def _fire(self, plan: ExitPlan, found: Fired) -> ExitPlan:
        plan = self._store.exit_plan(plan.client_order_id) or plan
        log.warning(
            "%s of %s at %s",
            found.cause,
            plan.client_order_id,
            new_york_text(self._clock.now()),
        )
        return await self._put(
            replace(plan, state=ExitState.CLOSING, cause=found.cause, side=found.side)
        )

    async def _close(self, plan: ExitPlan, record: OrderRecord, seen: _Seen) -> None:
        """Close what a plan says, once; the next look tries again."""
        try:
            gone, note = await self._unwinder.close_opening(
                record, trading_day(self._clock.now()), plan.side
            )
        except BrokerError as e:
            gone, note = False, str(e)
        plan = self._store.exit_plan(plan.client_order_id) or plan
        seen.tried, seen.cause, seen.since, seen.last = Stopwatch(self._wall), None, None, None
        if gone and plan.side is not None:
            side = f"{plan.side.name.lower()} side closed: {plan.cause}"
            armed = replace(plan, state=ExitState.ARMED, side=None, cause="", best=None, note=side)
            seen.tried = None
            await self._put(armed)
        elif gone:
            await self._done(plan, note or f"closed by its {plan.cause}")
        elif note != plan.note:
            log.error("%s of %s has not closed it yet: %s", plan.cause, plan.client_order_id, note)
            await self._put(replace(plan, note=note))

    async def _drop_gone(self) -> None:
        """End the plans of positions that somebody else has closed."""
        found = await self._holdings.read()
        for plan in self._store.exits():
            record = self._store.order(plan.client_order_id)
            seen = self._seen.get(plan.client_order_id)
            if seen is None or record is None or not record.status.terminal:
                continue
            if any(found.of(plan.client_order_id).values()):
                seen.absent = False
            elif seen.absent:
                gone = replace(plan, cause=GONE)
                await self._done(gone, "the position is gone")
            else:  # positions may lag a fill: believe an absence only when seen twice
                seen.absent = True

    async def _done(self, plan: ExitPlan, note: str) -> None:
        await self._put(replace(plan, state=ExitState.DONE, note=note))

    async def _put(self, plan: ExitPlan) -> ExitPlan:
        await self._store.put_exit(plan)
        await self._trail.exit(plan)
        return plan
