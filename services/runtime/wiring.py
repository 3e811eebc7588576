"""Making every service once, from settings, a broker connection and two clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from common.clock import MarketClock, WallClock
from common.config import Settings
from common.ids import RandomIds
from common.session import CutOffs
from services.broker.access import AlpacaAccess
from services.broker.alpaca import Connection
from services.execution.approvals import Approvals
from services.execution.book import OrderBook
from services.execution.broker_lock import BrokerLock
from services.execution.clerk import TradeClerk
from services.execution.desk import DeskTerms, TradingDesk
from services.execution.enforcer import HaltEnforcer
from services.execution.journal import TradeJournal
from services.execution.kill_switch import KillSwitch
from services.execution.marks import TradeMarks
from services.execution.previews import PreviewStore
from services.execution.pricing import Pricing
from services.execution.risk_watch import LossTerms, RiskWatch
from services.execution.sender import OrderSender
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.execution.unwinder import Unwinder
from services.market.calendar import SessionCalendar
from services.market.chain import ChainPlan, ChainService
from services.market.dividends import DividendCalendar
from services.market.history import HistoryPlan, MinuteHistory
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream
from services.market.spot import SpotFeed
from services.market.watch import MarketWatch
from services.ops.metrics import Metrics
from services.ops.supervisor import Supervisor
from services.portfolio.portfolio import Portfolio
from services.risk.limits import RiskLimits
from services.risk.manager import RiskManager
from services.runtime.analyst import Analyst
from services.runtime.dealing import Dealing, Dealings
from services.runtime.recording import Recording
from services.runtime.services import UNDERLYING, Services
from services.strategies.sizing import SizeLimits

SPOT_EVERY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Parts:
    """What every service is made from, and the making."""

    settings: Settings
    access: AlpacaAccess
    connection: Connection
    supervisor: Supervisor
    store: DeskStore
    kill_switch: KillSwitch
    clock: MarketClock
    wall: WallClock
    folder: Path
    records: Recording

    def wired(self, metrics: Metrics) -> Services:
        """Make every service once and hand each what it needs."""
        reader, broker, clock = self.connection.reader, self.connection.broker, self.clock
        calendar = SessionCalendar(reader, clock)
        spot = self._spot(calendar)
        chain = self._chain(spot, calendar)
        history = self._history()
        dividends = DividendCalendar(reader, UNDERLYING, clock)
        watch = MarketWatch(
            reader,
            chain,
            spot,
            calendar,
            history,
            dividends,
            clock=clock,
            quote_age_max=self.settings.quote_age_max,
        )
        portfolio = Portfolio(reader, chain, calendar, self.store, clock)
        risk = RiskManager(risk_limits(self.settings))
        tracker = self._tracker(metrics)
        lock = self._lock(portfolio)
        sender = self._sender(tracker, lock, metrics)
        dealing = Dealings(
            settings=self.settings,
            connection=self.connection,
            store=self.store,
            kill_switch=self.kill_switch,
            tracker=tracker,
            sender=sender,
            risk=risk,
            lock=lock,
            chain=chain,
            spot=spot,
            trail=self.records.trail,
            clock=clock,
            wall=self.wall,
        ).made()
        desk = self._desk(watch, portfolio, risk, sender, tracker, dealing, metrics)
        return Services(
            settings=self.settings,
            clock=clock,
            supervisor=self.supervisor,
            metrics=metrics,
            connection=self.connection,
            calendar=calendar,
            chain=chain,
            history=history,
            dividends=dividends,
            watch=watch,
            analyst=Analyst(watch, chain, portfolio, quote_age_max=self.settings.quote_age_max),
            portfolio=portfolio,
            store=self.store,
            tracker=tracker,
            kill_switch=self.kill_switch,
            records=self.records,
            journal=TradeJournal(
                self.store,
                self.records.journal,
                self.folder / "audit",
                self.folder / "exports",
            ),
            marks=TradeMarks(
                self.store, self.records.journal, chain.snapshot, self.settings.quote_age_max
            ),
            trading=self._clerk(desk),
            orders=OrderBook(self.store, broker, reader, tracker, dealing.canceler),
            dealing=dealing,
            enforcer=HaltEnforcer(self.store, broker, tracker, self.kill_switch),
            broker_lock=lock,
            risk_watch=self._risk_watch(
                portfolio, risk, calendar, tracker, dealing.unwinder, metrics
            ),
        )

    def _risk_watch(
        self,
        portfolio: Portfolio,
        risk: RiskManager,
        calendar: SessionCalendar,
        tracker: OrderTracker,
        unwinder: Unwinder,
        metrics: Metrics,
    ) -> RiskWatch:
        settings = self.settings
        return RiskWatch(
            LossTerms(max_daily_loss=settings.max_daily_loss, action=settings.loss_action),
            portfolio=portfolio,
            risk=risk,
            calendar=calendar,
            store=self.store,
            tracker=tracker,
            kill_switch=self.kill_switch,
            unwinder=unwinder,
            clock=self.clock,
            wall=self.wall,
            metrics=metrics,
        )

    def _lock(self, portfolio: Portfolio) -> BrokerLock:
        return BrokerLock(
            self.connection.broker,
            self.connection.reader,
            self.store,
            portfolio,
            self.kill_switch,
            self.clock,
            enabled=self.settings.locks_broker,
        )

    def _tracker(self, metrics: Metrics) -> OrderTracker:
        return OrderTracker(
            self.store,
            self.connection.reader,
            self.clock,
            self.wall,
            broker_timeout=self.settings.broker_timeout,
            metrics=metrics,
            trail=self.records.trail,
        )

    def _sender(self, tracker: OrderTracker, lock: BrokerLock, metrics: Metrics) -> OrderSender:
        return OrderSender(
            self.store,
            self.connection.broker,
            tracker,
            self.kill_switch,
            self.supervisor,
            RandomIds(),
            self.clock,
            metrics,
            self.records.trail,
            lock,
        )

    def _clerk(self, desk: TradingDesk) -> TradeClerk:
        trail, life = self.records.trail, self.settings.approval_timeout
        return TradeClerk(
            desk,
            Approvals(self.wall, life, self.supervisor, trail),
            self.store,
            trail,
            needs_person=self.settings.needs_person,
        )

    def _desk(
        self,
        watch: MarketWatch,
        portfolio: Portfolio,
        risk: RiskManager,
        sender: OrderSender,
        tracker: OrderTracker,
        dealing: Dealing,
        metrics: Metrics,
    ) -> TradingDesk:
        terms = DeskTerms(
            mode=self.settings.mode,
            account=self.access.key,
            pricing=pricing(self.settings),
            exit_before_close=self.settings.exit_before_close,
        )
        return TradingDesk(
            terms,
            watch=watch,
            portfolio=portfolio,
            risk=risk,
            store=self.store,
            previews=PreviewStore(self.wall, RandomIds(), self.settings.confirmation_timeout),
            sender=sender,
            entries=dealing.entries,
            tracker=tracker,
            kill_switch=self.kill_switch,
            metrics=metrics,
        )

    def _history(self) -> MinuteHistory:
        plan = HistoryPlan.of(
            UNDERLYING, self.settings.history_days, self.settings.requests_per_minute
        )
        file = self.folder / f"history-{UNDERLYING}.npz"
        return MinuteHistory(self.connection.reader, file, self.clock, plan)

    def _spot(self, calendar: SessionCalendar) -> SpotFeed:
        return SpotFeed(
            self.connection.reader,
            UNDERLYING,
            interval=SPOT_EVERY,
            clock=self.clock,
            wall=self.wall,
            is_open=lambda: calendar.options_trade(UNDERLYING),
        )

    def _chain(self, spot: SpotFeed, calendar: SessionCalendar) -> ChainService:
        settings, access, wall = self.settings, self.access, self.wall
        cache = OptionChainCache(wall)
        stream = OptionQuoteStream(
            access.option_stream_url,
            access.key,
            access.secret,
            feed=access.option_feed,
            cache=cache,
            wall=wall,
            due=lambda: calendar.options_trade(UNDERLYING),
        )
        plan = ChainPlan(
            underlying=UNDERLYING,
            feed=access.option_feed,
            update_interval=settings.spy_chain_update_interval,
            cleanup_interval=settings.cache_cleanup_interval,
            stream_symbols_max=settings.stream_symbols_max,
            auto_expire_time=settings.auto_expire_time,
            requests_per_minute=settings.requests_per_minute,
        )
        return ChainService(
            self.connection.reader,
            stream,
            cache,
            spot,
            calendar,
            clock=self.clock,
            wall=wall,
            plan=plan,
        )


def pricing(settings: Settings) -> Pricing:
    """Return how the desk prices and sizes what is proposed."""
    return Pricing(
        price_tolerance=settings.price_tolerance,
        sizes=SizeLimits(
            premium_max=settings.premium_max, displayed_share=settings.displayed_share_max
        ),
    )


def risk_limits(settings: Settings) -> RiskLimits:
    """Return the limits as risk takes them: values, not settings."""
    return RiskLimits(
        max_daily_loss=settings.max_daily_loss,
        delta_cap=settings.portfolio_delta_cap,
        quote_age_max=settings.quote_age_max,
        spread_max=settings.spread_max,
        no_entry_before_close=settings.no_entry_before_close,
        price_tolerance=settings.price_tolerance,
        cut_offs=CutOffs(last_order_late_close=settings.last_order_before_close),
        trade_risk_max=settings.trade_risk_max,
        strategy_risk_max=settings.strategy_risk_max,
        exposure_max=settings.exposure_max,
        contracts_max=settings.contracts_max,
        strike_contracts_max=settings.strike_contracts_max,
        expiry_contracts_max=settings.expiry_contracts_max,
        open_interest_min=settings.open_interest_min,
        sigma_delta_cap=settings.sigma_delta_cap,
        assignment_shares_max=settings.assignment_shares_max,
        late_gamma_max=settings.late_gamma_max,
        late_gamma_from=settings.late_gamma_from,
        var_max=settings.var_max,
        es_max=settings.es_max,
        trades_per_day_max=settings.trades_per_day_max,
        orders_per_minute_max=settings.orders_per_minute_max,
        orders_per_hour_max=settings.orders_per_hour_max,
        duplicate_window=settings.duplicate_window,
        repeats_max=settings.repeats_max,
        cooldown_after_loss=settings.cooldown_after_loss,
        consecutive_losses_max=settings.consecutive_losses_max,
    )
