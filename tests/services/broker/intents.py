"""Intents to send."""

from __future__ import annotations

from decimal import Decimal

from common.contracts import OptionContract
from common.orders import Approved, Leg, OrderIntent, PositionIntent

CALL = OptionContract.from_occ("SPY261120C00670000")
CALL_WING = OptionContract.from_occ("SPY261120C00672000")
PUT = OptionContract.from_occ("SPY261120P00650000")
PUT_WING = OptionContract.from_occ("SPY261120P00648000")


def long_call(limit: str = "1.25", qty: int = 1) -> Approved[OrderIntent]:
    leg = Leg(contract=CALL, intent=PositionIntent.BUY_TO_OPEN)
    return Approved(OrderIntent(strategy="test", legs=(leg,), qty=qty, limit=Decimal(limit)))


def sell_call(limit: str = "-1.30") -> Approved[OrderIntent]:
    leg = Leg(contract=CALL, intent=PositionIntent.SELL_TO_CLOSE)
    return Approved(OrderIntent(strategy="test", legs=(leg,), qty=1, limit=Decimal(limit)))


def condor(limit: str = "-0.47", qty: int = 2) -> Approved[OrderIntent]:
    legs = (
        Leg(contract=PUT_WING, intent=PositionIntent.BUY_TO_OPEN),
        Leg(contract=PUT, intent=PositionIntent.SELL_TO_OPEN),
        Leg(contract=CALL, intent=PositionIntent.SELL_TO_OPEN),
        Leg(contract=CALL_WING, intent=PositionIntent.BUY_TO_OPEN),
    )
    return Approved(OrderIntent(strategy="test", legs=legs, qty=qty, limit=Decimal(limit)))
