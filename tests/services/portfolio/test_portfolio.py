from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from common.clock import FrozenClock
from common.contracts import Right
from common.errors import BrokerUnavailable, MarketDataMissing
from common.orders import Order
from common.portfolio import Account, Position
from common.quotes import ChainSnapshot, Quote
from common.session import Session
from services.broker.reader import Which
from services.execution.store import DeskStore
from services.portfolio.portfolio import Portfolio
from tests.builders import (
    DAY,
    SESSION,
    at,
    contract,
    make_account,
    make_chain,
    make_position,
    make_quote,
)

CALL = contract(673, Right.CALL)
BEFORE = (make_account(), ())
AFTER = (
    make_account(cash=Decimal(99_904), equity=Decimal(99_999)),
    (make_position(CALL, 1, entry="0.96", price="0.95"),),
)


class Readings:
    """Answers in a given order, as no exchange can be made to: the last one for ever."""

    def __init__(
        self, accounts: Sequence[Account], positions: Sequence[Sequence[Position]]
    ) -> None:
        self.accounts = list(accounts)
        self.held = [tuple(one) for one in positions]
        self.asked: list[str] = []
        self.down = False

    async def account(self) -> Account:
        if self.down:
            raise BrokerUnavailable("no answer")
        self.asked.append("account")
        return self.accounts.pop(0) if len(self.accounts) > 1 else self.accounts[0]

    async def positions(self) -> tuple[Position, ...]:
        return self.held.pop(0) if len(self.held) > 1 else self.held[0]

    async def orders(
        self,
        status: Which,
        limit: int = 50,
        after: datetime | None = None,
    ) -> tuple[Order, ...]:
        self.asked.append(f"orders {status} after {after}")
        return ()

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        self.asked.append(f"quotes {' '.join(symbols)}")
        return {symbol: make_quote("3.00", "3.10") for symbol in symbols}


class Market:
    """One chain and one session."""

    def __init__(self, chain: ChainSnapshot | None, session: Session = SESSION) -> None:
        self.chain = chain
        self.today = session

    def snapshot(self) -> ChainSnapshot:
        if self.chain is None:
            raise MarketDataMissing("no chain yet")
        return self.chain

    async def session(self) -> Session:
        return self.today


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DeskStore]:
    store = DeskStore(tmp_path / "desk.db")
    yield store
    await store.close()


def portfolio(
    reader: Readings,
    store: DeskStore,
    *,
    market: Market | None = None,
    now: datetime | None = None,
) -> Portfolio:
    market = market or Market(make_chain())
    return Portfolio(reader, market, market, store, FrozenClock(now or at(10, 5)))


async def test_a_steady_account_is_read_once(store: DeskStore) -> None:
    reader = Readings([AFTER[0]], [AFTER[1]])
    exposure = await portfolio(reader, store).exposure()
    assert reader.asked == ["account"]
    assert exposure.positions == AFTER[1]
    assert exposure.at_risk == 93  # the bid
    assert exposure.session_pnl == Decimal(99_904 + 93 - 100_000)


async def test_a_fill_between_the_two_reads_is_seen_and_read_over(store: DeskStore) -> None:
    """Account of before the fill, positions of after it: not a gain of a call for nothing."""
    reader = Readings([BEFORE[0], AFTER[0]], [AFTER[1], AFTER[1]])
    exposure = await portfolio(reader, store).exposure()
    assert exposure.account.cash == 99_904
    assert exposure.session_pnl == -3


async def test_a_broker_whose_marks_lag_is_believed_once_it_stands_still(store: DeskStore) -> None:
    lagging = make_account(cash=Decimal(99_904), equity=Decimal(100_010))
    reader = Readings([lagging], [AFTER[1]])
    exposure = await portfolio(reader, store).exposure()
    assert len(reader.asked) == 2
    assert exposure.session_pnl == -3


async def test_an_account_that_never_stands_still_is_unknown(store: DeskStore) -> None:
    moving = [make_account(cash=Decimal(90_000 + i)) for i in range(9)]
    exposure = await portfolio(Readings(moving, [AFTER[1]]), store).exposure()
    assert exposure.session_pnl is None
    assert any("changed while they were read" in reason for reason in exposure.unknown)


async def test_a_restart_brings_no_fresh_budget(tmp_path: Path) -> None:
    lost = make_account(cash=Decimal(99_600), equity=Decimal(99_600))
    for last_equity in (100_000, 99_600):  # even if the broker's own figure moved meanwhile
        account = make_account(cash=lost.cash, equity=lost.equity, last_equity=Decimal(last_equity))
        store = DeskStore(tmp_path / "desk.db")
        exposure = await portfolio(Readings([account], [()]), store).exposure()
        await store.close()
        assert exposure.session_pnl == -400
        assert exposure.loss_budget_left(Decimal(500)) == 100


async def test_the_next_session_starts_from_its_own_close(store: DeskStore) -> None:
    await portfolio(Readings([make_account()], [()]), store).exposure()
    tomorrow = Session.regular(date(2026, 11, 23))
    account = make_account(
        cash=Decimal(99_600), equity=Decimal(99_600), last_equity=Decimal(99_600)
    )
    market = Market(make_chain(session=tomorrow, now=tomorrow.open), tomorrow)
    later = portfolio(
        Readings([account], [()]), store, market=market, now=tomorrow.open + timedelta(minutes=1)
    )
    assert (await later.exposure()).session_pnl == 0


async def test_the_evening_before_nothing_is_kept_for_the_next_session(store: DeskStore) -> None:
    tomorrow = Session.regular(date(2026, 11, 23))
    evening = portfolio(
        Readings([make_account()], [()]), store, market=Market(None, tomorrow), now=at(17, 0)
    )
    assert (await evening.exposure()).session_pnl == 0
    assert store.opening_equity(tomorrow.day) is None
    await portfolio(Readings([make_account()], [()]), store).exposure()
    assert store.opening_equity(DAY) == 100_000


async def test_an_option_outside_the_chain_is_priced_by_the_broker_and_leans_unknown(
    store: DeskStore,
) -> None:
    later = contract(673, Right.CALL, expiry=date(2026, 11, 23))
    held = make_position(later, 1, entry="3.00", price="3.05")
    account = make_account(cash=Decimal(99_700), equity=Decimal(100_005))
    reader = Readings([account], [(held,)])
    exposure = await portfolio(reader, store).exposure()
    assert f"quotes {later.symbol}" in reader.asked
    assert exposure.session_pnl == 0
    assert exposure.at_risk == 300
    assert exposure.delta is None


async def test_a_broker_that_cannot_be_read_is_an_error_not_a_guess(store: DeskStore) -> None:
    reader = Readings([make_account()], [()])
    reader.down = True
    with pytest.raises(BrokerUnavailable):
        await portfolio(reader, store).exposure()


async def test_pnl_and_greeks_of_what_is_held(store: DeskStore) -> None:
    reader = Readings([AFTER[0]], [AFTER[1]])
    desk = portfolio(reader, store)
    pnl = await desk.pnl()
    assert pnl.session == -3
    assert pnl.realized == 0
    assert pnl.fees is None  # no fill of today explains the holding
    assert f"orders all after {SESSION.open}" in reader.asked
    report = await desk.greeks()
    assert report.total is not None
    assert report.total.delta == pytest.approx(28.7, abs=1)


async def test_before_there_is_a_chain_what_is_held_is_priced_by_the_broker_but_has_no_greeks(
    store: DeskStore,
) -> None:
    reader = Readings([AFTER[0]], [AFTER[1]])
    blind = portfolio(reader, store, market=Market(None))
    exposure = await blind.exposure()
    assert exposure.session_pnl is not None
    assert exposure.delta is None
    assert "no chain" in " ".join(exposure.unknown)


async def test_between_readings_the_book_is_priced_anew_without_asking_anybody(
    store: DeskStore,
) -> None:
    reader = Readings([AFTER[0]], [AFTER[1]])
    market = Market(make_chain())
    kept = portfolio(reader, store, market=market)
    assert kept.repriced() is None  # nothing was read yet
    before = (await kept.book()).session_pnl(natural=True)
    asked = list(reader.asked)
    market.chain = make_chain(spot=673.0)
    after = kept.repriced()
    assert after is not None
    assert before is not None
    risen = after.session_pnl(natural=True)
    assert risen is not None
    assert risen > before  # the call gained
    market.chain = None
    blind = kept.repriced()
    assert blind is not None
    assert blind.session_pnl(natural=True) is None
    assert reader.asked == asked
