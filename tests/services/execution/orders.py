"""Order records and broker replies to fold into them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from common.contracts import OptionContract
from common.ids import ClientOrderId, OrderId, Principal
from common.orders import Leg, Order, OrderIntent, OrderLeg, OrderStatus, PositionIntent
from services.execution.records import REPLACED, OrderRecord, replacement_id

AT = datetime(2026, 11, 20, 15, 5, tzinfo=UTC)
DAY = date(2026, 11, 20)
CONDOR = (
    ("SPY261120P00596000", PositionIntent.BUY_TO_OPEN),
    ("SPY261120P00598000", PositionIntent.SELL_TO_OPEN),
    ("SPY261120C00602000", PositionIntent.SELL_TO_OPEN),
    ("SPY261120C00604000", PositionIntent.BUY_TO_OPEN),
)


def condor_intent(*, qty: int = 1, closing: bool = False) -> OrderIntent:
    legs = tuple(
        Leg(contract=OptionContract.from_occ(symbol), intent=intent) for symbol, intent in CONDOR
    )
    intent = OrderIntent(
        strategy="iron_condor_30_delta", legs=legs, qty=qty, limit=Decimal("-0.80")
    )
    return intent.closing(limit=Decimal("0.85"), strategy="flatten") if closing else intent


def condor_record(
    *, qty: int = 1, closing: bool = False, status: OrderStatus = OrderStatus.SUBMITTING
) -> OrderRecord:
    return OrderRecord(
        client_order_id=ClientOrderId("spy0-closing" if closing else "spy0-opening"),
        intent=condor_intent(qty=qty, closing=closing),
        principal=Principal("local"),
        day=DAY,
        mid=Decimal("-0.8350"),
        status=status,
        created_at=AT,
        updated_at=AT,
    )


def broker_order(
    record: OrderRecord,
    status: OrderStatus,
    filled: int,
    at: datetime = AT,
    *,
    version: int = 0,
    replaced: bool = False,
) -> Order:
    root = record.client_order_id
    return Order(
        id=OrderId(f"7f1c-{version}" if version else "7f1c"),
        client_order_id=replacement_id(root, version) if version else root,
        status=status,
        broker_status=REPLACED if replaced else status.value,
        legs=tuple(
            OrderLeg(
                symbol=leg.contract.symbol,
                side=leg.side,
                intent=leg.intent,
                ratio=leg.ratio,
                filled_qty=Decimal(filled),
                filled_avg_price=Decimal("0.5") if filled else None,
            )
            for leg in record.intent.legs
        ),
        qty=Decimal(record.intent.qty),
        limit=record.intent.limit,
        filled_qty=Decimal(filled),
        filled_avg_price=Decimal("-0.83") if filled else None,
        submitted_at=AT,
        updated_at=at,
    )
