"""What the exchange's tests build on: a market whose quotes a test writes itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from common.clock import FrozenClock
from common.contracts import AssetClass, OptionContract, Right, asset_class
from common.errors import MarketDataMissing
from common.ids import AccountId, OrderId
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce
from common.quotes import Bar, Greeks, Quote, Trade
from common.session import Session
from paper_exchange.engine.account import decide, evolve
from paper_exchange.engine.commands import Command, LegRequest, OpenAccount, SubmitOrder
from paper_exchange.engine.events import Event, OrderAccepted
from paper_exchange.engine.market import Listing, Market, Rules
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.state import AccountState
from paper_exchange.feed.source import Asset, AtHand, HaltKind

DAY = date(2026, 11, 20)
SESSION = Session.regular(DAY)
FOLLOWING = Session.regular(date(2026, 11, 23))
DAYS = (SESSION, FOLLOWING, Session.regular(date(2026, 11, 24)))
LATE = timedelta(minutes=15)
NOON = SESSION.open + timedelta(hours=2, minutes=30)
ME = AccountId("me")


def occ(strike: int, right: str = "C", expiry: date = DAY, underlying: str = "SPY") -> str:
    """Return an OCC symbol."""
    return OptionContract(
        underlying=underlying, expiry=expiry, strike=Decimal(strike), right=Right(right)
    ).symbol


def quote(bid: str | float, ask: str | float, size: int = 100, at: datetime = NOON) -> Quote:
    """Return a quote; a side of 0 is missing."""
    low, high = Decimal(str(bid)), Decimal(str(ask))
    return Quote(
        bid=low, ask=high, bid_size=size if low else 0, ask_size=size if high else 0, at=at
    )


QUOTES: Mapping[str, Quote] = {
    "AAPL": quote("200.00", "200.10"),
    "SPY": quote("600.00", "600.02"),
    "BTC/USD": quote("90000", "90010"),
    occ(600): quote("3.00", "3.10"),
    occ(605): quote("1.00", "1.05"),
    occ(610): quote("0.30", "0.32"),
    occ(620): quote("0", "0.01"),
    occ(600, "P"): quote("2.90", "3.00"),
    occ(595, "P"): quote("1.20", "1.25"),
    occ(590, "P"): quote("0.50", "0.52"),
    occ(600, expiry=FOLLOWING.day): quote("5.00", "5.10"),
    occ(605, expiry=FOLLOWING.day): quote("3.00", "3.10"),
    occ(600, "P", FOLLOWING.day): quote("4.80", "4.90"),
    occ(200, underlying="AAPL"): quote("1.50", "1.60"),
}


def listing(symbol: str) -> Listing:
    """Return a symbol as listed."""
    kind = asset_class(symbol)
    contract = OptionContract.from_occ(symbol) if kind is AssetClass.OPTION else None
    return Listing(
        symbol=symbol,
        asset_class=kind,
        underlying=contract.underlying if contract else symbol,
        contract=contract,
        shortable=kind is AssetClass.EQUITY,
    )


def market(rules: Rules | None = None, **changes: Quote) -> Market:
    """Return the market at noon; changes are quotes by symbol, for option symbols too."""
    quotes = {**QUOTES, **changes}
    return Market(
        session=SESSION,
        following=FOLLOWING,
        quotes=quotes,
        listings={symbol: listing(symbol) for symbol in quotes},
        rules=rules or Rules(),
    )


class Trader:
    """An account driven by hand through decide and evolve; keeps every event."""

    def __init__(self, cash: str = "100000", level: int = 3, rules: Rules | None = None) -> None:
        self.state = AccountState(id=ME)
        self.events: list[Event] = []
        self.market = market(rules)
        self.now = NOON
        self._orders = 0
        self.do(OpenAccount(account_id=ME, number="PA1", cash=Decimal(cash), options_level=level))

    def do(self, command: Command) -> list[Event]:
        """Carry out a command and return what happened."""
        events = list(decide(self.state, command, self.market, self.now))
        for event in events:
            evolve(self.state, event)
        self.events += events
        return events

    def quote(self, symbol: str, bid: str | float, ask: str | float, size: int = 100) -> None:
        """Move the market in one symbol."""
        quotes = {**self.market.quotes, symbol: quote(bid, ask, size)}
        self.market = Market(
            session=self.market.session,
            following=self.market.following,
            quotes=quotes,
            listings={name: listing(name) for name in quotes},
            rules=self.market.rules,
        )

    def submit(self, command: SubmitOrder) -> OrderState:
        """Submit and return the order as it stands afterwards."""
        for event in self.do(command):
            if isinstance(event, OrderAccepted):
                return self.state.orders[event.order.id]
        raise AssertionError("nothing was accepted")

    def order_id(self) -> OrderId:
        """Return the next id."""
        self._orders += 1
        return OrderId(str(UUID(int=self._orders)))

    def buy(self, symbol: str, qty: str | int = 1, limit: str | None = None) -> OrderState:
        """Buy at the market or a limit."""
        return self.submit(self.simple(symbol, Side.BUY, qty, limit))

    def sell(self, symbol: str, qty: str | int = 1, limit: str | None = None) -> OrderState:
        """Sell at the market or a limit."""
        return self.submit(self.simple(symbol, Side.SELL, qty, limit))

    def simple(
        self,
        symbol: str,
        side: Side = Side.BUY,
        qty: str | int | None = 1,
        limit: str | None = None,
        *,
        time_in_force: TimeInForce | None = None,
        notional: str | None = None,
        client_order_id: str | None = None,
        intent: PositionIntent | None = None,
        extended_hours: bool = False,
    ) -> SubmitOrder:
        """Return a simple order."""
        usual = TimeInForce.GTC if symbol == "BTC/USD" else TimeInForce.DAY
        return SubmitOrder(
            order_id=self.order_id(),
            symbol=symbol,
            side=side,
            type=OrderType.LIMIT if limit is not None else OrderType.MARKET,
            time_in_force=time_in_force or usual,
            qty=None if qty is None else Decimal(qty),
            notional=None if notional is None else Decimal(notional),
            limit_price=None if limit is None else Decimal(limit),
            client_order_id=client_order_id,
            position_intent=intent,
            extended_hours=extended_hours,
        )

    def spread(self, *legs: tuple[str, int], qty: int = 1, limit: str | None = None) -> SubmitOrder:
        """Return a multi-leg order; legs are (symbol, signed ratio)."""
        return SubmitOrder(
            order_id=self.order_id(),
            order_class=OrderClass.MLEG,
            type=OrderType.LIMIT if limit is not None else OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(qty),
            limit_price=None if limit is None else Decimal(limit),
            legs=tuple(
                LegRequest(
                    symbol=symbol, ratio=abs(ratio), side=Side.BUY if ratio > 0 else Side.SELL
                )
                for symbol, ratio in legs
            ),
        )


class Board(AtHand):
    """A Source whose quotes stand until a test changes them."""

    name = "board"

    def __init__(self, quotes: Mapping[str, Quote] = QUOTES) -> None:
        self.standing = dict(quotes)
        self.closes = {"SPY": Decimal("607.50"), "AAPL": Decimal("200.00")}
        self.halts: dict[str, HaltKind] = {}

    def assets(self) -> tuple[Asset, ...]:
        """Return two stocks and a coin."""
        return (
            *(
                Asset(
                    symbol=symbol,
                    name=symbol,
                    exchange="ARCA",
                    asset_class=AssetClass.EQUITY,
                    attributes=("has_options",),
                )
                for symbol in ("SPY", "AAPL")
            ),
            Asset(symbol="BTC/USD", name="coin", exchange="CRYPTO", asset_class=AssetClass.CRYPTO),
        )

    def followed(self) -> Collection[str]:
        """Return all that is listed."""
        return [asset.symbol for asset in self.assets()]

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """Return the standing quote."""
        return self.standing.get(symbol)

    def quotes(self, symbols: Sequence[str], at: datetime) -> list[Quote | None]:
        """Return the standing quotes."""
        return [self.standing.get(symbol) for symbol in symbols]

    def halted(self, symbol: str, at: datetime) -> HaltKind | None:
        """Return what a test has halted it by."""
        return self.halts.get(symbol)

    def contracts(self, underlying: str, day: date) -> tuple[OptionContract, ...]:
        """Return what has a quote and has not expired."""
        found = (
            OptionContract.from_occ(symbol)
            for symbol in self.standing
            if asset_class(symbol) is AssetClass.OPTION
        )
        return tuple(c for c in found if c.underlying == underlying and c.expiry >= day)

    def official_close(self, underlying: str, day: date) -> Decimal:
        """Return the close a test has set."""
        if underlying not in self.closes:
            raise MarketDataMissing(underlying)
        return self.closes[underlying]

    def spot(self, underlying: str, at: datetime) -> Decimal:
        """Return the standing mid."""
        return self.standing[underlying].mid

    def trade(self, symbol: str, at: datetime) -> Trade | None:
        """Return no print: what is quoted here never trades elsewhere."""
        return None

    def trades(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Trade]:
        """Return no prints."""
        return []

    def bars(self, symbol: str, start: datetime, end: datetime, minutes: int) -> list[Bar]:
        """Return no bars."""
        return []

    def changes(
        self, symbols: Sequence[str], since: datetime, until: datetime
    ) -> list[tuple[str, Quote]]:
        """Return no changes: they are made by hand."""
        return []

    def quote_history(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Quote]:
        """Return no history."""
        return []

    def open_interest(self, contract: OptionContract, day: date) -> int:
        """Return nobody's."""
        return 0

    def greeks(self, symbol: str, at: datetime) -> tuple[float, Greeks] | None:
        """Return none."""
        return None


class DayClock(FrozenClock):
    """A clock set by hand, with trading days to roll through."""

    rate = 1.0

    def __init__(self, at: datetime = NOON, sessions: Sequence[Session] = DAYS) -> None:
        super().__init__(at)
        self._sessions = [session for session in sessions if at < session.exercise_cut_off]

    @property
    def session(self) -> Session:
        """The day in hand."""
        return self._sessions[0]

    @property
    def day_end(self) -> datetime:
        """When what expired is settled."""
        return self.session.exercise_cut_off

    async def sleep_until(self, at: datetime) -> None:
        """Jump there."""
        self.set(max(at, self.now()))

    def roll(self) -> Session:
        """Take the next day in hand."""
        self._sessions.pop(0)
        self.set(self.session.open)
        return self.session
