"""What is done with a holding other than by an option order: previewed, then confirmed.

Shares and coins are closed, options exercised or left to expire. What raises risk is judged as
the account would stand after it, and where a person is needed the host must ask one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from common.clock import Clock
from common.config import Mode
from common.errors import ApprovalDenied, BadArgument, LimitBreached, TradingError
from common.ids import ConfirmToken, Principal
from common.limits import Breach, Limit
from common.money import Price, Qty, plain
from common.portfolio import Position
from common.session import trading_day
from services.broker.holder import HolderGateway
from services.broker.reader import BrokerReader
from services.execution.exercise import SELL_INSTEAD, Delivery, Facts
from services.execution.kill_switch import KillSwitch
from services.execution.previews import Binding, PreviewStore
from services.execution.share_closer import ShareCloser
from services.execution.share_records import ShareRecord
from services.execution.sight import Sight
from services.execution.tracker import OrderTracker
from services.execution.trail import Trail, preview_id
from services.ops.supervisor import Supervisor
from services.portfolio.exposure import build_exposure
from services.portfolio.portfolio import Portfolio
from services.risk.manager import RiskManager

UNISSUED = ConfirmToken("")
FREE = "cancel the order that holds the rest, or close no more than is free"
# Limits of when and how often a trade may be entered: an exercise enters none.
OF_ENTRIES = frozenset(
    {"session", "trades_per_day", "orders_per_minute", "orders_per_hour", "cooldown"}
    | {"consecutive_losses"}
)


class Kind(StrEnum):
    """What is to be done with a holding."""

    CLOSE = "close_position"
    EXERCISE = "exercise_options_position"
    DECLINE = "do_not_exercise_options_position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A holding and what is to be done with so much of it."""

    kind: Kind
    symbol: str
    qty: Qty

    def __str__(self) -> str:
        """Return it as it is written down."""
        return f"{self.kind.value} {plain(self.qty)} {self.symbol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructed:
    """What a person is shown of it. limits: as the account would stand, where risk is asked."""

    wanted: Instruction
    facts: Facts
    warnings: tuple[str, ...]
    mode: Mode
    limits: tuple[Limit, ...] = ()
    token: ConfirmToken = UNISSUED
    expires_in: timedelta = timedelta(0)

    @property
    def question(self) -> str:
        """Return what a person is asked before it is done."""
        told = ", ".join(f"{name} {value}" for name, value in self.facts)
        return f"{self.mode.value.upper()} {self.wanted}: {told}. Do it?"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionTerms:
    """Whose account it is. needs_person: a token alone does not exercise."""

    mode: Mode
    account: str
    needs_person: bool


class InstructionDesk:
    """Shows, then does, once, in the same lane as every order."""

    def __init__(
        self,
        terms: InstructionTerms,
        *,
        lane: asyncio.Lock,
        sight: Sight,
        portfolio: Portfolio,
        risk: RiskManager,
        reader: BrokerReader,
        closer: ShareCloser,
        holder: HolderGateway,
        tracker: OrderTracker,
        kill_switch: KillSwitch,
        previews: PreviewStore[Instructed],
        supervisor: Supervisor,
        trail: Trail,
        clock: Clock,
    ) -> None:
        self._terms = terms
        self._lane = lane
        self._sight = sight
        self._portfolio = portfolio
        self._risk = risk
        self._reader = reader
        self._closer = closer
        self._holder = holder
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._previews = previews
        self._supervisor = supervisor
        self._trail = trail
        self._clock = clock

    async def preview(self, wanted: Instruction, by: Principal) -> Instructed:
        """Say what it comes to and hold it for one confirmation. Does nothing.

        Raises BadArgument, Halted, and LimitBreached with every breach.
        """
        try:
            shown = await self._weighed(wanted)
        except TradingError as e:
            await self._trail.refusal("preview", by, wanted, e)
            raise
        token = self._previews.issue(shown, self._binding(wanted, by))
        await self._trail.instruction("preview", preview_id(token), by, wanted)
        return replace(shown, token=token, expires_in=self._previews.timeout)

    def question(self, token: ConfirmToken, by: Principal) -> str | None:
        """Return what the host is to ask its user, None where nobody needs to be asked."""
        shown = self._previews.shown(token, by)
        if shown is None or not self._needs_person(shown.wanted):
            return None
        return shown.question

    async def confirm(
        self, wanted: Instruction, token: ConfirmToken, by: Principal, answer: bool | None = None
    ) -> ShareRecord | None:
        """Do what was previewed, judged anew; return the order that closes, if one does.

        answer: what the user said when the host asked. Raises what preview raises,
        PreviewNotFound, PreviewMismatch, ApprovalDenied, and what the send raises.
        """
        try:
            self._previews.claim(token, self._binding(wanted, by))
            if self._needs_person(wanted) and answer is not True:
                raise _unapproved(answer)
            async with self._lane:
                shown = await self._weighed(wanted)
                await self._trail.instruction("confirm", preview_id(token), by, wanted)
                return await self._supervisor.shielded(self._done(shown.wanted, by))
        except TradingError as e:
            await self._trail.refusal("confirm", by, wanted, e)
            raise

    async def _done(self, wanted: Instruction, by: Principal) -> ShareRecord | None:
        try:
            match wanted.kind:
                case Kind.CLOSE:
                    return await self._closed(wanted, by)
                case Kind.EXERCISE:
                    await self._holder.exercise(wanted.symbol, self._kill_switch.require_open)
                case Kind.DECLINE:
                    await self._holder.decline(wanted.symbol)
            return None
        finally:
            self._tracker.look_soon()

    async def _closed(self, wanted: Instruction, by: Principal) -> ShareRecord:
        held = await self._held(wanted)
        today = trading_day(self._clock.now())
        sent = await self._closer.close(held, by, today, wanted.qty)
        if sent is None:
            raise BadArgument(
                f"symbol: an order of ours closes {wanted.symbol} already",
                remedy="get_orders shows it; cancel_order takes it back",
            )
        return sent

    async def _held(self, wanted: Instruction) -> Position:
        held = next((p for p in await self._reader.positions() if p.symbol == wanted.symbol), None)
        if held is None or abs(held.qty) < wanted.qty:
            raise BadArgument(
                f"symbol: {plain(wanted.qty)} of {wanted.symbol} is not held",
                remedy="get_positions lists what is held",
            )
        return held

    async def _weighed(self, wanted: Instruction) -> Instructed:
        held = await self._held(wanted)
        match wanted.kind:
            case Kind.CLOSE:
                return await self._close(wanted, held)
            case Kind.EXERCISE:
                return await self._exercise(wanted, held)
            case Kind.DECLINE:
                return self._decline(wanted, held)

    async def _close(self, wanted: Instruction, held: Position) -> Instructed:
        if wanted.qty > abs(held.qty_available):
            free = plain(abs(held.qty_available))
            raise LimitBreached([_breach("reduce_only", f"{free} free", plain(wanted.qty), FREE)])
        clock, price = await self._reader.clock(), held.current_price
        value = "unknown" if price is None else f"about ${wanted.qty * price:,.2f}"
        closed = () if clock.is_open else ("the market is closed: it waits for the open",)
        return Instructed(
            wanted=wanted,
            facts=(
                ("held", plain(held.qty)),
                ("closes", plain(wanted.qty)),
                ("last price", "unknown" if price is None else plain(price)),
                ("worth", value),
            ),
            warnings=("a market order: it fills at whatever the market gives", *closed),
            mode=self._terms.mode,
        )

    async def _exercise(self, wanted: Instruction, held: Position) -> Instructed:
        """Judge the account as it would stand; everything that would break is told at once."""
        self._kill_switch.require_open()
        delivery = Delivery.of(held)
        seen = await self._sight.look()
        self._risk.close_by_hand(delivery.closing, seen.exposure.positions)
        book, spot = await self._portfolio.book(), seen.view.spot.mid
        after = build_exposure(delivery.delivered(book, spot), self._tracker.pending())
        found = self._risk.check(after, seen.view, self._kill_switch.halt(), seen.activity)
        limits = tuple(limit for limit in found if limit.name not in OF_ENTRIES)
        broken = [_breach(x.name, x.value, x.used, SELL_INSTEAD) for x in limits if not x.ok]
        breaches = [*delivery.breaches(book.account, book.positions), *broken]
        if breaches:
            raise LimitBreached(breaches)
        return Instructed(
            wanted=wanted,
            facts=delivery.facts(held, spot, book.account.buying_power),
            warnings=delivery.warnings(held, spot),
            limits=limits,
            mode=self._terms.mode,
        )

    def _decline(self, wanted: Instruction, held: Position) -> Instructed:
        contract = Delivery.of(held).contract
        today = trading_day(self._clock.now())
        return Instructed(
            wanted=wanted,
            facts=(
                ("held", f"{plain(held.qty)} contracts"),
                ("expires", contract.expiry.isoformat()),
                ("market price", _told(held.current_price)),
            ),
            warnings=(
                "whatever it is worth at expiry is given up; it cannot be taken back",
                *(() if contract.expiry == today else ("it does not expire today",)),
            ),
            mode=self._terms.mode,
        )

    def _needs_person(self, wanted: Instruction) -> bool:
        """Tell whether a person must agree: to close shares only reduces what is held."""
        return self._terms.needs_person and wanted.kind is not Kind.CLOSE

    def _binding(self, wanted: Instruction, by: Principal) -> Binding:
        terms = self._terms
        return Binding(strategy=wanted, principal=by, account=terms.account, mode=terms.mode.value)


def _told(price: Price | None) -> str:
    return "unknown" if price is None else f"{plain(price)} a share"


def _breach(limit: str, allowed: str, projected: str, remedy: str) -> Breach:
    return Breach(limit=limit, allowed=allowed, projected=projected, remedy=remedy)


def _unapproved(answer: bool | None) -> ApprovalDenied:
    if answer is False:
        return ApprovalDenied("a person said no")
    return ApprovalDenied(
        "a person must agree, and this host does not ask its user",
        remedy="nothing was done; the user can do it on the broker's own pages",
    )
