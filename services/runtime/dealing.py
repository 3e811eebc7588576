"""Making what works orders: quotes, cancels, walks, entries, closings and their exits."""

from __future__ import annotations

from dataclasses import dataclass

from common.clock import MarketClock, WallClock
from common.config import Settings
from services.broker.alpaca import Connection
from services.execution.book import OrderBook
from services.execution.broker_lock import BrokerLock
from services.execution.by_hand import ByHand
from services.execution.cancels import Canceler
from services.execution.entries import Entries, EntryTerms
from services.execution.exit_editor import ExitEditor
from services.execution.exits import ExitMonitor
from services.execution.holdings import Holdings
from services.execution.kill_switch import KillSwitch
from services.execution.live_quotes import LiveQuotes
from services.execution.reconcile import Reconciler
from services.execution.revisions import OrderReviser
from services.execution.sender import OrderSender
from services.execution.share_closer import ShareCloser
from services.execution.store import DeskStore
from services.execution.sweeps import Sweeper
from services.execution.tracker import OrderTracker
from services.execution.trail import Trail
from services.execution.unwinder import Unwinder
from services.execution.walker import LimitWalker
from services.market.chain import ChainService
from services.market.spot import SpotFeed
from services.ops.supervisor import Supervisor
from services.risk.manager import RiskManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """The services between a decision and the broker, made once."""

    canceler: Canceler
    quotes: LiveQuotes
    entries: Entries
    holdings: Holdings
    unwinder: Unwinder
    exits: ExitMonitor
    editor: ExitEditor
    reconciler: Reconciler
    by_hand: ByHand
    book: OrderBook
    reviser: OrderReviser
    sweeper: Sweeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealings:
    """What they are made from."""

    settings: Settings
    connection: Connection
    store: DeskStore
    kill_switch: KillSwitch
    supervisor: Supervisor
    tracker: OrderTracker
    sender: OrderSender
    share_closer: ShareCloser
    risk: RiskManager
    lock: BrokerLock
    chain: ChainService
    spot: SpotFeed
    trail: Trail
    clock: MarketClock
    wall: WallClock

    def made(self) -> Dealing:
        """Make each once."""
        canceler = Canceler(self.store, self.connection.broker, self.tracker)
        quotes = LiveQuotes(self.chain, self.spot, self.settings.quote_age_max)
        holdings = Holdings(self.store, self.connection.reader, self.clock)
        walker = self._walker(canceler, quotes)
        entries = Entries(
            self._entry_terms(), self.store, self.tracker, walker, canceler, self.wall
        )
        sweeper = Sweeper(self.connection.broker, self.connection.reader, self.tracker, self.wall)
        unwinder = self._unwinder(sweeper, holdings, canceler, walker if entries.adaptive else None)
        exits = ExitMonitor(
            self.store, holdings, unwinder, quotes, self.trail, self.clock, self.wall
        )
        broker, reader = self.connection.broker, self.connection.reader
        book = OrderBook(self.store, broker, reader, self.tracker, canceler)
        return Dealing(
            book=book,
            reviser=self._reviser(book),
            canceler=canceler,
            quotes=quotes,
            entries=entries,
            holdings=holdings,
            unwinder=unwinder,
            exits=exits,
            editor=ExitEditor(self.store, holdings, quotes, self.trail),
            reconciler=Reconciler(self.store, self.connection.reader, self.tracker, holdings),
            by_hand=ByHand(self.connection.reader, holdings, self.store),
            sweeper=sweeper,
        )

    def _reviser(self, book: OrderBook) -> OrderReviser:
        broker, halt = self.connection.broker, self.kill_switch
        return OrderReviser(
            book, self.store, broker, self.tracker, halt, self.supervisor, self.trail
        )

    def _entry_terms(self) -> EntryTerms:
        settings = self.settings
        return EntryTerms(
            pricing=settings.entry_pricing,
            step=settings.entry_step,
            steps=settings.entry_steps,
            timeout=settings.entry_timeout,
        )

    def _walker(self, canceler: Canceler, quotes: LiveQuotes) -> LimitWalker:
        broker, tracker = self.connection.broker, self.tracker
        return LimitWalker(self.store, broker, tracker, self.kill_switch, canceler, quotes)

    def _unwinder(
        self,
        sweeper: Sweeper,
        holdings: Holdings,
        canceler: Canceler,
        walker: LimitWalker | None,
    ) -> Unwinder:
        return Unwinder(
            self.store,
            self.connection.broker,
            self.connection.reader,
            self.tracker,
            self.sender,
            self.risk,
            self.lock,
            self.wall,
            sweeper=sweeper,
            holdings=holdings,
            canceler=canceler,
            walker=walker,
            shares=self.share_closer,
        )
