"""Writers at work, a plug that is pulled, and everything looked at once it is back in.

A seed fixes every choice made here and by the writers; how the processes interleave with
them is up to the machine, so a seed that failed is run again more than once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from tests.crash.checks import Checks
from tests.crash.desk_writers import CONFIRMATION, DeskWriter, Outcome
from tests.crash.gate import Gate, Sends
from tests.crash.journal import require
from tests.crash.report import Report
from tests.crash.rest import Link, RestWriter
from tests.crash.wire import Wire
from tests.desk import Desk
from tests.exchange import Exchange

EXCHANGE, DAEMON = "exchange", "daemon"
DESK_ORDER, REST_ORDER = "desk order", "REST order"  # to the exchange
TARGETS = ((EXCHANGE,), (EXCHANGE,), (EXCHANGE,), (DAEMON,), (DAEMON,), (EXCHANGE, DAEMON))
FLATTEN_EVERY = 5  # rounds
QUARANTINE_SECONDS = 45.0
AT_WORK_SECONDS = 60.0
DAY = "2026-11-20"
CASH = "10000000"
LAG = 0.03  # seconds: so that what was done is often not yet known when the plug is pulled

# The desk trades as often as it can: limits are not what is tested here.
DESK_SETTINGS = {
    "max_daily_loss": "10000000",
    "portfolio_delta_cap": "1000000",
    "assignment_shares_max": "1000000",
    "strike_contracts_max": "1000000",
    "expiry_contracts_max": "1000000",
    "late_gamma_max": "1000000000",
    "price_tolerance": "0.5",
    "spread_max": "5",
    "quote_age_max": "30",
    "broker_timeout": "3",
}


class Scenario:
    """One exchange, one desk, eight writers; round after round."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.report = Report()
        self._random = Random(seed)
        self._seed = seed
        self._folder = folder
        self._gate, self._sends = Gate(), Sends()
        options = {"clock": "demo", "day": DAY, "at": "10:30", "cash": CASH}
        options |= {"seed": "7", "partial-fills": "0.3"}
        self._exchange = Exchange(folder / "exchange", options)
        self._desk = Desk(folder / "desk")
        self._wire: Wire
        self._checks = Checks(self._exchange, self._desk, [], [], [])
        self._jobs: list[asyncio.Task[None]] = []
        self._sessions: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Scenario]:
        """Start everything; stop it at the end, whatever happened."""
        self._exchange.folder.mkdir(parents=True)
        try:
            await asyncio.to_thread(self._exchange.launch)
            random = Random(f"{self._seed} wire")
            self._wire = Wire(self._exchange.url, LAG, random, self._heard)
            async with self._wire.listening():
                self._desk.settings = DESK_SETTINGS | {
                    "alpaca_api_key": self._exchange.key,
                    "alpaca_secret_key": self._exchange.secret,
                    "alpaca_base_url": self._wire.url,
                }
                await asyncio.to_thread(self._desk.launch)
                await self._ready()
                self._people()
                await self._at_work()
                yield self
        finally:
            tasks = (*self._jobs, *self._sessions)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in self._checks.rest:
                writer.link.drop()
            self._desk.kill9()
            self._exchange.kill9()

    # Rounds

    async def round(self, number: int) -> None:
        """Let everybody work, pull a plug, put it back, and look at everything."""
        targets = self._random.choice(TARGETS)
        flattening = number % FLATTEN_EVERY == FLATTEN_EVERY - 1
        self._gate.open()
        flatten = asyncio.create_task(self._flatten()) if flattening else None
        await self._moment(targets)
        for target in targets:
            await self._kill(target)
        await asyncio.sleep(self._random.choice((0.0, 0.1, 0.3)))
        await self._hush(lost=DAEMON in targets, flatten=flatten)
        if EXCHANGE in targets:
            self._checks.audit(self._folder / "copy.db")
            await asyncio.to_thread(self._exchange.launch)
            await self._checks.observe()
            await self._wire.lead_to(self._exchange.url)
        if DAEMON in targets:
            await asyncio.to_thread(self._desk.launch)
        await self._ready()
        await self._checks.all()
        if flattening:
            await self._flat()
        self._begin_sessions()

    async def end(self, *, patient: bool = True) -> Report:
        """Flatten, stop both in order, and read the journal whole.

        patient: first wait out the quarantine of orders that nobody has.
        """
        await self._hush(lost=False)
        if patient:
            async with asyncio.timeout(QUARANTINE_SECONDS):
                await self._checks.ended()
        await self._checks.all()
        await self._flat()
        await self._checks.observe()
        require(await asyncio.to_thread(self._desk.stop) == 0, "the daemon did not stop in order")
        await asyncio.to_thread(self._exchange.stop)
        self._checks.audit(self._folder / "copy.db")
        self.report.add_up(self._checks.rest, self._checks.trading)
        self.report.events = self._checks.journal.events
        return self.report

    async def _moment(self, targets: tuple[str, ...]) -> None:
        """Wait for the moment: any, or just after something was sent to the one who dies."""
        if self._random.random() < 0.3:
            self.report.moments["any"] += 1
            return await asyncio.sleep(self._random.uniform(0.2, 1.2))
        kinds = [(DESK_ORDER, 2 * LAG)]
        kinds += [(CONFIRMATION, 0.3)] if DAEMON in targets else [(REST_ORDER, 2 * LAG)]
        kind, longest = self._random.choice(kinds)
        self.report.moments[f"after a {kind}"] += 1
        await asyncio.sleep(self._random.uniform(0.2, 0.6))
        await self._sends.next(kind, within=3.0)
        return await asyncio.sleep(self._random.uniform(0.0, longest))

    def _heard(self, request: bytes) -> None:
        self._sends.told(DESK_ORDER if b'"spy0-' in request else REST_ORDER)

    async def _kill(self, target: str) -> None:
        self.report.kills[target] += 1
        if target == DAEMON:
            return self._desk.kill9()
        self._exchange.kill9()
        return await self._wire.cut()

    async def _hush(self, *, lost: bool, flatten: asyncio.Task[None] | None = None) -> None:
        """Hold the writers; a living daemon keeps its sessions, those of a dead one are gone."""
        self._gate.close()
        if lost:
            await asyncio.wait(self._sessions, timeout=0.3)
            for task in self._sessions:
                task.cancel()
            await asyncio.gather(*self._sessions, return_exceptions=True)
            self._sessions = []
        for task in self._sessions:
            if task.done():
                await task
        if flatten is not None:
            flatten.cancel()
            await asyncio.gather(flatten, return_exceptions=True)
        await self._gate.idle()

    # People

    def _people(self) -> None:
        checks, url = self._checks, self._wire.url
        checks.accounts += [self._exchange.headers, self._account(), self._account()]
        option = self._option()
        for name, account in (("guest", 0), ("ann", 1), ("ben", 1), ("cat", 2), ("dan", 2)):
            link = Link(url, checks.accounts[account])
            random = Random(f"{self._seed} {name}")
            checks.rest.append(RestWriter(name, account, link, self._gate, random, option))
        for name in ("eve", "fay", "gus"):
            random = Random(f"{self._seed} {name}")
            checks.trading.append(DeskWriter(name, self._gate, self._sends, random))
        self._jobs = [asyncio.create_task(writer.run()) for writer in checks.rest]
        self._begin_sessions()

    async def _at_work(self) -> None:
        """Wait until the desk has sent a first order: a plug pulled on nobody proves nothing."""
        self._gate.open()
        async with asyncio.timeout(AT_WORK_SECONDS):
            while True:
                confirmed = (c for w in self._checks.trading for c in w.confirmations)
                if any(confirmation.outcome is Outcome.SENT for confirmation in confirmed):
                    return
                await asyncio.sleep(0.05)

    def _account(self) -> dict[str, str]:
        """Open an account; return the headers that let its owner in."""
        admin = {"Authorization": f"Bearer {self._exchange.admin_key}"}
        answer = self._exchange.request("POST", "/admin/accounts", {"cash": CASH}, headers=admin)
        require(answer.status == 200, f"no account: {answer}")
        keys = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret"}
        return {header: str(answer.body[name]) for header, name in keys.items()}

    def _option(self) -> str:
        """Return a same-day call near the money that the desk does not trade."""
        listed = self._exchange.get(
            "/v2/options/contracts",
            underlying_symbols="QQQ",
            expiration_date=DAY,
            type="call",
            limit=1000,
        )["option_contracts"]
        return str(sorted(row["symbol"] for row in listed)[len(listed) // 2])

    # The desk

    def _begin_sessions(self) -> None:
        if not self._sessions:
            trading = self._checks.trading
            self._sessions = [asyncio.create_task(w.session(self._desk)) for w in trading]

    async def _ready(self) -> None:
        async with self._desk.client() as client:
            await client.ready()

    async def _flatten(self) -> None:
        """Flatten while all others trade on; the plug may be pulled half way."""
        self._undone()
        async with self._desk.client() as client:
            await client.mcp.call_tool("flatten_all", {})

    async def _flat(self) -> None:
        """Flatten with nobody in the way, which must succeed."""
        self._undone()
        async with self._desk.client() as client:
            told = await client.ask("flatten_all")
        require(told["flat"], f"not flat: {told}")
        require(not self._exchange.positions(), "flat, but the exchange shows positions")
        require(not self._exchange.orders("open"), "flat, but the exchange shows open orders")

    def _undone(self) -> None:
        """What has been opened so far may lose its exit from now on: it is being closed."""
        self._checks.book.flattened |= set(self._checks.page().records)
