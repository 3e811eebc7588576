"""What a decision may look at besides the account: quotes, listings, hours and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from common.contracts import AssetClass, OptionContract
from common.money import Price
from common.quotes import Quote
from common.session import CutOffs, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRules:
    """How marketable orders fill. The defaults fill whole, at once, at the touch.

    partial_probability: share of fills that take a random part and leave the rest working
    (Alpaca's own paper engine: 0.1), drawn from a hash of (seed, order, fill number).
    respect_size: whether a fill takes no more than the size displayed.
    """

    partial_probability: float = 0.0
    respect_size: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The exchange's settings that decisions depend on. fees: whether they are charged."""

    fills: FillRules = FillRules()
    cut_offs: CutOffs = field(default_factory=CutOffs)
    fees: bool = True
    multiplier: int = 2  # stock buying power per dollar of excess equity


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Something that can be traded. underlying: what an option is on, else the symbol.

    contract: of an option, None for whatever else.
    """

    symbol: str
    asset_class: AssetClass
    underlying: str
    contract: OptionContract | None = None
    shortable: bool = False
    fractionable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The market at one instant, as far as one command needs it.

    quotes: of what is traded, of stocks held, and of everything held when a day ends.
    listings: of what is traded; what is missing does not exist. session: the one in
    progress or the next to come; following: the one after it. halted: what is listed and
    does not trade for now.
    """

    session: Session
    following: Session
    quotes: Mapping[str, Quote | None] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    rules: Rules = Rules()
    halted: frozenset[str] = frozenset()

    def quote(self, symbol: str) -> Quote | None:
        """Return the standing quote, None when there is none."""
        return self.quotes.get(symbol)

    def mark(self, symbol: str, otherwise: Price) -> Price:
        """Return what a unit is worth now, or the price given when there is no quote at all."""
        return mark_of(self.quote(symbol), otherwise)

    def closes_at(self, listing: Listing, now: datetime) -> datetime:
        """Return when the trading session that an order entered now is for will end."""
        return closing(self.trading_session(listing, now), listing)

    def trading_session(self, listing: Listing, now: datetime) -> Session:
        """Return the session an order entered now works in: this one, or the next."""
        return self.session if now < closing(self.session, listing) else self.following

    def is_open(self, listing: Listing, now: datetime) -> bool:
        """Return whether a symbol trades at an instant; coins always do, what is halted never."""
        if listing.symbol in self.halted:
            return False
        if listing.asset_class is AssetClass.CRYPTO:
            return True
        return self.session.open <= now < closing(self.session, listing)


def mark_of(quote: Quote | None, otherwise: Price) -> Price:
    """Return what a quote says a unit is worth: the mid, or half the ask without a bid."""
    marked = quoted_mark(quote)
    return otherwise if marked is None else marked


def quoted_mark(quote: Quote | None) -> Price | None:
    """Return what a quote says a unit is worth, None when it says nothing."""
    if quote is None:
        return None
    bid, ask = quote.bid, quote.ask
    if ask <= 0:
        return bid if bid > 0 else None
    return (bid + ask) / 2 if bid > 0 else ask / 2


def closing(session: Session, listing: Listing) -> datetime:
    """Return when a symbol stops trading in a session."""
    if listing.contract is not None:
        return session.option_close(listing.underlying)
    return session.close
