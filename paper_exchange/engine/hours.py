"""When an order works: the session, the hours around it, or one of its two auctions.

An auction trades at the touch that stands when it is held; what it does not fill is canceled.
Extended hours begin at 04:00 New York. They end with the day in hand, fifteen minutes after
the close, a simplification: at Alpaca they last until 20:00.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

import msgspec

from common.contracts import AssetClass
from common.orders import TimeInForce
from common.session import LATE_CLOSE_AFTER, NEW_YORK, Session, new_york
from paper_exchange.engine import refusals
from paper_exchange.engine.market import Listing, Market, closing

AUCTIONS: Final = frozenset({TimeInForce.OPG, TimeInForce.CLS})
AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
OPENING_AUCTION: Final = timedelta(minutes=2)  # how late an exchange may come to it
EARLY: Final = time(4, 0)  # New York
RESUMES: Final = time(19, 0)  # New York, when the next day's auctions take orders
LAST_OPG: Final = timedelta(minutes=2)  # before the open
LAST_CLS: Final = timedelta(minutes=10)  # before the close
GTC_LIFE: Final = timedelta(days=90)
GTC_AT: Final = time(16, 15)  # New York


class Terms(msgspec.Struct, frozen=True, gc=False):
    """What decides when an order works."""

    time_in_force: TimeInForce
    extended: bool


class Hours(msgspec.Struct, frozen=True, gc=False):
    """The first instant at which an order works on a day, and the first at which no more."""

    opens: datetime
    closes: datetime


def hours(session: Session, listing: Listing, terms: Terms) -> Hours:
    """Return when an order of some terms works in a session."""
    if terms.time_in_force in AUCTIONS:
        if terms.time_in_force is TimeInForce.OPG:
            return Hours(session.open, session.open + OPENING_AUCTION)
        return Hours(session.close, session.close + LATE_CLOSE_AFTER)
    if terms.extended:
        return Hours(new_york(session.day, EARLY), session.close + LATE_CLOSE_AFTER)
    return Hours(session.open, closing(session, listing))


def works(market: Market, listing: Listing, terms: Terms, now: datetime) -> bool:
    """Whether an order may trade at an instant; coins always do, what is halted never."""
    if listing.symbol in market.halted:
        return False
    if listing.asset_class is AssetClass.CRYPTO:
        return True
    today = hours(market.session, listing, terms)
    return today.opens <= now < today.closes


class Placed(msgspec.Struct, frozen=True, gc=False):
    """What becomes of an order entered now: works already, or opens then; taken off when."""

    opens_at: datetime | None  # None when it works at once
    expires_at: datetime | None  # None when it is done at once, or never taken off by time


def placed(market: Market, listing: Listing, terms: Terms, now: datetime) -> Placed:
    """Return the times of an order entered now.

    A GTC order lives 90 days, and no longer than the contract it is in: that one ends with
    its day, by EndDay.
    """
    today = hours(market.session, listing, terms)
    inside = today.opens <= now < today.closes or listing.asset_class is AssetClass.CRYPTO
    working = inside and listing.symbol not in market.halted
    late = now >= (today.opens if terms.time_in_force in AUCTIONS else today.closes)
    coming = hours(market.following, listing, terms) if late else today
    if terms.time_in_force in AT_ONCE:
        end = None
    elif terms.time_in_force is TimeInForce.GTC:
        end = new_york(market.session.day_of(now) + GTC_LIFE, GTC_AT)
    else:
        end = coming.closes
    return Placed(None if working else coming.opens, end)


def check_auction(market: Market, time_in_force: TimeInForce, now: datetime) -> None:
    """Refuse an order for an auction whose book is closed; the texts are ours."""
    if time_in_force not in AUCTIONS:
        return
    opening = time_in_force is TimeInForce.OPG
    session = market.session
    last = session.open - LAST_OPG if opening else session.close - LAST_CLS
    wall = now.astimezone(NEW_YORK).time()
    if last.astimezone(NEW_YORK).time() <= wall < RESUMES:
        word = "opg" if opening else "cls"
        until = f"{last.astimezone(NEW_YORK):%H:%M}"
        raise refusals.unprocessable(
            f"{word} orders are not accepted between {until} and 19:00 New York time"
        )
