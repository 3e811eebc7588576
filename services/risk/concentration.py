"""Limits of how much is open, and of how much of it hangs on one strike or one day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from common.contracts import OptionContract
from common.money import ZERO
from services.risk.case import Case, Judged
from services.risk.finding import UNKNOWN, Finding, dollars, finding


def exposure(case: Judged) -> Finding:
    """All that is open and pending, with this order, may lose no more than this from here.

    The loss budget lets a session in profit risk its profit again; this bound does not.
    """
    cap, held = case.limits.exposure, case.exposure.at_risk
    risk = ZERO if case.intent is None else case.order_risk
    total = None if held is None or risk is None else held + case.exposure.reserved + risk
    return finding(
        "exposure",
        allowed=dollars(cap),
        used=UNKNOWN if total is None else dollars(total),
        room="none" if total is None else dollars(max(cap - total, ZERO)),
        ok=total is not None and total <= cap,
        remedy="reduce the size, or close exposure first",
        follows="daily_loss" if case.limits.exposure_max is None else "",
    )


def per_strike(case: Case) -> Finding:
    """So many contracts, long and short together, at one strike of one right."""
    return _most(
        "strike_contracts",
        {f"{c.strike:g} {c.right.name.lower()}": n for c, n in _contracts(case).items()},
        case.limits.strike_contracts_max,
    )


def per_expiry(case: Case) -> Finding:
    """So many contracts, long and short together, of one underlying and expiry."""
    counts: Counter[str] = Counter()
    for contract, contracts in _contracts(case).items():
        counts[f"{contract.underlying} {contract.expiry}"] += contracts
    return _most("expiry_contracts", counts, case.limits.expiry_contracts_max)


def _contracts(case: Case) -> Counter[OptionContract]:
    """Return the contracts held, pending and wanted, without sign."""
    counts: Counter[OptionContract] = Counter()
    for position in case.exposure.positions:
        if position.contract is not None:
            counts[position.contract] += abs(int(position.qty))
    orders = (*case.exposure.pending, *((case.formed,) if case.formed is not None else ()))
    for order in orders:
        for leg in order.legs:
            counts[leg.contract] += leg.ratio * order.qty
    return counts


def _most(name: str, counts: Mapping[str, int], cap: int) -> Finding:
    where, most = max(counts.items(), key=lambda pair: pair[1], default=("", 0))
    return finding(
        name,
        allowed=f"{cap} contracts",
        used=f"{most} contracts {where}".strip(),
        room=f"{max(cap - most, 0)} contracts",
        ok=most <= cap,
        remedy="reduce the size, or spread it over other strikes",
    )
