"""What to beware of in an order: each with a code a program can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from common.contracts import OPTION_MULTIPLIER
from common.money import Price, plain
from common.orders import Leg, OrderIntent
from common.pricing.smile import Smile
from common.quotes import ChainSnapshot, MarketView
from common.session import CutOffs, new_york_text

CUT_OFF_NEAR: Final = timedelta(minutes=30)
PIN_MINUTES: Final = 120.0
PIN_WITHIN: Final = Decimal("0.25")  # dollars
WIDE: Final = Decimal("0.10")  # of mid
NARROW: Final = Decimal("0.05")  # dollars: as narrow as it gets
LIKELY: Final = 0.30


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """One thing to beware of. code: stable, snake_case."""

    code: str
    text: str


def cautions(intent: OrderIntent, view: MarketView, cut_offs: CutOffs) -> tuple[Caution, ...]:
    """Return everything to beware of in an order on the market seen."""
    shorts = [leg for leg in intent.legs if leg.signed_ratio < 0]
    return (
        *_session(intent, view, cut_offs),
        *_spreads(intent, view.chain),
        *_pins(shorts, view.chain),
        *_assignment(shorts, intent.qty, view),
        *_provenance(view),
    )


def _session(intent: OrderIntent, view: MarketView, cut_offs: CutOffs) -> Iterator[Caution]:
    last = view.session.last_order(intent.legs[0].contract.underlying, cut_offs)
    left = last - view.now
    if left <= CUT_OFF_NEAR:
        yield Caution(
            code="cut_off_near",
            text=f"the broker takes same-day orders until {new_york_text(last)}, "
            f"{max(left, timedelta(0)).total_seconds() / 60:.0f} min from now",
        )
    if view.session.early:
        yield Caution(
            code="half_day", text=f"the session closes early, {new_york_text(view.session.close)}"
        )


def _spreads(intent: OrderIntent, chain: ChainSnapshot) -> Iterator[Caution]:
    for leg in intent.legs:
        quote = chain.row(leg.contract).quote
        if quote is None or not quote.two_sided:
            continue
        if quote.spread > max(WIDE * quote.mid, NARROW):
            yield Caution(
                code="wide_spread",
                text=f"{_named(leg)} is {quote.spread / quote.mid:.0%} of its mid wide",
            )


def _pins(shorts: Iterable[Leg], chain: ChainSnapshot) -> Iterator[Caution]:
    """A short strike at the money near the close may end on either side, or be assigned."""
    if chain.minutes > PIN_MINUTES:
        return
    for leg in shorts:
        away = abs(leg.contract.strike - chain.spot)
        if away <= PIN_WITHIN:
            yield Caution(
                code="pin",
                text=f"{_named(leg)} is {plain(away)} from the underlying with "
                f"{chain.minutes:.0f} min left; whether it is assigned is not known until after",
            )


def _assignment(shorts: Iterable[Leg], qty: int, view: MarketView) -> Iterator[Caution]:
    chain = view.chain
    if not chain.strikes:
        return
    spread = Smile.through(chain.forward, chain.strikes, chain.total_vols).distribution()
    for leg in shorts:
        strike: Price = leg.contract.strike
        above = float(spread.prob_above(float(strike)))
        inside = above if leg.contract.is_call else 1.0 - above
        if inside >= LIKELY:
            shares = leg.ratio * qty * OPTION_MULTIPLIER
            yield Caution(
                code="assignment",
                text=f"{_named(leg)} ends in the money with {inside:.0%}; assigned it is "
                f"{shares} shares, ${shares * strike:,.0f}, unless closed before",
            )
    owed = [leg for leg in shorts if leg.contract.is_call]
    for dividend in view.ex_dividends or ():
        if dividend.ex_date == view.next_day and owed:
            yield Caution(
                code="ex_dividend_tomorrow",
                text=f"{chain.underlying} goes ex {plain(dividend.amount)} a share on "
                f"{dividend.ex_date}: a short call in the money may be assigned tonight",
            )


def _provenance(view: MarketView) -> Iterator[Caution]:
    if view.chain.forward_source != "parity":
        yield Caution(
            code="forward_estimated",
            text=f"the forward is {view.chain.forward_source}, not from put-call parity",
        )


def _named(leg: Leg) -> str:
    return f"the {plain(leg.contract.strike)} {leg.contract.right.name.lower()}"
