"""How an account begins, and begins again: then all it did is forgotten but by the journal."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from paper_exchange.engine.commands import OpenAccount, ResetAccount
from paper_exchange.engine.events import AccountOpened, AccountReset, Event, OrderCanceled
from paper_exchange.engine.ledger import Book, transfer
from paper_exchange.engine.matching import release
from paper_exchange.engine.state import AccountState


def opened(command: OpenAccount, now: datetime) -> AccountOpened:
    """Return the beginning of an account with money in it."""
    return AccountOpened(
        account_id=command.account_id,
        number=command.number,
        options_level=command.options_level,
        posting=transfer(Book.FUNDING, Book.CASH, command.cash),
        at=now,
    )


def reset(state: AccountState, command: ResetAccount, now: datetime) -> list[Event]:
    """Cancel what works, so that whoever listens is told, and begin again with the cash."""
    began_with = -state.ledger.balance(Book.FUNDING)
    cash = began_with if command.cash is None else command.cash
    return [
        *(
            OrderCanceled(order_id=order.id, posting=release(order.hold), at=now)
            for order in state.working_orders()
        ),
        AccountReset(
            account_id=state.id,
            last_day=None if command.days_too else state.last_day,
            posting=transfer(Book.FUNDING, Book.CASH, cash),
            at=now,
        ),
    ]


def begin(state: AccountState, event: AccountOpened | AccountReset) -> None:
    """Let an account begin in place, whatever it was before; its posting comes next."""
    kept = state if isinstance(event, AccountReset) else event
    fresh = AccountState(
        id=state.id,
        number=kept.number,
        options_level=kept.options_level,
        opened_at=event.at,
        last_day=event.last_day if isinstance(event, AccountReset) else None,
    )
    for field in fields(AccountState):
        setattr(state, field.name, getattr(fresh, field.name))
