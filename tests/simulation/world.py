"""One simulated world: the exchange's own venue, shard, book and pulse, driven by a seed.

A step moves the clock and the market, lets clients and the pulse act at once, and decides
when their commits land, whether one fails, and whether the process dies in the middle.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, deque
from collections.abc import Awaitable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Any, Final

from common.ids import AccountId
from common.money import ZERO
from common.orders import Side
from common.quotes import Quote
from paper_exchange.engine.events import Record
from paper_exchange.engine.market import FillRules, Market, Rules
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.state import AccountState
from paper_exchange.engine.updates import OrderUpdate
from paper_exchange.feed.calendar import Calendar
from paper_exchange.store.journal import JournalFailed
from paper_exchange.venue.book import Book
from paper_exchange.venue.markets import Markets
from paper_exchange.venue.pulse import Pulse
from paper_exchange.venue.venue import Venue
from tests.paper_exchange.builders import DAY
from tests.simulation.clients import Action, Client, Script
from tests.simulation.journal import FaultyJournal
from tests.simulation.ledger_checks import require
from tests.simulation.pit import Pit, SleepyClock
from tests.simulation.settings import SeededIds, Settings
from tests.simulation.tally import CountingShard, Tally
from tests.simulation.witness import Witness

DAYS: Final = 4  # the last a half day
TURNS: Final = 400  # of the event loop in which a step must be over


@lru_cache(maxsize=1)
def _calendar() -> Calendar:
    return Calendar()


class World:
    """Everything of one run; what is durable and what clients know outlive a crash."""

    def __init__(self, seed: int) -> None:
        self.settings = Settings.of(seed)
        self._rng = Random(f"world {seed}")
        ids = SeededIds(Random(f"ids {seed}"))
        self._sessions = _calendar().sessions(DAY, DAY + timedelta(days=60))[: DAYS + 2]
        self._clock = SleepyClock(Random(f"nights {seed}"), self._sessions)
        days = [session.day for session in self._sessions]
        self._pit = Pit(Random(f"pit {seed}"), self._clock, days)
        self._witness = Witness(self)
        self._journal = FaultyJournal(
            Random(f"journal {seed}"), self._observed, self._witness.restart
        )
        self._script = Script(Random(f"clients {seed}"), self._pit, self._witness, ids.uuid)
        self._clients = [Client(AccountId(f"account-{n}")) for n in range(self.settings.accounts)]
        self._ids = ids
        self._bugs: list[BaseException] = []
        self._trace = hashlib.blake2b(digest_size=16)
        self.told: deque[str] = deque(maxlen=25)  # the end of the story
        self.counts: Counter[str] = Counter()
        self.tally: Tally = Counter()
        self._start()

    @property
    def trace(self) -> str:
        """A digest of all that happened, in order."""
        return self._trace.hexdigest()

    @property
    def events(self) -> Counter[str]:
        """Events by kind, lost ones included."""
        return Counter(self._witness.kinds)

    def quotes_now(self) -> Mapping[str, Quote | None]:
        """Return every standing quote."""
        return self._pit.standing

    def market_of(self, state: AccountState, at: datetime) -> Market:
        """Return what marking an account needs."""
        return self._markets.for_account(state, at)

    def close_of(self, day: date) -> Decimal:
        """Return what SPY closed a day at."""
        return self._pit.official_close("SPY", day)

    async def run(self) -> None:
        """Live all steps and one last, quiet one; raise what went wrong first."""
        asyncio.get_running_loop().set_exception_handler(self._bug)
        for number in range(self.settings.steps):
            self._tell(f"step {number} at {self._clock.now():%m-%d %H:%M:%S}")
            await self._step()
        await self._restart("the end")
        await self._live([self._beat()], faults=False)
        self._check_all()

    def _start(self) -> None:
        """Begin a process on what is durable."""
        settings = self.settings
        fills = FillRules(
            partial_probability=settings.partial, respect_size=settings.respect_size, seed=1
        )
        self._markets = Markets(self._pit, _calendar(), self._clock, Rules(fills=fills))
        self._shard = CountingShard(self._journal, self._published, self.tally)
        self._pulse = Pulse(self._shard, self._markets, self._pit, _calendar(), self._clock)
        self._venue = Venue(self._shard, self._markets, self._clock, self._ids)

    async def _step(self) -> None:
        rng = self._rng
        self._advance()
        if rng.random() < 0.7:
            self._pit.move()
        work: list[Awaitable[object]] = [self._beat()] if rng.random() < 0.5 else []
        for client in rng.sample(self._clients, rng.randint(0, len(self._clients))):
            if self._venue.knows(client.account):
                for name, action in self._drawn(client):
                    self._tell(f"{client.account}: {name}")
                    work.append(action(self._venue))
            else:
                work.append(self._open(client))
        rng.shuffle(work)
        await self._live(work, faults=True)
        if self._shard.running:
            self._check_all()
        if rng.random() < 0.5:
            await self._live([self._beat()], faults=False)
            await self._live([self._beat()], faults=False)  # for exits that the first one opened
            if self._shard.running:
                self._check_all()
                self._check_nothing_left_undone()

    def _drawn(self, client: Client) -> list[tuple[str, Action]]:
        """Return what a client does at once; nothing else while its account is made new."""
        count = 1 if client.doubtful else self._rng.randint(1, 2)
        drawn = [self._script.draw(client) for _ in range(count)]
        return [one for one in drawn if one[0] == "reset"][:1] or drawn

    def _advance(self) -> None:
        """Move the clock: seconds, minutes, an hour, or to the end of the day."""
        rng, clock = self._rng, self._clock
        if clock.session.day >= self._sessions[DAYS - 1].day and clock.now() >= clock.day_end:
            return
        asleep = clock.now() < clock.session.open
        kinds = ("seconds", "minutes", "hour", "end", "open")
        kind = rng.choices(kinds, (65, 28, 3, 2.5, 15 if asleep else 0))[0]
        by = {
            "seconds": timedelta(seconds=rng.randint(0, 50)),
            "minutes": timedelta(minutes=rng.randint(1, 20)),
            "hour": timedelta(hours=1),
            "end": clock.day_end - clock.now(),
            "open": clock.session.open - clock.now(),
        }[kind]
        last = clock.session.day == self._sessions[DAYS - 1].day
        until = clock.day_end - timedelta(seconds=1) if last else clock.day_end
        clock.set(max(clock.now(), min(clock.now() + by, until)))

    async def _open(self, client: Client) -> None:
        try:
            await self._venue.open_account(client.account, cash=Decimal(self.settings.cash))
        except Refused:
            return

    async def _beat(self) -> None:
        try:
            was_running = self._shard.running
            if not was_running:
                self._journal.unreadable = int(self._rng.random() < 0.2)
            await self._pulse.beat()
        except (Refused, JournalFailed) as e:
            self._tell(f"the pulse waits: {e}")

    async def _live(self, work: list[Awaitable[object]], *, faults: bool) -> None:
        """Let what was begun end, its commits landing, failing or dying as the seed says."""
        tasks = [asyncio.ensure_future(one) for one in work]
        fault = self._fault() if faults else ""
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if self._bugs:
                raise self._bugs[0]
            if self._journal.waiting and self._rng.random() >= self.settings.slow_rate:
                if fault == "crash":
                    await self._crash(tasks)
                    return
                if fault == "fail":
                    self._tell("a commit fails")
                    self.counts["failed commits"] += 1
                    self._journal.fail()
                    fault = ""
                else:
                    self._journal.commit(self._rng.randint(1, self._journal.waiting))
            if not self._journal.waiting and all(task.done() for task in tasks):
                await asyncio.sleep(0)
                break
        for task in tasks:
            require(task.done(), "a caller was left waiting for ever")
            task.result()
        if self._bugs:
            raise self._bugs[0]

    def _fault(self) -> str:
        chance = self._rng.random()
        if chance < self.settings.crash_rate:
            return "crash"
        return "fail" if chance < self.settings.crash_rate + self.settings.fail_rate else ""

    async def _crash(self, tasks: Sequence[asyncio.Future[Any]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._restart("kill -9")

    async def _restart(self, why: str) -> None:
        self._tell(f"the process dies: {why}")
        self.counts["restarts"] += 1
        self._journal.die()
        self._start()
        await self._shard.load()
        self._check_all()

    def _observed(self, batch: Sequence[Record]) -> None:
        self.counts["events"] += len(batch)
        for record in batch:
            self._trace.update(repr(record).encode())
            self.told.append(f"  {record.seq} {record.event}"[:300])
        self._witness.observe(batch)

    def _published(self, account: AccountId, update: OrderUpdate) -> None:
        require(int(update.event_id[4:]) <= self._journal.last, "told of what is not durable")
        self.counts["updates"] += 1
        self._witness.told(account, update.order)

    def _check_all(self) -> None:
        """Memory is the replay, and the book of working orders the rebuilt one."""
        self.counts["checks"] += 1
        lost = self._witness.last - self._journal.last
        require(not lost, f"it runs on with {lost} events that were never written")
        self._witness.compare(self._shard.accounts)
        states = self._shard.accounts
        rebuilt = Book((s.id, order) for s in states for order in s.working_orders())
        book = self._shard.book
        require(book.symbols() == rebuilt.symbols(), "the book looks at other symbols")
        require(set(book.waiting()) == set(rebuilt.waiting()), "the book queues other orders")
        for ticks in (0, -150, 150):
            quotes = self._pit.shifted(ticks)
            fires = set(book.fired(quotes)) == set(rebuilt.fired(quotes))
            require(fires, "the book fires other orders than a rebuilt one")

    def _check_nothing_left_undone(self) -> None:
        """After a beat no order works past its time, and none that the quotes reach waits."""
        now = self._clock.now()
        for state in self._shard.accounts:
            for order in state.working_orders():
                in_time = order.expires_at is None or order.expires_at > now
                require(in_time, f"order {order.id} works past {order.expires_at}")
                if not self.settings.partial and not self.settings.respect_size:
                    reached = self._reached(order, now)
                    require(not reached, f"order {order.id} waits at a price that fills it")

    def _reached(self, order: OrderState, now: datetime) -> bool:
        """Whether a simple limit or stop order should have traded: worked out anew."""
        if order.is_mleg or order.notional is not None or order.status is Status.HELD:
            return False
        if order.opens_at is not None and order.opens_at > now:
            return False
        market = self._markets.at(now, order.symbols, ())
        listing = market.listings.get(order.symbol)
        quote = market.quote(order.symbol)
        if listing is None or quote is None or not market.is_open(listing, now):
            return False
        price = quote.ask if order.side is Side.BUY else quote.bid
        if price <= ZERO or 0 < quote.ask < quote.bid:
            return False
        wanted = order.stop_price if order.watching else order.limit_price
        if wanted is None:
            return False
        falls = (order.side is Side.BUY) is not order.watching
        return price <= wanted if falls else price >= wanted

    def _tell(self, line: str) -> None:
        self._trace.update(line.encode())
        self.told.append(line)

    def _bug(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._bugs.append(error or RuntimeError(str(context.get("message"))))
