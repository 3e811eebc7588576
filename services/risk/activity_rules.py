"""Limits of what has been done this session: how often, how much by whom, and after what."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from common.money import ZERO, Dollars
from common.session import new_york_text
from services.risk.case import Case, Judged
from services.risk.finding import UNKNOWN, Finding, dollars, finding

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
_TOMORROW: Final = "nothing more is opened this session; the next one starts anew"


def trade_risk(case: Judged) -> Finding | None:
    """One trade may not lose more than its cap."""
    if case.intent is None:
        return None
    cap, risk = case.limits.trade_risk, case.order_risk
    return finding(
        "trade_risk",
        allowed=dollars(cap),
        used="no bound" if risk is None else dollars(risk),
        room="none" if risk is None else dollars(max(cap - risk, ZERO)),
        ok=risk is not None and risk <= cap,
        remedy="reduce the size or narrow the wings",
        follows="daily_loss" if case.limits.trade_risk_max is None else "",
    )


def strategy_risk(case: Case) -> Finding:
    """What one strategy has open, with this trade, may not lose more than its cap."""
    cap = case.limits.strategy_risk
    names = {*case.activity.strategies, *((case.intent.strategy,) if case.intent else ())}
    uses = {name: _strategy_use(case, name) for name in names}
    unknown = sorted(name for name, use in uses.items() if use is None)
    name, worst = max(
        ((name, use) for name, use in uses.items() if use is not None),
        key=lambda pair: pair[1],
        default=("", ZERO),
    )
    ok = not unknown and worst <= cap
    return finding(
        "strategy_risk",
        allowed=f"{dollars(cap)} each",
        used=f"{UNKNOWN} ({', '.join(unknown)})" if unknown else f"{dollars(worst)} {name}".strip(),
        room="none" if unknown else dollars(max(cap - worst, ZERO)),
        ok=ok,
        remedy="reduce the size, or close what this strategy has open",
        follows="daily_loss" if case.limits.strategy_risk_max is None else "",
    )


def entries(case: Case) -> Finding | None:
    """A strategy that enters so many times a session enters no more often."""
    if case.intent is None or case.entries_max is None:
        return None
    return _count(
        "strategy_entries",
        case.activity.entries(case.intent.strategy) + 1,
        case.entries_max,
        what=f"of {case.intent.strategy} a session",
        remedy="this strategy has had its shot today; the next session gives another",
    )


def trades_per_day(case: Judged) -> Finding:
    """So many trades are entered in a session."""
    return _count(
        "trades_per_day",
        case.activity.entered + _new(case),
        case.limits.trades_per_day_max,
        what="a session",
        remedy=_TOMORROW,
    )


def orders_per_minute(case: Judged) -> Finding:
    """So many opening orders are sent in a minute of market time, refused ones included."""
    return _count(
        "orders_per_minute",
        case.activity.sent_within(MINUTE) + _new(case),
        case.limits.orders_per_minute_max,
        what="in a minute",
        remedy="wait a minute",
    )


def orders_per_hour(case: Judged) -> Finding:
    """So many opening orders are sent in an hour, refused ones included."""
    return _count(
        "orders_per_hour",
        case.activity.sent_within(HOUR) + _new(case),
        case.limits.orders_per_hour_max,
        what="in an hour",
        remedy="wait; the oldest orders of the hour make room",
    )


def duplicate(case: Case) -> Finding | None:
    """The same order is not opened twice in a moment while the first still stands."""
    if case.intent is None:
        return None
    window = case.limits.duplicate_window
    twin = next(
        (
            trade
            for trade in reversed(case.activity.alike(case.intent))
            if trade.intent.qty == case.intent.qty
            and trade.open
            and case.activity.at - trade.sent_at < window
        ),
        None,
    )
    return finding(
        "duplicate",
        allowed=f"none within {window.total_seconds():.0f} s",
        used="none" if twin is None else f"the same order sent {new_york_text(twin.sent_at)}",
        ok=twin is None,
        remedy="get_orders shows the first; wait if a second one is truly wanted",
    )


def repeats(case: Case) -> Finding | None:
    """The same contracts are not opened over and over."""
    if case.intent is None:
        return None
    return _count(
        "repeats",
        len(case.activity.alike(case.intent)) + 1,
        case.limits.repeats_max,
        what="in the same contracts",
        remedy="choose other strikes, or leave this trade for today",
    )


def cooldown(case: Judged) -> Finding:
    """After a losing trade nothing is opened for a while."""
    pause, last = case.limits.cooldown_after_loss, case.activity.last_loss_at
    left = timedelta(0) if last is None else max(last + pause - case.activity.at, timedelta(0))
    return finding(
        "cooldown",
        allowed=f"{pause.total_seconds() / 60:g} min after a loss",
        used="no loss" if last is None else f"last loss {new_york_text(last)}",
        room="ok" if not left else f"{left.total_seconds() / 60:.1f} min to wait",
        ok=not left,
        remedy="wait until the pause after the loss is over",
    )


def losing_streak(case: Judged) -> Finding:
    """So many losses in a row end the session's trading."""
    streak, most = case.activity.losing_streak, case.limits.consecutive_losses_max
    return finding(
        "consecutive_losses",
        allowed=f"under {most}",
        used=str(streak),
        room=str(max(most - streak, 0)),
        ok=streak < most,
        remedy=_TOMORROW,
    )


def _new(case: Judged) -> int:
    return 0 if case.intent is None else 1


def _strategy_use(case: Case, name: str) -> Dollars | None:
    """Return what a strategy may lose with this order, None when there is no bound."""
    open_risk = case.activity.risk_in_use(name)
    if open_risk is None or case.intent is None or case.intent.strategy != name:
        return open_risk
    return None if case.order_risk is None else open_risk + case.order_risk


def _count(name: str, after: int, most: int, *, what: str, remedy: str) -> Finding:
    return finding(
        name,
        allowed=f"{most} {what}",
        used=str(after),
        room=str(max(most - after, 0)),
        ok=after <= most,
        remedy=remedy,
    )
