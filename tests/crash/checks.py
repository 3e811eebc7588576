"""What must be true once the light is back on, asked of everybody who could know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.limits import Halt
from common.orders import OrderStatus
from paper_exchange.engine.state import AccountState
from tests.crash import book
from tests.crash.book import DeskBook, Page
from tests.crash.desk_writers import Confirmation, DeskWriter, Outcome, orders_of
from tests.crash.journal import Figures, Journal, Violated, require
from tests.crash.rest import Json, Link, RestWriter, Sent, Told, Unclear, Unsent, find
from tests.desk import Desk
from tests.exchange import Exchange

SETTLE_SECONDS = 60.0
LATELY = 25  # orders of each writer that are looked up after every round
ENDED = frozenset({"filled", "canceled", "expired", "rejected"})


@dataclass
class Checks:
    """Holds the writers' memories against the exchange, its journal and the desk.

    accounts: headers of each account, in the order of their opening; the first is the desk's.
    """

    exchange: Exchange
    desk: Desk
    accounts: list[dict[str, str]]
    rest: list[RestWriter]
    trading: list[DeskWriter]
    journal: Journal = field(default_factory=Journal)
    book: DeskBook = field(default_factory=DeskBook)
    observed: list[tuple[int, Figures]] = field(default_factory=list)

    def page(self) -> Page:
        """Return what the desk has written down."""
        return book.read(next(self.desk.folder.glob("*/desk.sqlite")))

    # With both processes up and the writers idle

    async def all(self) -> None:
        """Look at everything that can be asked for."""
        for writer in self.rest:
            doubtful = [sent for sent in writer.sent if sent.submitted is Told.UNCLEAR]
            for sent in doubtful:
                if writer.random.random() < 0.5:
                    await writer.submit(sent)
        async with self._links() as links:
            for writer in self.rest:
                lately = {id(sent): sent for sent in writer.sent[-LATELY:]}
                lately |= {id(s): s for s in writer.sent if s.submitted is Told.UNCLEAR}
                for sent in lately.values():
                    _remembered(sent, await _found(links[writer.account], sent.client_order_id))
            await self._check_desk(links[0])
        await self.observe()

    async def observe(self) -> None:
        """Remember what each account shows, for the journal to vouch for."""
        async with self._links() as links:
            for account, link in enumerate(links):
                self.observed.append((account, await _figures(link)))

    async def ended(self) -> None:
        """Wait until no order of the desk is open or unknown."""
        while True:
            if all(record.status.terminal for record in self.page().records.values()):
                return
            await asyncio.sleep(0.2)

    @asynccontextmanager
    async def _links(self) -> AsyncIterator[list[Link]]:
        """Connect straight to the exchange, once for each account."""
        links = [Link(self.exchange.url, keys) for keys in self.accounts]
        try:
            yield links
        finally:
            for link in links:
                link.drop()

    async def _check_desk(self, link: Link) -> None:
        """Wait until the desk's records are the broker's, then require the rest."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while why := await self._disagreement(link):
            require(time.monotonic() < deadline, f"the desk and its broker still disagree: {why}")
            await asyncio.sleep(0.1)
        page = self.page()
        self.book.follows(page)
        self.book.check_exits(page)
        self.book.check_holdings(page, await asyncio.to_thread(self.exchange.positions))
        require(page.halt is Halt.ACTIVE, f"the desk halted itself: {page.halt}")
        for writer in self.trading:
            _check_confirmations(writer, page)

    async def _disagreement(self, link: Link) -> str | None:
        for record in self.book.open_questions(self.page()):
            found = await _found(link, record.client_order_id)
            if why := self.book.disagreement(record, found):
                return why
        return None

    # With the exchange down

    def audit(self, scratch: Path) -> None:
        """Read the journal of the dead exchange and hold every promise against it."""
        self.journal.read(self.exchange.folder / "exchange.db", scratch)
        states = tuple(self.journal.states.values())
        for account, observed in self.observed:
            passed = self.journal.passed(states[account].id, observed)
            require(passed, f"account {account} showed {observed}, which it never was")
        self.observed.clear()
        for writer in self.rest:
            for sent in writer.sent:
                _hold(sent, states[writer.account])
        written = self.page().records
        for name in states[0].client_ids:
            ours = name.startswith("spy0-")
            require(not ours or name in written, f"{name} left without being written down")
        for name, record in written.items():
            gone = record.status in (OrderStatus.EXPIRED, OrderStatus.REJECTED)
            if gone and record.broker_id is None:
                require(name not in states[0].client_ids, f"{record} was taken after all")


async def _found(link: Link, client_order_id: str) -> Json | None:
    try:
        return await find(link, client_order_id)
    except (Unclear, Unsent) as e:
        raise Violated(f"the exchange is up, but of {client_order_id}: {e!r}") from e


def _remembered(sent: Sent, found: Json | None) -> None:
    """Require that what is found is what was promised, and remember it."""
    refused = sent.submitted in (Told.NO, Told.UNSENT)
    require(not (refused and found), f"{sent} was refused and is there: {found}")
    require(sent.submitted is not Told.YES or found is not None, f"{sent} is gone")
    if found is None:
        sent.submitted = Told.NO
        return
    if sent.order is not None:
        _forward(sent.order, found)
    wanted = {name: sent.body[name] for name in ("symbol", "side", "qty", "type")}
    require(wanted.items() <= found.items(), f"{sent} became {found}")
    if sent.canceled is Told.YES:
        require(found["status"] == "canceled", f"{sent} was canceled and is back: {found}")
    sent.submitted, sent.order = Told.YES, found


def _forward(before: Json, after: Json) -> None:
    """Require that an order is the one that it was, and went on from where it stood."""
    for name in ("id", "client_order_id", "symbol", "side", "qty", "limit_price", "created_at"):
        require(before[name] == after[name], f"{name} of {before} became {after[name]}")
    fills = Decimal(before["filled_qty"]), Decimal(after["filled_qty"])
    require(fills[0] <= fills[1], f"{before} lost fills: {after}")
    ended = before["status"] in ENDED
    require(not ended or before["status"] == after["status"], f"{before} is {after['status']}")


def _hold(sent: Sent, state: AccountState) -> None:
    """Require that an order is in the journal as it was acknowledged, or not if refused."""
    found = state.client_ids.get(sent.client_order_id)
    if sent.submitted in (Told.NO, Told.UNSENT):
        require(found is None, f"{sent} was refused and is in the journal")
    if sent.submitted is not Told.YES or sent.order is None:
        return
    require(found == sent.order["id"], f"{sent} was acknowledged, the journal has {found}")
    order = state.orders[sent.order["id"]]
    limit = sent.order["limit_price"]
    told = sent.order["symbol"], Decimal(sent.order["qty"]), limit and Decimal(limit)
    require(told == (order.symbol, order.qty, order.limit_price), f"{sent} is kept as {order}")
    require(order.filled_qty >= Decimal(sent.order["filled_qty"]), f"{sent} lost a fill")
    if sent.canceled is Told.YES:
        require(order.status.value == "canceled", f"{sent} was canceled and is {order.status}")
    if sent.order["status"] in ENDED:
        require(order.status.value == sent.order["status"], f"{sent} is {order.status} again")


def _check_confirmations(writer: DeskWriter, page: Page) -> None:
    """Require one order for each confirmation that was answered, at most one for others."""
    found = sum(
        record.principal == writer.principal and record.broker_id is not None
        for record in page.records.values()
        if record.intent.opens
    )
    fewest, most = orders_of(writer.confirmations)
    who = f"{writer.principal} has {found} orders of {fewest} to {most} confirmations"
    require(fewest <= found <= most, who)
    answered = [c for c in writer.confirmations if c.outcome is Outcome.SENT]
    names = {_order(c)["client_order_id"] for c in answered}
    require(len(names) == len(answered), f"confirmations of {writer.principal} share an order")
    require(names <= set(page.records), f"orders of {writer.principal} are lost")
    for confirmation in answered:
        order, shown = _order(confirmation), confirmation.shown
        same = all(order[name] == shown[other] for name, other in _AS_SHOWN)
        require(same and _symbols(order) == _symbols(shown), f"shown {shown}, sent {order}")


_AS_SHOWN = (("limit", "limit"), ("strategy", "strategy"))


def _order(confirmation: Confirmation) -> Json:
    return confirmation.order or {}


def _symbols(view: Json) -> set[str]:
    return {str(leg["symbol"]) for leg in view["legs"]}


async def _figures(link: Link) -> Figures:
    """Return an account's cash and holdings, read until no fill came between the two."""
    while True:
        before = await _got(link, "/v2/account")
        held = await _got(link, "/v2/positions")
        after = await _got(link, "/v2/account")
        if before["cash"] == after["cash"]:
            holdings = ((row["symbol"], Decimal(row["qty"])) for row in held)
            return Decimal(after["cash"]), frozenset(holdings)


async def _got(link: Link, path: str) -> Any:
    status, told = await link.ask("GET", path)
    require(status == 200, f"GET {path}: {status} {told}")
    return told
