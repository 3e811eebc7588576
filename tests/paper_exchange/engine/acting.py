"""What the engine's tests trade, and the few things they all do with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paper_exchange.engine.commands import Command, MatchOrder
from paper_exchange.engine.events import Event
from paper_exchange.engine.market import Rules
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import Trader, occ

CALL, HIGHER, WING, WORTHLESS = occ(600), occ(605), occ(610), occ(620)
PUT, LOWER, LOWEST = occ(600, "P"), occ(595, "P"), occ(590, "P")
CONDOR = ((HIGHER, -1), (WING, 1), (LOWER, -1), (LOWEST, 1))
FREE = Rules(fees=False)

Case = tuple[Callable[[Trader], Command], int, int, str]  # what is asked; status, code, words


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def match(trader: Trader, order: OrderState) -> OrderState:
    """Have an order look at the market; return it after that."""
    trader.do(MatchOrder(order_id=order.id))
    return trader.state.orders[order.id]


def refusal(trader: Trader, command: Command) -> Refused:
    """Return the refusal of a command, which must come."""
    with pytest.raises(Refused) as refused:
        trader.do(command)
    return refused.value


def refused_whole(case: Case) -> None:
    """Require a new trader's command to be refused in these words, and nothing to change."""
    make, status, code, message = case
    trader = Trader()
    before = len(trader.events)
    answer = refusal(trader, make(trader))
    assert (answer.http_status, answer.code, answer.message) == (status, code, message)
    assert len(trader.events) == before
    assert not trader.state.orders
