"""Clock, calendar, assets and option contracts as the trading API writes them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.money import Price, plain
from common.session import NEW_YORK, Session
from paper_exchange.feed.source import Asset
from paper_exchange.wire.scalars import asset_id, eastern, text

Json = dict[str, Any]

EXTENDED_OPEN = "0400"  # the equity market's extended day, as the calendar shows it
EXTENDED_CLOSE = "2000"


def clock(now: datetime, *, is_open: bool, next_open: datetime, next_close: datetime) -> Json:
    """Return the market clock, in New York time."""
    return {
        "is_open": is_open,
        "next_close": eastern(next_close),
        "next_open": eastern(next_open),
        "timestamp": eastern(now),
    }


def calendar_day(session: Session, settles: date) -> Json:
    """Return one trading day; settles is the next one."""
    return {
        "close": session.close.astimezone(NEW_YORK).strftime("%H:%M"),
        "date": session.day.isoformat(),
        "open": session.open.astimezone(NEW_YORK).strftime("%H:%M"),
        "session_close": EXTENDED_CLOSE,
        "session_open": EXTENDED_OPEN,
        "settlement_date": settles.isoformat(),
    }


def asset(of: Asset) -> Json:
    """Return one asset. The increments are coins' alone."""
    listed: Json = {
        "attributes": list(of.attributes),
        "class": of.asset_class.value,
        "easy_to_borrow": of.shortable,
        "exchange": of.exchange,
        "fractionable": of.fractionable,
        "id": asset_id(of.symbol),
        "maintenance_margin_requirement": 30 if of.marginable else 100,
        "margin_requirement_long": "30" if of.marginable else "100",
        "margin_requirement_short": "30" if of.shortable else "100",
        "marginable": of.marginable,
        "name": of.name,
        "shortable": of.shortable,
        "status": "active",
        "symbol": of.symbol,
        "tradable": True,
    }
    for name, value in (
        ("min_order_size", of.min_order_size),
        ("min_trade_increment", of.qty_increment),
        ("price_increment", of.price_increment),
    ):
        if value is not None:
            listed[name] = text(value)
    return listed


def contract(
    of: OptionContract, open_interest: int | None, close: Price | None, day: date, *, tradable: bool
) -> Json:
    """Return one option contract; open_interest and close are those of the end of day.

    What is not known of them has no key: a contract may not have been listed then.
    """
    right = "call" if of.is_call else "put"
    closed = {"close_price": plain(close), "close_price_date": day.isoformat()} if close else {}
    counted = (
        {"open_interest": str(open_interest), "open_interest_date": day.isoformat()}
        if open_interest is not None
        else {}
    )
    return {
        **closed,
        "expiration_date": of.expiry.isoformat(),
        "id": asset_id(of.symbol),
        "multiplier": str(OPTION_MULTIPLIER),
        "name": f"{of.underlying} {of.expiry:%b %d %Y} {plain(of.strike)} {right.capitalize()}",
        **counted,
        "ppind": True,  # every class listed here is in the penny program
        "root_symbol": of.underlying,
        "size": str(OPTION_MULTIPLIER),
        "status": "active" if tradable else "inactive",
        "strike_price": plain(of.strike),
        "style": "american",
        "symbol": of.symbol,
        "tradable": tradable,
        "type": right,
        "underlying_asset_id": asset_id(of.underlying),
        "underlying_symbol": of.underlying,
    }
