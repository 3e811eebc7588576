"""What happened to a trade, in one sentence of numbers and names that are the desk's own.

Reasons and notes may hold words of the broker, so they stay out: get_order_status has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from common.limits import Halt
from common.money import plain
from common.orders import Fill, OrderIntent, OrderStatus
from services.execution.latches import Latch
from services.execution.records import ExitPlan, ExitState, Tracked

_WORTH_TELLING = frozenset(
    {OrderStatus.UNKNOWN, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
)


def fill_told(record: Tracked, fill: Fill | None) -> str:
    """Return that an order filled, in part or whole; a price of several legs is the net."""
    intent = record.intent
    several = isinstance(intent, OrderIntent) and len(intent.legs) > 1
    price = record.filled_avg_price if fill is None or several else fill.price
    at = "" if price is None else f", at {plain(price)}"
    return f"{intent.strategy}: {_filled(record)} filled{at}, order {record.client_order_id}"


def order_told(record: Tracked) -> str | None:
    """Return that an order ended unfilled or is of unknown outcome, None for less."""
    if record.status not in _WORTH_TELLING:
        return None
    left = f", {_filled(record)} filled" if record.filled_qty else ""
    name = f"{record.intent.strategy}: order {record.client_order_id}"
    return f"{name} is {record.status.value}{left}"


def exit_told(plan: ExitPlan) -> str | None:
    """Return that an exit fired or is done, None while it only watches."""
    if plan.state is ExitState.CLOSING:
        stage = "is still closing" if plan.note else "is closing"
        return f"exit fired ({plan.cause}): the trade of order {plan.client_order_id} {stage}"
    if plan.state is ExitState.DONE:
        why = f" ({plan.cause})" if plan.cause else ""
        return f"exit done{why}: nothing of order {plan.client_order_id} is watched any more"
    return None


def halt_told(halt: Halt, causes: Sequence[Latch]) -> str:
    """Return how far trading is halted now and by what."""
    if halt is Halt.ACTIVE:
        return "trading is active again"
    names = ", ".join(dict.fromkeys(one.cause for one in causes))
    return f"trading is {halt.value}{f' ({names})' if names else ''}: risk_check says why"


def _filled(record: Tracked) -> str:
    """Return how much has filled, of how much where the order counts units."""
    wanted, done = record.intent.qty, plain(Decimal(record.filled_qty))
    return done if wanted is None else f"{done} of {plain(Decimal(wanted))}"
