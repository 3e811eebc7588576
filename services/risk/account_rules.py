"""Limits of the account and the session: how much is used, and whether they hold.

All are always evaluated, so a refusal names everything that is wrong at once. Whatever is not
known is a breach.
"""

from __future__ import annotations

from datetime import timedelta

from common.limits import Halt
from common.money import ZERO, Dollars
from common.place import COMMAND
from common.session import Phase, new_york_text
from services.risk.case import Case, Judged
from services.risk.finding import UNKNOWN, Finding, dollars, finding, joined


def halted(case: Judged) -> Finding:
    """Nothing opens unless trading is active."""
    return finding(
        "halt",
        allowed=Halt.ACTIVE.value,
        used=case.halt.value,
        ok=case.halt is Halt.ACTIVE,
        remedy=f"a person releases it with '{COMMAND} kill --release'",
    )


def account_open(case: Judged) -> Finding:
    """The broker lets the account trade."""
    blocked = case.exposure.account.blocked
    return finding(
        "account",
        allowed="not blocked",
        used=blocked or "not blocked",
        ok=blocked is None,
        remedy="ask the broker why the account is blocked",
    )


def session(case: Case) -> Finding:
    """Entries are taken from the open until our cut-off and the broker's, whichever is first."""
    day, now = case.view.session, case.view.now
    last = day.close - case.limits.no_entry_before_close
    underlyings = {leg.contract.underlying for leg in case.intent.legs} if case.intent else set()
    for underlying in underlyings or {case.view.chain.underlying}:
        last = min(last, day.last_order(underlying, case.limits.cut_offs))
    left = last - now
    ok = day.phase(now) is Phase.OPEN and left > timedelta(0)
    return finding(
        "session",
        allowed=f"{new_york_text(day.open)} to {new_york_text(last)}",
        used=new_york_text(now),
        room=f"{max(left, timedelta(0)).total_seconds() / 60:.0f} min" if ok else "none",
        ok=ok,
        remedy="wait for the next session's entry hours; get_market_clock shows them",
    )


def loss_budget(case: Judged) -> Finding:
    """The session may not end below -max_daily_loss even if all ends at its worst.

    Counted are the session so far at natural exit prices, what open positions can still lose,
    orders not yet ended, and this order with its fees. Gains are not budget.
    """
    cap, worst = case.limits.max_daily_loss, case.exposure.worst_pnl
    if worst is None:
        why = joined(case.exposure.unknown) or "no reason given"
        return _budget(cap, used=f"{UNKNOWN} ({why})", room="none", ok=False)
    spent, left = max(-worst, ZERO), max(cap + min(worst, ZERO), ZERO)
    if case.intent is None:
        return _budget(cap, used=dollars(spent), room=dollars(left), ok=spent < cap)
    risk = case.order_risk
    if risk is None:
        used = f"{dollars(spent)} and no bound on this order"
        return _budget(cap, used=used, room=dollars(left), ok=False)
    # A session already past the cap has no room even for an order that risks nothing.
    return _budget(
        cap,
        used=f"{dollars(spent + risk)}, {dollars(risk)} of it this order",
        room=dollars(max(left - risk, ZERO)),
        ok=spent < cap and risk <= left,
    )


def buying_power(case: Case) -> Finding | None:
    """The order costs its universal spread margin plus the net price; options power pays it."""
    if case.intent is None:
        return None
    power, cost = case.exposure.account.options_buying_power, case.order_cost
    bounded = cost if cost is not None and cost.is_finite() else None
    return finding(
        "options_buying_power",
        allowed=dollars(power),
        used="no bound" if bounded is None else dollars(bounded),
        room="none" if bounded is None else dollars(max(power - bounded, ZERO)),
        ok=bounded is not None and bounded <= power,
        remedy="reduce the size, or close positions that hold margin",
    )


def _budget(cap: Dollars, *, used: str, room: str, ok: bool) -> Finding:
    return finding(
        "daily_loss",
        allowed=dollars(cap),
        used=used,
        room=room,
        ok=ok,
        remedy="reduce the size, narrow the wings, or close exposure first",
    )
