"""Markets and accounts built in one line, priced by our own formulas so that they hang together.

make_chain is a same-day SPY chain at a morning or afternoon instant: Black-76 on a skewed smile,
spreads that widen with the premium, wings that nobody bids for, greeks from the same smile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import log, sqrt

from common.contracts import OptionContract, Right
from common.money import CENT, ceil_to_tick, floor_to_tick
from common.orders import Leg, OrderIntent, PositionIntent
from common.portfolio import Account, Exposure, Position
from common.pricing import black76
from common.pricing.clocks import iv_calendar, iv_trading
from common.quotes import Bar, ChainRow, ChainSnapshot, Greeks, MarketView, Quote
from common.session import Session, new_york

DAY = date(2026, 11, 20)
SESSION = Session.regular(DAY)
DAILY_SIGMA = 0.0085  # of the forward, a whole session


def at(hour: int, minute: int, second: int = 0, *, day: date = DAY) -> datetime:
    """Return a New York wall time as an instant."""
    return new_york(day, time(hour, minute, second))


def contract(strike: float | str, right: Right, *, expiry: date = DAY) -> OptionContract:
    """Return a SPY contract."""
    return OptionContract(underlying="SPY", expiry=expiry, strike=Decimal(str(strike)), right=right)


def make_quote(bid: float | str, ask: float | str, *, when: datetime | None = None) -> Quote:
    """Return a quote of 50 contracts a side; a side at 0 is missing."""
    low, high = Decimal(str(bid)), Decimal(str(ask))
    return Quote(
        bid=low,
        ask=high,
        bid_size=50 if low else 0,
        ask_size=50 if high else 0,
        at=when or at(10, 5),
    )


def total_vol(strike: float, forward: float, minutes: float) -> float:
    """Return s of a smile with the skew and the wings of a same-day index chain."""
    level = DAILY_SIGMA * sqrt(max(minutes, 1.0) / 390)
    z = min(max(log(strike / forward) / level, -8.0), 8.0)  # flat beyond any quote
    return level * (1.0 - 0.06 * z + 0.015 * z * z)


def make_chain(
    *,
    spot: float = 670.0,
    now: datetime | None = None,
    session: Session = SESSION,
    reach: int = 30,
    age: timedelta = timedelta(seconds=0.2),
) -> ChainSnapshot:
    """Return a chain of $1 strikes within reach of spot."""
    when = now or at(10, 5)
    minutes = session.minutes_to_close(when)
    strikes = [float(k) for k in range(round(spot) - reach, round(spot) + reach + 1)]
    rows = tuple(
        _row(k, right, spot, minutes, session.day, age, when)
        for k in strikes
        for right in (Right.CALL, Right.PUT)
    )
    return ChainSnapshot(
        underlying="SPY",
        expiry=session.day,
        at=when,
        spot=Decimal(str(spot)),
        forward=spot,
        forward_source="parity",
        minutes=minutes,
        feed="indicative",
        rows=rows,
        strikes=tuple(strikes),
        total_vols=tuple(total_vol(k, spot, minutes) for k in strikes),
    )


def requoted(
    chain: ChainSnapshot, changes: Mapping[OptionContract, Mapping[str, object]]
) -> ChainSnapshot:
    """Return the chain with fields of some rows replaced: quote, age, flag, greeks."""
    rows = tuple(
        replace(row, **changes[row.contract]) if row.contract in changes else row  # type: ignore[arg-type]
        for row in chain.rows
    )
    return replace(chain, rows=rows)


def make_bars(
    closes: Sequence[float], *, session: Session = SESSION, wick: float = 0.10
) -> tuple[Bar, ...]:
    """Return one-minute bars from the open on, one per close, with wicks either way."""
    bars = []
    before = closes[0] if closes else 0.0
    for minute, close in enumerate(closes):
        high, low = max(before, close) + wick, min(before, close) - wick
        bars.append(
            Bar(
                at=session.open + timedelta(minutes=minute),
                open=_price(before),
                high=_price(high),
                low=_price(low),
                close=_price(close),
                volume=100_000,
                vwap=_price((high + low) / 2),
                trades=900,
            )
        )
        before = close
    return tuple(bars)


def make_view(
    *,
    now: datetime | None = None,
    spot: float = 670.0,
    chain: ChainSnapshot | None = None,
    bars: tuple[Bar, ...] = (),
    session: Session = SESSION,
) -> MarketView:
    """Return what a strategy sees; by default SPY at 670, 10:05, without bars."""
    when = now or at(10, 5)
    return MarketView(
        now=when,
        session=session,
        spot=make_quote(f"{spot - 0.01:.2f}", f"{spot:.2f}", when=when),
        chain=chain or make_chain(spot=spot, now=when, session=session),
        bars=bars,
    )


def make_account(**changes: object) -> Account:
    """Return a flat $100,000 account approved for spreads."""
    base = Account(
        number="PA1",
        equity=Decimal(100_000),
        last_equity=Decimal(100_000),
        cash=Decimal(100_000),
        buying_power=Decimal(400_000),
        options_buying_power=Decimal(100_000),
        initial_margin=Decimal(0),
        maintenance_margin=Decimal(0),
        options_level=3,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def make_position(
    symbol: str | OptionContract,
    qty: int,
    *,
    entry: float | str = "1.00",
    price: float | str | None = "1.00",
) -> Position:
    """Return a holding bought, or sold short, at entry and marked at price."""
    size = 100 if isinstance(symbol, OptionContract) else 1
    paid, now = Decimal(str(entry)), None if price is None else Decimal(str(price))
    cost = paid * qty * size
    value = None if now is None else now * qty * size
    return Position(
        symbol=str(symbol),
        qty=Decimal(qty),
        qty_available=Decimal(qty),
        avg_entry_price=paid,
        current_price=now,
        market_value=value,
        cost_basis=cost,
        unrealized_pl=None if value is None else value - cost,
    )


def make_exposure(**changes: object) -> Exposure:
    """Return the exposure of a flat account."""
    base = Exposure(
        account=make_account(),
        positions=(),
        session_pnl=Decimal(0),
        at_risk=Decimal(0),
        reserved=Decimal(0),
        delta=0.0,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def make_intent(
    *legs: tuple[OptionContract, PositionIntent],
    limit: float | str,
    qty: int = 1,
    strategy: str = "test",
) -> OrderIntent:
    """Return an order of legs with ratio 1 at a net limit."""
    return OrderIntent(
        strategy=strategy,
        legs=tuple(Leg(contract=which, intent=intent) for which, intent in legs),
        qty=qty,
        limit=Decimal(str(limit)),
    )


def _row(
    strike: float,
    right: Right,
    forward: float,
    minutes: float,
    expiry: date,
    age: timedelta,
    when: datetime,
) -> ChainRow:
    vol, is_call = total_vol(strike, forward, minutes), right is Right.CALL
    fair = Decimal(repr(float(black76.price(forward, strike, vol, is_call))))
    half = max(CENT / 2, fair * Decimal("0.01"))
    bid, ask = floor_to_tick(fair - half, CENT), ceil_to_tick(fair + half, CENT)
    quote = make_quote(str(max(bid, Decimal(0))), str(ask), when=when)
    greeks = Greeks(
        delta=float(black76.delta(forward, strike, vol, is_call)),
        gamma=float(black76.gamma(forward, strike, vol)),
        theta=float(black76.theta(forward, strike, vol, minutes)),
        vega=float(black76.vega(forward, strike, vol, minutes)),
        iv=float(iv_trading(vol, minutes)),
        iv_calendar=float(iv_calendar(vol, minutes)),
        delta_low=float(black76.delta(forward, strike, vol, is_call)),
        delta_high=float(black76.delta(forward, strike, vol, is_call)),
    )
    return ChainRow(
        contract=contract(strike, right, expiry=expiry),
        quote=quote,
        age=age,
        flag="ok" if quote.bid > 0 else "zero_bid",
        greeks=greeks if quote.bid > 0 else None,
        open_interest=1_500,
    )


def _price(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")
