"""The one door between what is wanted and what may be sent.

approve checks an opening order against every limit and reports all breaches at once; close
passes whatever can only reduce what is held. Only here is Approved built.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from common.errors import LimitBreached
from common.limits import Halt, Limit
from common.orders import Approved, OrderIntent
from common.portfolio import Exposure, Position
from common.quotes import MarketView
from services.risk.case import Case, RiskLimits
from services.risk.finding import Finding, dollars
from services.risk.reduce_only import reduce_only
from services.risk.rules import RULES


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
        alternatives: Iterable[tuple[str, OrderIntent]] = (),
    ) -> Approved[OrderIntent]:
        """Pass an order that opens, or raise LimitBreached with every breach at once.

        alternatives are (terms, intent), nearest first; the first that would pass is named as
        the nearest. What cannot be known is a breach.
        """
        case = Case(limits=self._limits, exposure=exposure, view=view, halt=halt, intent=intent)
        breaches = tuple(found.breach for found in _found(case) if not found.limit.ok)
        if breaches:
            raise LimitBreached(breaches, nearest=self._nearest(alternatives, exposure, view, halt))
        return Approved(intent)

    def check(
        self,
        exposure: Exposure,
        view: MarketView,
        halt: Halt,
        intent: OrderIntent | None = None,
    ) -> tuple[Limit, ...]:
        """Return every limit with how much is used, as after an order when one is given."""
        case = Case(limits=self._limits, exposure=exposure, view=view, halt=halt, intent=intent)
        return tuple(found.limit for found in _found(case))

    def close(self, intent: OrderIntent, positions: Sequence[Position]) -> Approved[OrderIntent]:
        """Pass an order that only reduces positions held, or raise LimitBreached.

        No other limit applies, no halt either: closing must stay possible.
        """
        breaches = reduce_only(intent, positions)
        if breaches:
            raise LimitBreached(breaches)
        return Approved(intent)

    def _nearest(
        self,
        alternatives: Iterable[tuple[str, OrderIntent]],
        exposure: Exposure,
        view: MarketView,
        halt: Halt,
    ) -> str | None:
        for terms, intent in alternatives:
            case = Case(limits=self._limits, exposure=exposure, view=view, halt=halt, intent=intent)
            if all(f.limit.ok for f in _found(case)) and case.order_risk is not None:
                return (
                    f"call again with {terms}, which passes every limit now and loses at most "
                    f"{dollars(case.order_risk)}"
                )
        return None


def _found(case: Case) -> tuple[Finding, ...]:
    found = (rule(case) for rule in RULES)
    return tuple(finding for finding in found if finding is not None)
