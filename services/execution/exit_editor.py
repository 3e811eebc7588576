"""Seeing and changing the exits of a trade. The time exit is the desk's own and stays."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from common.errors import ExitNotFound, ExitUnwanted, MarketError, OrderNotFound
from common.exits import ExitTerms
from common.ids import ClientOrderId, OrderId
from common.money import Dollars, Price
from common.orders import Leg
from services.execution.exit_judge import Standing, fired
from services.execution.exit_prices import ExitLine, closing_price, lines, require_sense
from services.execution.holdings import Holdings
from services.execution.live_quotes import LiveQuotes
from services.execution.records import ExitPlan, ExitState, OrderRecord
from services.execution.store import DeskStore
from services.execution.trail import Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A trade with its exits, the legs it still holds, and what closing makes of it now.

    closing and result are None while the quotes are not fresh.
    """

    plan: ExitPlan
    record: OrderRecord
    held: tuple[Leg, ...]
    lines: tuple[ExitLine, ...]
    closing: Price | None
    result: Dollars | None


class ExitEditor:
    """Attaches, changes and takes away price exits; never one that would fire at once."""

    def __init__(
        self, store: DeskStore, holdings: Holdings, quotes: LiveQuotes, trail: Trail
    ) -> None:
        self._store = store
        self._holdings = holdings
        self._quotes = quotes
        self._trail = trail

    def listed(self) -> tuple[Guarded, ...]:
        """Return every exit that still watches a trade, oldest trade first."""
        recorded = self._holdings.recorded()
        found = []
        for plan in self._store.exits():
            record = self._store.order(plan.client_order_id)
            if record is not None:
                found.append(self._guarded(plan, record, recorded.standing(record)))
        return tuple(sorted(found, key=lambda one: one.record.created_at))

    async def attach(self, order_id: str, wanted: ExitTerms) -> Guarded:
        """Give a trade without price exits some. Raises ExitUnwanted where it has them."""
        plan, record = self._armed(order_id)
        if plan.terms.stop or plan.terms.target or plan.terms.trail:
            raise ExitUnwanted(
                f"{record.client_order_id} has exits already", remedy="change them by edit_exit"
            )
        if not (wanted.stop or wanted.target or wanted.trail):
            raise ExitUnwanted("no exit was named", remedy="name a stop, a target or a trail")
        return await self._set(plan, record, wanted)

    async def edit(
        self,
        order_id: str,
        *,
        stop: str | None,
        target: str | None,
        trail: str | None,
        per_side: bool | None,
    ) -> Guarded:
        """Change what is named; "none" takes an exit away. Raises BadArgument, ExitUnwanted."""
        plan, record = self._armed(order_id)
        terms = plan.terms.overridden(stop=stop, target=target, trail=trail)
        if per_side is not None:
            terms = replace(terms, per_side=per_side)
        return await self._set(plan, record, terms)

    async def cancel(self, order_id: str) -> Guarded:
        """Take every price exit away; the time exit stays."""
        plan, record = self._armed(order_id)
        return await self._set(plan, record, ExitTerms())

    async def _set(self, plan: ExitPlan, record: OrderRecord, terms: ExitTerms) -> Guarded:
        standing = self._holdings.recorded().standing(record)
        if standing is None:
            raise ExitNotFound(f"{record.client_order_id} holds nothing yet, or nothing any more")
        require_sense(terms, standing.entry, self._quotes.spot())
        best = None if terms.trail != plan.terms.trail else plan.best
        self._require_quiet(terms, standing, best)
        changed = replace(plan, terms=terms, best=best, note="")
        await self._store.put_exit(changed)
        await self._trail.exit(changed)
        return self._guarded(changed, record, standing)

    def _require_quiet(self, terms: ExitTerms, standing: Standing, best: Price | None) -> None:
        """Refuse exits that fire on what the market shows now. Raises a MarketError too."""
        if not (terms.stop or terms.target or terms.trail):
            return
        quotes = self._quotes.of(leg.contract for leg in standing.held)
        found = fired(terms, standing, quotes, spot=self._quotes.spot(), best=best)
        if found is not None:
            price = closing_price(standing.held, quotes)
            raise ExitUnwanted(f"{found.cause} would fire at once: closing costs {price} now")

    def _armed(self, order_id: str) -> tuple[ExitPlan, OrderRecord]:
        record = self._store.order(ClientOrderId(order_id)) or self._store.by_broker_id(
            OrderId(order_id)
        )
        if record is None:
            raise OrderNotFound(order_id)
        plan = self._store.exit_plan(record.client_order_id)
        if plan is None or plan.state is ExitState.DONE:
            why = f": {plan.note}" if plan is not None and plan.note else ""
            raise ExitNotFound(f"no exit watches {order_id}{why}")
        if plan.state is ExitState.CLOSING:
            raise ExitUnwanted(f"{order_id} is being closed: {plan.cause}")
        return plan, record

    def _guarded(self, plan: ExitPlan, record: OrderRecord, standing: Standing | None) -> Guarded:
        closing = None
        if standing is not None:
            with suppress(MarketError):  # not fresh: shown as unknown
                quotes = self._quotes.of(leg.contract for leg in standing.held)
                closing = closing_price(standing.held, quotes)
        return Guarded(
            plan=plan,
            record=record,
            held=() if standing is None else standing.held,
            lines=() if standing is None else lines(plan.terms, standing.entry),
            closing=closing,
            result=None if closing is None or standing is None else standing.entry.result(closing),
        )
