"""What a client may send: orders of every class, type and size, and changes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random

from common.ids import OrderId
from common.orders import OrderClass, OrderType, Side, TimeInForce
from paper_exchange.engine.commands import LegRequest, ReplaceOrder, SubmitOrder
from paper_exchange.engine.configuration import Configuration
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import PositionState
from tests.simulation.pit import COIN, SHARES, Pit

CENT = Decimal("0.01")
TIMES = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
AUCTIONS = (TimeInForce.OPG, TimeInForce.CLS)
KINDS = (
    OrderType.MARKET,
    OrderType.LIMIT,
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.TRAILING_STOP,
)
PRICED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
STOPPED = (OrderType.STOP, OrderType.STOP_LIMIT)

Positions = Mapping[str, PositionState]


class Drafts:
    """Draws submissions, mostly such as may be accepted; names come with the call."""

    def __init__(self, rng: Random, pit: Pit, new_id: Callable[[], str]) -> None:
        self._rng, self._pit, self._new_id = rng, pit, new_id

    def simple(self, named: str, cash: Decimal) -> SubmitOrder:
        """Return an order in shares, a coin or an option: whole, fractional or for dollars.

        Now and then it is for about as many shares as the cash pays for on margin.
        """
        rng = self._rng
        options = () if self._pit.asleep else rng.choices(self._pit.options, k=6)
        symbol = rng.choice([*SHARES, COIN, *options])
        side = rng.choice(list(Side))
        kind = rng.choices(KINDS, [4, 6, 2, 2, 2 if symbol in SHARES else 0])[0]
        worth, ahead = self._near(symbol), self._beyond(symbol, side)
        notional = symbol in SHARES and kind is OrderType.MARKET and rng.random() < 0.3
        extended = symbol in SHARES and kind is OrderType.LIMIT and rng.random() < 0.3
        parts = symbol in SHARES and kind is not OrderType.TRAILING_STOP and rng.random() < 0.2
        trailing = kind is OrderType.TRAILING_STOP
        trail = Decimal(rng.randint(10, 300)) / 100
        percent = trailing and rng.random() < 0.5
        time_in_force = self._time(symbol, kind, day=notional or parts, extended=extended)
        qty = self._qty(symbol, parts=parts)
        if symbol in SHARES and not parts and rng.random() < 0.25:
            qty = max((2 * cash / worth * rng.randint(85, 100) / 100).quantize(Decimal(1)), qty)
        return SubmitOrder(
            order_id=OrderId(self._new_id()),
            client_order_id=named,
            symbol=symbol,
            side=side,
            type=kind,
            time_in_force=time_in_force,
            qty=None if notional else qty,
            notional=Decimal(rng.randint(100, 90_000)) / 100 if notional else None,
            limit_price=worth if kind in PRICED else None,
            stop_price=ahead if kind in STOPPED else None,
            trail_price=trail if trailing and not percent else None,
            trail_percent=trail if percent else None,
            extended_hours=extended,
        )

    def spread(self, named: str) -> SubmitOrder:
        """Return a vertical, butterfly, condor, straddle or calendar; or legs at random."""
        rng, options = self._rng, self._pit.options
        symbols = sorted(rng.sample(options, rng.randint(2, 4)))
        if rng.random() < 0.8:  # one expiry and right, as people trade them
            alike = [s for s in options if s[-9] == symbols[0][-9] and s[:9] == symbols[0][:9]]
            symbols = sorted(rng.sample(alike, 2))
        ratios = [rng.choice((1, 1, 2)) * (1 if n % 2 else -1) for n in range(len(symbols))]
        turn = rng.choice((1, -1))
        net = sum(
            (self._pit.trend(s) * r * turn for s, r in zip(symbols, ratios, strict=True)),
            Decimal(0),
        )
        limit = (net + Decimal(rng.randint(-30, 60)) / 100).quantize(Decimal("0.01"))
        limited = limit != 0 and rng.random() < 0.7
        return SubmitOrder(
            order_id=OrderId(self._new_id()),
            client_order_id=named,
            order_class=OrderClass.MLEG,
            type=OrderType.LIMIT if limited else OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(rng.randint(1, 6)),
            limit_price=limit if limited else None,
            legs=tuple(
                LegRequest(symbol=s, ratio=abs(r), side=Side.BUY if r * turn > 0 else Side.SELL)
                for s, r in zip(symbols, ratios, strict=True)
            ),
        )

    def group(self, named: str, held: Positions) -> SubmitOrder:
        """Return a bracket or an OTO, or the two exits of what is held."""
        rng = self._rng
        kind = rng.choice((OrderClass.BRACKET, OrderClass.OTO, OrderClass.OCO))
        symbol, side = rng.choice(SHARES), rng.choice(list(Side))
        owned = [s for s in SHARES if s in held]
        if kind is OrderClass.OCO and owned:
            symbol = rng.choice(owned)
            side = Side.SELL if held[symbol].qty > 0 else Side.BUY
        oco = kind is OrderClass.OCO
        way = -side.sign if oco else side.sign
        base = self._pit.trend(symbol)
        profit = (base + way * Decimal(rng.randint(5, 300)) / 100).quantize(CENT)
        loss = (base - way * Decimal(rng.randint(80, 300)) / 100).quantize(CENT)
        both = kind is not OrderClass.OTO
        profits = both or rng.random() < 0.5
        limited = oco or rng.random() < 0.5
        stop_limit = (loss - way * Decimal("0.50")) if rng.random() < 0.3 else None
        return SubmitOrder(
            order_id=OrderId(self._new_id()),
            client_order_id=named,
            order_class=kind,
            symbol=symbol,
            side=side,
            type=OrderType.LIMIT if limited else OrderType.MARKET,
            time_in_force=rng.choice(TIMES[:2]),
            qty=Decimal(rng.randint(1, 60)),
            limit_price=(profit if oco else self._near(symbol)) if limited else None,
            take_profit=profit if profits else None,
            stop_loss=loss if both or not profits else None,
            stop_loss_limit=stop_limit if both or not profits else None,
        )

    def change(self, named: str, order: OrderState) -> ReplaceOrder:
        """Return other terms for an order: mostly one or two that it has."""
        rng = self._rng
        qty = order.qty or Decimal(1)
        symbol = order.symbol
        near = self._near(symbol) if symbol else order.limit_price
        side = order.side or Side.BUY
        stop = self._beyond(symbol, side) if symbol else None
        times = rng.choice(TIMES[:2]) if rng.random() < 0.1 else None
        return ReplaceOrder(
            order_id=OrderId(self._new_id()),
            replaces=order.id,
            client_order_id=named,
            qty=max(qty + rng.randint(-3, 3), Decimal(1)) if rng.random() < 0.5 else None,
            time_in_force=times,
            limit_price=near if order.limit_price is not None and rng.random() < 0.5 else None,
            stop_price=stop if order.type in STOPPED and rng.random() < 0.5 else None,
            trail=Decimal(rng.randint(10, 300)) / 100
            if order.type is OrderType.TRAILING_STOP and rng.random() < 0.5
            else None,
        )

    def configuration(self) -> Configuration:
        """Return a configuration: the usual one as often as not."""
        rng = self._rng
        if rng.random() < 0.6:
            return Configuration()
        return Configuration(
            suspend_trade=rng.random() < 0.3,
            no_shorting=rng.random() < 0.5,
            fractional_trading=rng.random() < 0.5,
            max_options_trading_level=rng.choice((None, None, 0, 1, 2)),
        )

    def _near(self, symbol: str) -> Decimal:
        off = Decimal(self._rng.randint(-60, 60)) / 100
        return max(self._pit.trend(symbol) + off, CENT).quantize(CENT)

    def _beyond(self, symbol: str, side: Side) -> Decimal:
        """Return a price that the market has yet to reach, on the side of a stop."""
        off = side.sign * Decimal(self._rng.randint(5, 200)) / 100
        return max(self._pit.trend(symbol) + off, CENT).quantize(CENT)

    def _time(self, symbol: str, kind: OrderType, *, day: bool, extended: bool) -> TimeInForce:
        """Return a time in force; mostly one that is allowed."""
        if self._rng.random() < 0.05:
            return self._rng.choice(list(TimeInForce))
        if symbol == COIN:
            return self._rng.choice((TimeInForce.GTC, TimeInForce.IOC))
        if day or symbol not in SHARES:
            return TimeInForce.DAY
        plain = kind in (OrderType.MARKET, OrderType.LIMIT) and not extended
        if not plain:
            return self._rng.choice(TIMES[:2])
        usual = TIMES[:2] if self._pit.asleep else TIMES
        times: tuple[TimeInForce, ...] = (*usual, *AUCTIONS)
        return self._rng.choice(times)

    def _qty(self, symbol: str, *, parts: bool) -> Decimal:
        if parts:
            return Decimal(self._rng.randint(1, 20_000_000_000)).scaleb(-9)
        if symbol in SHARES:
            return Decimal(self._rng.randint(1, 150))
        if symbol == COIN:
            return Decimal(self._rng.randint(1, 8)) / 16
        return Decimal(self._rng.randint(1, 5))
