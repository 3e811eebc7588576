"""The one door between what is wanted and what may be sent.

approve checks an opening order against every limit and reports all breaches at once; close
passes whatever can only reduce what is held. Only here is Approved built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common.errors import LimitBreached
from common.limits import Breach, Halt, Limit
from common.orders import Approved, OrderIntent
from common.portfolio import Exposure, Position
from common.quotes import ChainSnapshot, MarketView
from common.session import Session
from common.shares import ShareIntent
from services.analysis.var import BookRisk
from services.risk.activity import Activity
from services.risk.case import Case
from services.risk.cover import uncovered
from services.risk.finding import Finding, dollars
from services.risk.lean import Lean
from services.risk.limits import RiskLimits
from services.risk.reduce_only import reduce_only
from services.risk.rules import DRIFTING, RULES
from services.risk.share_case import ShareCase
from services.risk.share_rules import SHARE_RULES, reduces_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """An order that passed: every limit as after it, and the tail with it if it opens."""

    order: Approved[OrderIntent]
    limits: tuple[Limit, ...]
    tail: BookRisk | None = None


class RiskManager:
    """Limits over values handed in: no clock, no disk, no socket. Fails closed."""

    def __init__(self, limits: RiskLimits) -> None:
        self._limits = limits

    @property
    def limits(self) -> RiskLimits:
        """The configured bounds."""
        return self._limits

    def approve(
        self,
        intent: OrderIntent,
        exposure: Exposure,
        view: MarketView,
        halt: Halt,
        activity: Activity,
        alternatives: Iterable[tuple[str, OrderIntent]] = (),
        entries_max: int | None = None,
    ) -> Passed:
        """Pass an order that opens, or raise LimitBreached with every breach at once.

        alternatives are (terms, intent), nearest first; the first that would pass is named as
        the nearest. entries_max: how often its strategy enters a session. What cannot be known
        is a breach.
        """
        case = Case(
            limits=self._limits,
            exposure=exposure,
            view=view,
            halt=halt,
            intent=intent,
            activity=activity,
            entries_max=entries_max,
        )
        found = tuple(_found(case))
        if breaches := _breaches(found):
            raise LimitBreached(breaches, nearest=_nearest(alternatives, case))
        limits = tuple(one.limit for one in found)
        return Passed(order=Approved(intent), limits=limits, tail=case.tails[0])

    def check(
        self,
        exposure: Exposure,
        view: MarketView,
        halt: Halt,
        activity: Activity,
        intent: OrderIntent | None = None,
        entries_max: int | None = None,
    ) -> tuple[Limit, ...]:
        """Return every limit with how much is used, as after an order when one is given."""
        case = Case(
            limits=self._limits,
            exposure=exposure,
            view=view,
            halt=halt,
            intent=intent,
            activity=activity,
            entries_max=entries_max,
        )
        return tuple(found.limit for found in _found(case))

    def approve_shares(self, case: ShareCase) -> Approved[ShareIntent]:
        """Pass an order in a stock or a coin that opens, or raise LimitBreached as approve does."""
        if breaches := _breaches(_found_in_shares(case)):
            raise LimitBreached(breaches)
        return Approved(case.intent)

    def check_shares(self, case: ShareCase) -> tuple[Limit, ...]:
        """Return every limit with how much is used, as after the order."""
        return tuple(found.limit for found in _found_in_shares(case))

    def close_shares(
        self, intent: ShareIntent, positions: Sequence[Position]
    ) -> Approved[ShareIntent]:
        """Pass an order that only reduces what is held of a symbol, or raise LimitBreached.

        No other limit applies, no halt either: closing must stay possible.
        """
        if breaches := reduces_shares(intent, positions):
            raise LimitBreached(breaches)
        return Approved(intent)

    def drift(
        self, exposure: Exposure, chain: ChainSnapshot | None, session: Session, now: datetime
    ) -> tuple[Finding, ...]:
        """Return the limits that the market alone can breach, as the account leans now."""
        lean = Lean(limits=self._limits, exposure=exposure, chain=chain, session=session, now=now)
        return tuple(rule(lean) for rule in DRIFTING)

    def lost(self, exposure: Exposure) -> bool | None:
        """Tell whether the session has lost its maximum at natural exit prices; None unknown."""
        pnl = exposure.session_pnl
        return None if pnl is None else pnl <= -self._limits.max_daily_loss

    def close(self, intent: OrderIntent, positions: Sequence[Position]) -> Approved[OrderIntent]:
        """Pass an order that only reduces positions held, or raise LimitBreached.

        No other limit applies, no halt either: closing must stay possible.
        """
        breaches = reduce_only(intent, positions)
        if breaches:
            raise LimitBreached(breaches)
        return Approved(intent)

    def close_by_hand(
        self, intent: OrderIntent, positions: Sequence[Position]
    ) -> Approved[OrderIntent]:
        """Pass a caller's own closing order, which may not leave another leg uncovered either."""
        breaches = (*reduce_only(intent, positions), *uncovered(intent, positions))
        if breaches:
            raise LimitBreached(breaches)
        return Approved(intent)


def _nearest(alternatives: Iterable[tuple[str, OrderIntent]], refused: Case) -> str | None:
    for terms, intent in alternatives:
        case = replace(refused, intent=intent)
        if all(finding.limit.ok for finding in _found(case)) and case.order_risk is not None:
            return (
                f"call again with {terms}, which passes every limit now and loses at most "
                f"{dollars(case.order_risk)}"
            )
    return None


def _breaches(found: Iterable[Finding]) -> tuple[Breach, ...]:
    """Return what does not hold, without what only repeats another."""
    wrong = [finding for finding in found if not finding.limit.ok]
    named = {finding.limit.name for finding in wrong}
    return tuple(finding.breach for finding in wrong if finding.follows not in named)


def _found(case: Case) -> Iterator[Finding]:
    """Yield what each rule finds, in their order, as far as it is asked for."""
    return (finding for rule in RULES if (finding := rule(case)) is not None)


def _found_in_shares(case: ShareCase) -> Iterator[Finding]:
    return (finding for rule in SHARE_RULES if (finding := rule(case)) is not None)
