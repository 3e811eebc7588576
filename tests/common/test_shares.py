"""What can be an order in a stock or a coin, and that nothing else is ever built."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadArgument
from common.orders import OrderClass, OrderType, Side, TimeInForce
from common.shares import ShareIntent, share_tick

CENTS = st.integers(100, 10_000_000).map(lambda n: Decimal(n) / 100)
MILLS = st.integers(1, 9_999).map(lambda n: Decimal(n) / 10_000)
WHOLE = st.integers(1, 1_000_000).map(Decimal)
PRICE = CENTS | MILLS


@st.composite
def stock_orders(draw: st.DrawFn) -> ShareIntent:
    """Return any order in a stock that can be one."""
    kind = draw(st.sampled_from(OrderType))
    resting = kind in {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP}
    tif = draw(st.sampled_from([TimeInForce.DAY, TimeInForce.GTC] if resting else TimeInForce))
    trail = draw(st.booleans()) if kind is OrderType.TRAILING_STOP else None
    extended = kind is OrderType.LIMIT and tif is TimeInForce.DAY and draw(st.booleans())
    return ShareIntent(
        symbol=draw(st.sampled_from(["SPY", "AAPL", "BRK.B", "F"])),
        side=draw(st.sampled_from(Side)),
        qty=draw(WHOLE),
        type=kind,
        limit=draw(PRICE) if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None,
        stop=draw(PRICE) if kind in {OrderType.STOP, OrderType.STOP_LIMIT} else None,
        trail_price=draw(CENTS) if trail is True else None,
        trail_percent=draw(CENTS.filter(lambda p: p < 100)) if trail is False else None,
        tif=tif,
        extended_hours=extended,
        opens=draw(st.booleans()),
    )


@given(stock_orders())
def test_an_order_is_its_facts_and_back(intent: ShareIntent) -> None:
    assert ShareIntent.of(intent.facts) == intent
    assert intent.symbol in str(intent)
    assert intent.tif.value in intent.terms


@given(st.decimals("0.0001", "100000", places=5))
def test_a_price_off_the_grid_is_refused_and_one_on_it_is_not(price: Decimal) -> None:
    tick = share_tick("AAPL", price)
    assert tick == (Decimal("0.01") if price >= 1 else Decimal("0.0001"))
    wanted: dict[str, Any] = {"symbol": "AAPL", "side": Side.BUY, "qty": Decimal(1)}
    wanted["type"] = OrderType.LIMIT
    if price % tick:
        with pytest.raises(BadArgument, match="is not a multiple"):
            ShareIntent(**wanted, limit=price)
    else:
        assert ShareIntent(**wanted, limit=price).limit == price


@given(st.integers(1, 10**12).map(lambda n: Decimal(n) / 10**9))
def test_parts_of_a_share_take_day_orders(qty: Decimal) -> None:
    intent = ShareIntent(symbol="SPY", side=Side.BUY, qty=qty)
    assert intent.fractional is (qty != qty.to_integral_value())
    if intent.fractional:
        with pytest.raises(BadArgument, match="parts of a share"):
            ShareIntent(symbol="SPY", side=Side.BUY, qty=qty, tif=TimeInForce.GTC)


COIN = {"symbol": "BTC/USD", "side": Side.BUY, "tif": TimeInForce.GTC}
STOCK = {"symbol": "AAPL", "side": Side.BUY}
ONE, TEN = Decimal(1), Decimal(10)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (STOCK, "either a quantity or a notional"),
        (STOCK | {"qty": ONE, "notional": TEN}, "either a quantity or a notional"),
        (STOCK | {"qty": Decimal(0)}, "qty: 0 is not above 0"),
        (STOCK | {"qty": -ONE}, "qty: -1 is not above 0"),
        (STOCK | {"qty": Decimal("NaN")}, "qty: NaN"),
        (STOCK | {"qty": Decimal("Infinity")}, "qty: Infinity"),
        (STOCK | {"qty": Decimal(1_000_001)}, "qty: 1000001"),
        (STOCK | {"qty": Decimal("0.0000000001")}, "9 decimals"),
        (STOCK | {"notional": Decimal("0.5")}, "notional: 0.5"),
        (STOCK | {"notional": Decimal("10.005")}, "whole cents"),
        (STOCK | {"notional": TEN, "tif": TimeInForce.GTC}, "takes a day order"),
        (STOCK | {"notional": TEN, "type": OrderType.LIMIT, "limit": TEN}, "takes a market order"),
        (STOCK | {"qty": ONE, "limit": TEN}, "type market takes no limit and no stop"),
        (STOCK | {"qty": ONE, "type": OrderType.LIMIT}, "type limit takes limit"),
        (STOCK | {"qty": ONE, "type": OrderType.LIMIT, "limit": -TEN}, "limit: -10 is not a price"),
        (STOCK | {"qty": ONE, "type": OrderType.STOP_LIMIT, "stop": TEN}, "takes limit and stop"),
        (STOCK | {"qty": ONE, "type": OrderType.TRAILING_STOP}, "takes one of trail_price"),
        (STOCK | {"qty": ONE, "trail_price": ONE}, "takes one of trail_price"),
        (
            STOCK | {"qty": ONE, "type": OrderType.TRAILING_STOP, "trail_percent": Decimal(100)},
            "trail_percent: 100",
        ),
        (
            STOCK | {"qty": ONE, "type": OrderType.STOP, "stop": TEN, "tif": TimeInForce.IOC},
            "works for the day or gtc",
        ),
        (STOCK | {"qty": ONE, "extended_hours": True}, "only a limit day order"),
        (COIN | {"qty": ONE, "tif": TimeInForce.DAY}, "day is not taken for coins: gtc or ioc"),
        (COIN | {"qty": ONE, "type": OrderType.STOP, "stop": TEN}, "not taken for coins"),
        (COIN | {"qty": ONE, "extended_hours": True}, "coins trade at all hours"),
        ({"symbol": "aapl", "side": Side.BUY, "qty": ONE}, "symbol: not a symbol"),
        ({"symbol": "SPY261208C00670000", "side": Side.BUY, "qty": ONE}, "is an option"),
        (STOCK | {"qty": ONE, "stop_loss_limit": ONE}, "goes with stop_loss"),
        (STOCK | {"qty": ONE, "stop_loss": TEN, "take_profit": ONE}, "losing side of take_profit"),
        (STOCK | {"qty": ONE, "type": OrderType.LIMIT, "limit": ONE, "stop_loss": TEN}, "losing"),
        (
            STOCK | {"qty": ONE, "type": OrderType.LIMIT, "limit": TEN, "take_profit": ONE},
            "winning",
        ),
        (STOCK | {"qty": Decimal("1.5"), "stop_loss": TEN}, "whole shares"),
        (COIN | {"qty": ONE, "stop_loss": TEN}, "whole shares of a stock"),
        (
            STOCK | {"qty": ONE, "type": OrderType.STOP, "stop": ONE, "stop_loss": TEN},
            "go with market and limit orders",
        ),
        (STOCK | {"qty": ONE, "stop_loss": Decimal("9.999")}, "stop_loss: 9.999 is not a multiple"),
        (STOCK | {"qty": ONE, "client_order_id": "spy0-mine"}, "client_order_id"),
        (STOCK | {"qty": ONE, "client_order_id": "two words"}, "client_order_id"),
    ],
)
def test_what_is_no_order_is_refused_by_name(wanted: dict[str, Any], why: str) -> None:
    with pytest.raises(BadArgument, match=why):
        ShareIntent(**wanted)


@given(
    qty=st.decimals(allow_nan=True, allow_infinity=True) | st.none(),
    notional=st.decimals(allow_nan=True, allow_infinity=True) | st.none(),
    limit=st.decimals(allow_nan=True, allow_infinity=True) | st.none(),
    kind=st.sampled_from(OrderType),
    tif=st.sampled_from(TimeInForce),
    symbol=st.sampled_from(["AAPL", "BTC/USD", "SPY261208C00670000", "", "A" * 40]),
)
def test_any_numbers_make_a_sound_order_or_none(
    qty: Decimal | None,
    notional: Decimal | None,
    limit: Decimal | None,
    kind: OrderType,
    tif: TimeInForce,
    symbol: str,
) -> None:
    try:
        intent = ShareIntent(
            symbol=symbol,
            side=Side.BUY,
            qty=qty,
            notional=notional,
            limit=limit,
            type=kind,
            tif=tif,
        )
    except BadArgument:
        return
    size = intent.qty if intent.qty is not None else intent.notional
    assert size is not None
    assert 0 < size <= Decimal(10_000_000)
    assert intent.limit is None or 0 < intent.limit <= Decimal(10_000_000)


@given(
    st.sampled_from(Side),
    st.lists(CENTS, min_size=3, max_size=3, unique=True),
    st.booleans(),
    st.booleans(),
)
def test_the_exits_of_an_entry_undo_it_on_either_side(
    side: Side, prices: list[Decimal], limited: bool, stops_only: bool
) -> None:
    low, middle, high = sorted(prices, reverse=side is Side.SELL)
    entry = ShareIntent(
        symbol="AAPL",
        side=side,
        qty=TEN,
        type=OrderType.LIMIT if limited else OrderType.MARKET,
        limit=middle if limited else None,
        take_profit=None if stops_only else high,
        stop_loss=low,
        tif=TimeInForce.GTC,
    )
    assert entry.order_class is (OrderClass.OTO if stops_only else OrderClass.BRACKET)
    assert ShareIntent.of(entry.facts) == entry
    stop = entry.exit(profit=False)
    assert (stop.type, stop.stop, stop.limit) == (OrderType.STOP, low, None)
    exits = [stop] if stops_only else [stop, entry.exit(profit=True)]
    for one in exits:
        assert (one.side, one.qty, one.tif, one.opens) == (side.opposite, TEN, entry.tif, False)
