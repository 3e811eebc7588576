"""Trades from in to out: what they cost, what came back, what is still held."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from common.contracts import OptionContract
from common.fees import entry_fees
from common.ids import ClientOrderId
from common.orders import OrderStatus
from services.execution.journal import Entry, Plan, summaries
from services.execution.journal_store import Excursion
from services.execution.records import OrderRecord
from services.execution.round_trips import RoundTrip, round_trips
from tests.services.execution.orders import AT, CONDOR, condor_record

SHORT_PUT = OptionContract.from_occ(CONDOR[1][0])


def opened(qty: int = 2, price: str = "-0.80") -> OrderRecord:
    record = condor_record(qty=qty, status=OrderStatus.FILLED)
    return replace(record, filled_qty=qty, filled_avg_price=Decimal(price))


def closing(opening: OrderRecord, qty: int, price: str, minutes: int = 30) -> OrderRecord:
    record = condor_record(qty=qty, closing=True, status=OrderStatus.FILLED)
    return replace(
        record,
        client_order_id=ClientOrderId(f"spy0-closing-{minutes}"),
        parent=opening.client_order_id,
        filled_qty=qty,
        filled_avg_price=Decimal(price),
        mid=Decimal("0.38"),
        created_at=AT + timedelta(minutes=minutes),
        updated_at=AT + timedelta(minutes=minutes),
    )


def test_a_closed_condor_made_its_credit_less_its_cost_and_fees() -> None:
    opening = opened()
    [trip] = round_trips([closing(opening, 1, "0.40"), opening, closing(opening, 1, "0.30", 40)])
    fees = sum(entry_fees(replace(r.intent, qty=r.filled_qty), r.day) for r in (opening,))
    fees += 2 * entry_fees(
        replace(opening.intent.closing(limit=Decimal(1), strategy=""), qty=1), opening.day
    )
    assert trip.closed
    assert trip.held == {}
    assert trip.fees == fees
    assert trip.result == Decimal(160 - 40 - 30) - fees
    assert trip.exit_average == Decimal("0.35")
    assert trip.closed_at == AT + timedelta(minutes=40)
    assert trip.slippage == Decimal("0.035") * 200 + Decimal("0.02") * 100 - Decimal("0.08") * 100


def test_what_is_half_closed_has_no_result_and_is_marked_by_what_is_left() -> None:
    opening = opened()
    [trip] = round_trips([opening, closing(opening, 1, "0.40")])
    assert (trip.closed, trip.result, trip.exit_average) == (False, None, None)
    assert trip.held[SHORT_PUT] == -1
    mids = {contract: Decimal("0.10") for contract in trip.held}  # two long, two short: nothing
    assert trip.marked(mids) == Decimal(160 - 40)
    assert trip.marked(mids | {SHORT_PUT: Decimal("0.35")}) == Decimal(160 - 40 - 25)
    del mids[SHORT_PUT]
    assert trip.marked(mids) is None


def test_what_others_closed_has_no_result_and_what_never_filled_is_no_trade() -> None:
    [trip] = round_trips([opened()])
    assert (trip.closed, trip.result) == (False, None)
    assert round_trips([condor_record(), closing(opened(), 1, "0.40")]) == ()


def test_the_best_and_worst_marks_only_widen() -> None:
    one = Excursion(best=Decimal(5), best_at=AT, worst=Decimal(5), worst_at=AT)
    later = AT + timedelta(seconds=1)
    up = one.widened(Decimal(9), later)
    assert (up.best, up.best_at, up.worst, up.worst_at) == (Decimal(9), later, Decimal(5), AT)
    assert up.widened(Decimal(7), later) is up
    down = up.widened(Decimal(-3), later)
    assert (down.best, down.worst, down.worst_at) == (Decimal(9), Decimal(-3), later)


def entry(result: str, strategy: str, best: str = "100") -> Entry:
    """A trade whose result is what is wanted: its closing price is chosen for it."""
    opening = opened(qty=1)
    opening = replace(opening, intent=replace(opening.intent, strategy=strategy))
    [bare] = round_trips([opening, closing(opening, 1, "0")])
    price = (Decimal(80) - bare.fees - Decimal(result)) / 100
    return Entry(
        trip=RoundTrip(opening, (closing(opening, 1, str(price)),)),
        plan=Plan(
            natural=Decimal("-0.80"),
            limit=Decimal("-0.76"),
            max_loss=Decimal(120),
            max_profit=Decimal(78),
            agreed="token",
        ),
        excursion=Excursion(best=Decimal(best), best_at=AT, worst=Decimal(-40), worst_at=AT),
        exit="target",
    )


def test_expectancy_is_the_mean_of_closed_trades_of_a_group() -> None:
    open_trade = Entry(trip=RoundTrip(opened(), ()), plan=None, excursion=None, exit="armed")
    entries = [entry("30", "a"), entry("-60", "a"), entry("45", "a"), entry("10", "b"), open_trade]
    a, b = summaries(entries, lambda e: e.trip.opening.intent.strategy)
    assert (a.group, a.trades, a.wins, a.total, a.expectancy) == (
        "a",
        3,
        2,
        Decimal(15),
        Decimal(5),
    )
    assert (a.average_win, a.average_loss) == (Decimal("37.50"), Decimal(-60))
    assert (b.trades, b.expectancy, b.average_loss) == (1, Decimal(10), None)
    [hour] = summaries(entries, lambda e: e.hour)
    assert (hour.group, hour.trades) == ("10:00", 4)  # 15:05 UTC is 10:05 in New York


def test_a_trade_is_told_in_units_of_its_planned_loss_and_of_its_best_mark() -> None:
    won = entry("30", "a", best="60")
    assert won.multiple == Decimal("0.25")
    assert won.captured == Decimal("0.5")
    never_ahead = entry("-60", "a", best="-5")
    assert never_ahead.captured is None
