"""What a trade would be: everything a preview shows of an order, computed once and purely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common.fees import Dealt, added_fees, entry_fees, round_trip_fees
from common.money import ZERO, Dollars, Price, cent
from common.orders import Leg, OrderIntent
from common.portfolio import Exposure
from common.pricing.payoff import universal_spread_margin
from common.quotes import ChainRow, ChainSnapshot, Greeks, MarketView, Quote, natural, net_mid
from common.session import CutOffs
from services.analysis.cautions import Caution, cautions
from services.analysis.impact import Impact, impact
from services.analysis.outcome import Ladder, Outcome, Profile, ladder, outcome, profile
from services.analysis.var import BookRisk
from services.portfolio.greeks import Sensitivity, contract_greeks, greeks_of_legs
from services.portfolio.worst_case import order_payoff


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnalysis:
    """One leg with the market it is priced from; age: since we received the quote."""

    leg: Leg
    qty: int  # contracts, without sign
    quote: Quote | None
    age: timedelta | None
    flag: str
    greeks: Greeks | None
    estimated: bool  # greeks from the smile, the quote being of no use


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeAnalysis:
    """An order as a preview shows it. Prices net per share, amounts in dollars, credits negative.

    natural and mid are None while a leg is not quoted on both sides. slippage: dollars the limit
    gives up against mid. fees: estimated, in and out; max_loss, max_profit (None: unlimited) and
    breakevens count them. margin: what the broker holds; cost: margin, net price and fees.
    outcome: risk-neutral, held to expiry on the chain's smile; None, like sensitivity, with the
    reason in unknown; so are ladder and profile. impact: on the account, None where none was given.
    """

    intent: OrderIntent
    legs: tuple[LegAnalysis, ...]
    natural: Price | None
    mid: Price | None
    limit_why: str
    slippage: Dollars | None
    net_cost: Dollars
    entry_fees: Dollars
    fees: Dollars
    margin: Dollars
    cost: Dollars
    max_loss: Dollars | None
    max_profit: Dollars | None
    breakevens: tuple[Price, ...]
    outcome: Outcome | None
    ladder: Ladder | None
    profile: Profile | None
    impact: Impact | None
    cautions: tuple[Caution, ...]
    sensitivity: Sensitivity | None
    spot: Price
    forward: float
    unknown: tuple[str, ...]


def analyse(
    intent: OrderIntent,
    view: MarketView,
    exposure: Exposure | None = None,
    *,
    flat_by: datetime | None = None,
    cut_offs: CutOffs | None = None,
    dealt: Dealt | None = None,
    tail: BookRisk | None = None,
    limit_given: bool = False,
) -> TradeAnalysis:
    """Return the analysis of an order on the market seen, and on an account if one is given.

    flat_by: when the position is to be gone, None for the close. dealt: what filled today, on top
    of which the impact's fees come. tail: of the account with the order, where it is known.
    limit_given: the limit is the caller's own. Raises NoSuchContract when a leg is not in the
    chain, ValueError for no legs.
    """
    chain, session = view.chain, view.session
    priced = _priced(intent, view, limit_given=limit_given)
    fees = added_fees(intent, session.day, dealt or Dealt())
    found = replace(
        priced,
        ladder=ladder(intent, priced.fees, chain, session, flat_by or session.close),
        profile=profile(intent, priced.fees, priced.breakevens, chain),
        impact=None if exposure is None else impact(intent, exposure, view, fees, tail),
        cautions=cautions(intent, view, cut_offs or CutOffs()),
    )
    return found if intent.opens else _closing(found)


def mid_of(intent: OrderIntent, view: MarketView) -> Price | None:
    """Return the net mid of an order, None unless every leg is quoted on both sides."""
    return _net(tuple(_leg(leg, intent.qty, view.chain) for leg in intent.legs))[1]


def _priced(intent: OrderIntent, view: MarketView, *, limit_given: bool) -> TradeAnalysis:
    """Return what an order costs and how it may end, apart from the account and the day."""
    chain, day = view.chain, view.session.day
    legs = tuple(_leg(leg, intent.qty, chain) for leg in intent.legs)
    touch, mid = _net(legs)
    fees = round_trip_fees(intent, day)
    payoff = order_payoff(intent, fees=fees)
    slippage = None if mid is None else _dollars_of(intent.limit - mid, intent)
    chances = outcome(intent, payoff, slippage, chain)
    report = greeks_of_legs(intent.legs, intent.qty, chain)
    margin = _margin(intent)
    return TradeAnalysis(
        intent=intent,
        legs=legs,
        natural=touch,
        mid=mid,
        limit_why=limit_why(intent.limit, touch, mid, given=limit_given),
        slippage=slippage,
        net_cost=intent.net_cost,
        entry_fees=entry_fees(intent, day),
        fees=fees,
        margin=margin,
        cost=margin + intent.net_cost + fees,
        max_loss=payoff.max_loss,
        max_profit=payoff.max_profit,
        breakevens=tuple(cent(spot) for spot in payoff.breakevens),
        outcome=chances,
        ladder=None,
        profile=None,
        impact=None,
        cautions=(),
        sensitivity=report.total,
        spot=chain.spot,
        forward=chain.forward,
        unknown=(*report.unknown, *([] if chances else ["the smile does not reach far enough"])),
    )


def _closing(found: TradeAnalysis) -> TradeAnalysis:
    """Return the analysis of what closes: it risks its fees, and what it makes is its price."""
    return replace(
        found,
        fees=found.entry_fees,
        margin=ZERO,
        cost=found.net_cost + found.entry_fees,
        max_loss=found.entry_fees,
        max_profit=ZERO,
        breakevens=(),
        outcome=None,
        ladder=None,
        profile=None,
        cautions=(),
        unknown=(),
    )


def limit_why(limit: Price, touch: Price | None, mid: Price | None, *, given: bool) -> str:
    """Return why the limit is where it is, with natural and mid beside it; given: by the caller."""
    if touch is None or mid is None:
        return "a leg is not quoted on both sides"
    if limit == touch:
        return (
            f"the natural price, every leg at its far touch, so that it fills at once; the mid "
            f"is {mid:.3f}, {touch - mid:.3f} a share better"
        )
    if limit > touch:
        if given:
            return (
                f"your own, {limit - touch:.3f} a share worse than the natural price {touch}: it "
                f"fills at once, at the market's price; the mid is {mid:.3f}"
            )
        return (
            f"{limit - touch:.3f} beyond the natural price {touch}, room for the market to move "
            f"while it is sent; it fills at the market's price; the mid is {mid:.3f}"
        )
    whose = "your own, " if given else ""
    better = f"{touch - limit:.3f} better than the natural price {touch}"
    return f"{whose}{better}; the mid is {mid:.3f}"


def _leg(leg: Leg, qty: int, chain: ChainSnapshot) -> LegAnalysis:
    row: ChainRow = chain.row(leg.contract)
    greeks, estimated = contract_greeks(chain, leg.contract)
    return LegAnalysis(
        leg=leg,
        qty=leg.ratio * qty,
        quote=row.quote,
        age=row.age,
        flag=row.flag,
        greeks=greeks,
        estimated=estimated,
    )


def _net(legs: tuple[LegAnalysis, ...]) -> tuple[Price | None, Price | None]:
    """Return the net natural and mid, both None unless every leg is quoted on both sides."""
    quotes = [
        (leg.leg.signed_ratio, leg.quote)
        for leg in legs
        if leg.quote is not None and leg.quote.two_sided
    ]
    if len(quotes) < len(legs):
        return None, None
    return natural(quotes), net_mid(quotes)


def _margin(intent: OrderIntent) -> Dollars:
    return universal_spread_margin(
        [
            (leg.signed_ratio * intent.qty, leg.contract.right, leg.contract.strike)
            for leg in intent.legs
        ]
    )


def _dollars_of(price: Price, intent: OrderIntent) -> Dollars:
    return price * 100 * intent.qty
