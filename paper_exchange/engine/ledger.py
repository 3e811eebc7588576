"""Double entry, per account: money moves between books, it is never made.

Every posting's entries sum to zero, so the books of an account always do. Debits are
positive: what the account has (CASH, HELD, POSITIONS) and what it spent (FEES) grow with
positive entries; where it came from (FUNDING, REALISED) with negative ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from common.money import ZERO, Dollars


class Book(StrEnum):
    """Where money can be."""

    CASH = "cash"  # free; below zero is a margin loan
    HELD = "held"  # reserved for working orders
    POSITIONS = "positions"  # what is held, at cost; a short below zero
    FEES = "fees"  # paid so far
    REALISED = "realised"  # profit taken so far, negated
    FUNDING = "funding"  # paid in, negated


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One amount into (positive) or out of (negative) a book."""

    book: Book
    amount: Dollars


class UnbalancedPosting(ValueError):
    """The entries of a posting do not sum to zero: a bug, never a refusal."""


class Ledger:
    """The balances of an account's books."""

    __slots__ = ("_balances",)

    def __init__(self, balances: Mapping[Book, Dollars] | None = None) -> None:
        """Begin with nothing, or with a copy of balances that sum to zero."""
        self._balances: dict[Book, Dollars] = dict(balances or dict.fromkeys(Book, ZERO))

    @property
    def balances(self) -> Mapping[Book, Dollars]:
        """Every book's balance."""
        return self._balances

    def balance(self, book: Book) -> Dollars:
        """Return what is in a book."""
        return self._balances[book]

    def post(self, entries: Sequence[Entry]) -> None:
        """Apply one posting whole; raise UnbalancedPosting, changing nothing, if it leaks."""
        if not entries:
            return
        total, after = ZERO, dict(self._balances)
        for entry in entries:
            total += entry.amount
            after[entry.book] += entry.amount
        if total:
            raise UnbalancedPosting(f"entries sum to {total}, not to zero: {entries}")
        self._balances = after


def transfer(source: Book, target: Book, amount: Dollars) -> tuple[Entry, ...]:
    """Return the posting that moves an amount; nothing for zero."""
    if amount == 0:
        return ()
    return (Entry(source, -amount), Entry(target, amount))
