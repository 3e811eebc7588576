"""Choosing a contract: by delta or by strike, of today's expiry, with a market to trade in.

How old a quote may be, how wide, and how much must be open is judged by risk's limits, leg by
leg, whichever way a contract was chosen; what was found is told here.
"""

from __future__ import annotations

from common.contracts import OptionContract, Right
from common.errors import MarketDataMissing, NoSuchContract, QuoteUnusable
from common.money import Price, plain
from common.quotes import ChainRow, DeltaPick, MarketView, Quote

DELTA_MISS_MAX = 0.10  # strikes are coarse late in the day; beyond this it is another trade
WIDE_MISS = 0.05  # of delta, worth a warning

Facts = tuple[tuple[str, str], ...]


def nearest_delta(view: MarketView, right: Right, target: float) -> DeltaPick:
    """Return the same-day contract nearest a delta given without sign.

    Raises NoSuchContract, with the neighbours, when it misses by more than 0.10 or than the
    delta itself, QuoteUnusable when nobody bids for it, and MarketDataMissing when the chain
    held is another day's.
    """
    require_today(view)
    pick = view.chain.by_delta(right, target)
    most = min(DELTA_MISS_MAX, target)
    if abs(pick.achieved - pick.target) > most:
        raise NoSuchContract(
            f"a {right.name.lower()} within {most:.2f} of {pick.target:+.2f} delta "
            f"(nearest: {neighbours(pick)})"
        )
    takeable(pick.row, sold=True)
    return pick


def require_today(view: MarketView) -> None:
    """Refuse a chain of another day than the session's, by MarketDataMissing."""
    if view.chain.expiry != view.session.day:
        raise MarketDataMissing(
            f"the chain held expires {view.chain.expiry}, the session is {view.session.day}"
        )


def listed(view: MarketView, contract: OptionContract) -> ChainRow:
    """Return the row of a contract somebody named; one that is not today's is said to be so.

    Raises NoSuchContract, MarketDataMissing.
    """
    require_today(view)
    if contract.expiry < view.session.day:
        raise NoSuchContract(f"{contract.symbol}, which expired on {contract.expiry},")
    if contract.expiry > view.session.day:
        raise NoSuchContract(f"{contract.symbol}, which expires on {contract.expiry},")
    return view.chain.row(contract)


def takeable(row: ChainRow, *, sold: bool) -> Quote:
    """Return a quote whose far touch can be priced: an ask to buy at, a bid to sell at.

    Whether it is fresh and tight enough to trade on is risk's to say. Raises QuoteUnusable.
    """
    quote = row.quote
    if quote is None or quote.ask <= 0 or quote.bid > quote.ask or (sold and quote.bid <= 0):
        raise QuoteUnusable(row.contract.symbol, row.flag)
    return quote


def neighbours(pick: DeltaPick) -> str:
    """Return the pick between its neighbours, each as strike and delta."""
    rows = [row for row in (pick.below, pick.row, pick.above) if row is not None]
    return ", ".join(
        f"{plain(row.contract.strike)} at {row.greeks.delta:+.3f}" for row in rows if row.greeks
    )


def achieved(pick: DeltaPick) -> str:
    """Return the delta found and the one that was wanted."""
    return f"{pick.achieved:+.3f}, wanted {pick.target:+.2f}"


def market(row: ChainRow) -> str:
    """Return a contract's quote as a trader reads it: touches, width, age, open interest."""
    quote = row.quote
    if quote is None:
        return "never quoted"
    wide = f" ({quote.spread / quote.mid:.1%} wide)" if quote.two_sided else ""
    age = "" if row.age is None else f", {row.age.total_seconds():.1f} s old"
    count = "unknown" if row.open_interest is None else f"{row.open_interest:,}"
    return f"{quote.bid} to {quote.ask}{wide}{age}, open interest {count}"


def label(contract: OptionContract) -> str:
    """Return a contract of today as people call it: "the 670 call"."""
    return f"the {plain(contract.strike)} {contract.right.name.lower()}"


def misses(*picks: DeltaPick) -> tuple[str, ...]:
    """Return a warning for each pick whose delta is far from the wanted one."""
    return tuple(
        f"{label(pick.row.contract)} is {abs(pick.achieved - pick.target):.3f} away from the "
        f"wanted delta"
        for pick in picks
        if abs(pick.achieved - pick.target) > WIDE_MISS
    )


def forward_warning(view: MarketView) -> tuple[str, ...]:
    """Return a warning when deltas rest on a forward that is not the market's own."""
    if view.chain.forward_source == "parity":
        return ()
    return (f"the forward is {view.chain.forward_source}, not from put-call parity",)


def dollars(price: Price) -> str:
    """Return a price with its cents."""
    return f"{price:.2f}"
