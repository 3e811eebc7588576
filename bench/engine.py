"""The engine alone, in one process: events decided, applied and posted; quotes against orders.

CPU time, not the clock on the wall, so that whatever else runs takes nothing from a row. No
source, no journal, no socket; what an order costs through those is in the part orders.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator
from math import log

import msgspec

from bench.engine_load import ASK, BID, Trader, quote
from bench.rows import Row
from common.ids import OrderId
from common.money import CENT
from common.orders import Side
from common.quotes import Quote
from paper_exchange.engine.account import evolve
from paper_exchange.engine.commands import Command
from paper_exchange.engine.state import AccountState
from paper_exchange.venue.book import Book

RUNS = 7
PAIRS = 1_000  # of orders in a run
EVENTS_LEAST, QUOTES_LEAST = 50_000.0, 300_000.0
SYMBOLS = 100  # with working orders, each quoted once a look
RESTING = 10_000
LOOKS = 1_000
MOVED = 0.05  # share of looks at which a symbol's quote reaches its best order
DEPTHS = (1_000, 10_000, 50_000)


def rows() -> list[Row]:
    """Measure events, quotes, and an order beside many."""
    return [*_events(), *_quotes(), *_depths()]


def _events() -> list[Row]:
    filled, canceled, mixed, applied = [], [], [], []
    for _ in range(RUNS):
        filled.append(_rate(Trader.filled))
        canceled.append(_rate(Trader.canceled))
        mixed.append(_rate(_both))
        applied.append(_applied())
    decided = "decided, applied and posted"
    return [
        Row.of(f"market orders: accepted, filled; {decided}", filled, "events/s"),
        Row.of(f"limit orders: accepted, canceled; {decided}", canceled, "events/s"),
        Row.of(f"both; {decided}", mixed, "events/s", "CPU time", at_least=EVENTS_LEAST),
        Row.of("both; applied and posted again, as by a restart", applied, "events/s"),
    ]


def _both(trader: Trader) -> list[Command]:
    return [*trader.filled(), *trader.canceled()]


def _rate(step: Callable[[Trader], list[Command]]) -> float:
    """Return the events a second of commands that are there before the clock starts."""
    trader = Trader()
    commands = [command for _ in range(PAIRS) for command in step(trader)]
    before = trader.events
    seconds = _timed(lambda: _do(trader, commands))
    return (trader.events - before) / seconds


def _do(trader: Trader, commands: Iterable[Command]) -> None:
    for command in commands:
        trader.do(command)


def _applied() -> float:
    trader = Trader(keep=True)
    for _ in range(PAIRS):
        _do(trader, _both(trader))
    state = AccountState(id=trader.state.id)

    def again() -> None:
        for event in trader.kept:
            evolve(state, event)

    seconds = _timed(again)
    assert state.ledger.balances == trader.state.ledger.balances
    return len(trader.kept) / seconds


def _quotes() -> list[Row]:
    rates, fired = [], []
    for run in range(RUNS):
        book, looks = _book(), list(_looks(run))
        seconds = _timed(lambda: [book.fired(look) for look in looks])  # noqa: B023
        rates.append(LOOKS * SYMBOLS / seconds)
        fired.append(sum(len(book.fired(look)) for look in looks))
    note = f"CPU time; {RESTING:,} orders in {SYMBOLS} symbols; fired in a run {fired[-1]:,}"
    what = "quotes through the trigger index"
    return [Row.of(what, rates, "quotes/s", note, at_least=QUOTES_LEAST)]


def _book() -> Book:
    """Return buys below the market and sales above it, a cent apart."""
    trader = Trader()
    one = trader.state.orders[trader.submit(Side.BUY, BID - 1)]
    book = Book()
    for number in range(RESTING):
        side = (Side.BUY, Side.SELL)[number % 2]
        away = (number // 2 // SYMBOLS + 1) * CENT
        order = msgspec.structs.replace(
            one,
            id=OrderId(f"order-{number}"),
            symbol=f"S{number // 2 % SYMBOLS:03d}",
            side=side,
            limit_price=BID - away if side is Side.BUY else ASK + away,
        )
        book.put(trader.state.id, order)
    return book


def _looks(seed: int) -> Iterator[dict[str, Quote | None]]:
    """Yield new quotes of every symbol: most between the orders, few through the best one."""
    choice = random.Random(seed)
    still, lower = quote(BID, ASK), quote(BID - 2 * CENT, ASK - 3 * CENT)
    for _ in range(LOOKS):
        yield {
            f"S{number:03d}": lower if choice.random() < MOVED else still
            for number in range(SYMBOLS)
        }


def _depths() -> list[Row]:
    """Measure placing and canceling one order, trigger index included, beside many."""
    costs: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
    traders = {depth: _deep(depth) for depth in DEPTHS}
    for _ in range(RUNS):
        for depth, (trader, book) in traders.items():
            seconds = _timed(lambda: _beside(trader, book))  # noqa: B023
            costs[depth].append(seconds / PAIRS * 1e6)
    made = [
        Row.of(f"an order placed and canceled beside {depth:,}", cost, "us")
        for depth, cost in costs.items()
    ]
    few, many = DEPTHS[0], DEPTHS[-1]
    ratio = [b / a for a, b in zip(costs[few], costs[many], strict=True)]
    bound = log(many) / log(few)
    what = f"beside {many:,} / beside {few:,}"
    return [*made, Row.of(what, ratio, "x", "at most logarithmic", at_most=bound)]


def _deep(depth: int) -> tuple[Trader, Book]:
    trader, book = Trader(), Book()
    for number in range(depth):
        order_id = trader.submit(Side.BUY, BID - 1 - (number % 20_000) * CENT)
        book.put(trader.state.id, trader.state.orders[order_id])
    return trader, book


def _beside(trader: Trader, book: Book) -> None:
    for number in range(PAIRS):
        order_id = trader.submit(Side.BUY, BID - 1 - (number * 7919 % 20_000) * CENT)
        book.put(trader.state.id, trader.state.orders[order_id])
        trader.cancel(order_id)
        book.put(trader.state.id, trader.state.orders[order_id])


def _timed(job: Callable[[], object]) -> float:
    """Return the CPU seconds of a job, what others left to the collector not among them."""
    gc.collect()
    gc.freeze()
    begin = time.process_time()
    job()
    return time.process_time() - begin
