"""What the account must keep: spread margin, coverage of shorts, and the figures it shows.

Options: the universal spread rule per underlying (common.pricing.payoff). Expiries that
cover themselves are margined apart and summed, so that what the expiry of each costs can
always be paid; shorts covered by a later expiry (calendars) are combined with it, and the
largest of the combined expiries is taken. Shares: 50% initial, 30% maintenance
(Regulation T); coins: paid in full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from common.contracts import OPTION_MULTIPLIER, AssetClass, OptionContract, Right, asset_class
from common.money import ZERO, Dollars, Price, Qty
from common.pricing.payoff import universal_spread_margin
from paper_exchange.engine.market import Market, quoted_mark
from paper_exchange.engine.positions import contract_of
from paper_exchange.engine.state import AccountState

# Asked for on every holding; before Python 3.12 naming a member of an enum is a slow look-up.
_SHARE: Final = AssetClass.EQUITY
_OPTION: Final = AssetClass.OPTION

INITIAL: Final = Decimal("0.5")  # of the value of shares
_SHORT: Final = 1 + INITIAL  # of the (negative) value of shares sold short
MAINTENANCE: Final = Decimal("0.3")

Holding = tuple[OptionContract, int]  # signed contracts


def spread_margin(qtys: Mapping[str, Qty]) -> Dollars:
    """Return the margin of all options held, by symbol and signed quantity, dollars >= 0.

    Calls covered by shares held add nothing. Infinite where a call is covered by nothing.
    """
    books: defaultdict[str, list[Holding]] = defaultdict(list)
    for symbol, qty in qtys.items():
        contract = contract_of(symbol)
        if contract is not None and qty:
            books[contract.underlying].append((contract, int(qty)))
    return sum(
        (
            _underlying_margin(held, max(int(qtys.get(underlying, ZERO)), 0) // OPTION_MULTIPLIER)
            for underlying, held in books.items()
            if any(qty < 0 for _, qty in held)
        ),
        ZERO,
    )


def shown_margin(qtys: Mapping[str, Qty]) -> Dollars:
    """Return the spread margin as an account shows it: finite, whatever became of it.

    An assignment can take the shares that covered a call of a later expiry. Until that call
    is bought back nothing can be opened, for its margin is infinite; what is shown of it is
    the strike of the dearest call owed, as for a put.
    """
    margin = spread_margin(qtys)
    if margin.is_finite():
        return margin
    covered, naked = dict(qtys), ZERO
    for underlying in {c.underlying for c in map(contract_of, qtys) if c is not None}:
        lots = max(int(qtys.get(underlying, ZERO)), 0) // OPTION_MULTIPLIER
        owed = max(shortfall((), qtys, underlying, Right.CALL) - lots, 0)
        strikes = [
            c.strike for c in map(contract_of, qtys) if c is not None and c.underlying == underlying
        ]
        dearest = max(strikes)
        naked += owed * OPTION_MULTIPLIER * dearest
        covered[underlying] = Decimal((lots + owed) * OPTION_MULTIPLIER)
    return spread_margin(covered) + naked


def _underlying_margin(held: Sequence[Holding], share_lots: int) -> Dollars:
    """Walk the expiries from the nearest, closing a cluster where it covers itself.

    Longs cannot cover what outlives them: a later call of a cluster that nets takes shares.
    """
    margin = ZERO
    cluster: list[Holding] = []
    for expiry in sorted({contract.expiry for contract, _ in held}):
        cluster += [holding for holding in held if holding[0].expiry == expiry]
        lots = _owed(cluster)
        nets = _net(cluster, Right.CALL) >= 0 and _net(cluster, Right.PUT) >= 0
        if nets and lots <= share_lots:
            margin += _cluster_margin(cluster, lots)
            cluster, share_lots = [], share_lots - lots
    return margin + _cluster_margin(cluster, share_lots)


def _owed(cluster: Sequence[Holding]) -> int:
    """Return the calls that nothing which lives as long covers, at the worst expiry."""
    expiries = {contract.expiry for contract, _ in cluster}
    alive = ([held for held in cluster if held[0].expiry >= expiry] for expiry in expiries)
    return max(0, *(-_net(held, Right.CALL) for held in alive))


def _cluster_margin(cluster: Sequence[Holding], share_lots: int) -> Dollars:
    return max(
        (
            _alive_margin(
                [holding for holding in cluster if holding[0].expiry >= expiry], share_lots
            )
            for expiry in {contract.expiry for contract, _ in cluster}
        ),
        default=ZERO,
    )


def _alive_margin(alive: Sequence[Holding], share_lots: int) -> Dollars:
    legs = [(qty, contract.right, contract.strike) for contract, qty in alive]
    covered = min(share_lots, max(-_net(alive, Right.CALL), 0))
    if covered:
        legs.append((covered, Right.CALL, ZERO))  # a share is a call struck at nothing
    return universal_spread_margin(legs)


def _net(held: Iterable[Holding], right: Right) -> int:
    return sum(qty for contract, qty in held if contract.right is right)


def shortfall(
    changes: Iterable[Mapping[str, Qty]], held: Mapping[str, Qty], underlying: str, right: Right
) -> int:
    """Return how many contracts owed nothing held covers, at worst.

    held: signed quantities; changes: those of each working order, which fill whole or not
    at all relative to one another, so the worst is the sum of those that take cover away.
    A short is covered by a holding of the same right that expires no earlier; hence at
    every expiry the net of what lives that long must not be below zero.
    """
    base = _by_expiry(held, underlying, right)
    orders = [_by_expiry(change, underlying, right) for change in changes]
    expiries = set(base).union(*orders)
    worst = 0
    for expiry in expiries:
        net = _from(base, expiry) + sum(min(_from(order, expiry), 0) for order in orders)
        worst = min(worst, net)
    return -worst


def _by_expiry(qtys: Mapping[str, Qty], underlying: str, right: Right) -> dict[date, int]:
    nets: dict[date, int] = {}
    for symbol, qty in qtys.items():
        contract = contract_of(symbol)
        if contract is not None and contract.underlying == underlying and contract.right is right:
            nets[contract.expiry] = nets.get(contract.expiry, 0) + int(qty)
    return nets


def _from(nets: Mapping[date, int], expiry: date) -> int:
    return sum(qty for day, qty in nets.items() if day >= expiry)


def holdings(state: AccountState) -> dict[str, Qty]:
    """Return the signed quantity of every symbol held."""
    return {symbol: position.qty for symbol, position in state.positions.items()}


def excess(
    state: AccountState,
    market: Market,
    *,
    cash: Dollars | None = None,
    held: Dollars | None = None,
    qtys: Mapping[str, Qty] | None = None,
    marks: Mapping[str, Price] | None = None,
) -> Dollars:
    """Return the equity free to be committed, signed; what-ifs replace what is given.

    marks: what shares are worth, before the market is asked.

    Cash not reserved, plus the loan value of shares, less spread margin. Long options and
    coins lend nothing.
    """
    cash = state.cash if cash is None else cash
    held = state.held if held is None else held
    qtys = holdings(state) if qtys is None else qtys
    free = cash - held
    options = False
    for symbol, qty in qtys.items():
        kind = asset_class(symbol)
        if kind is _SHARE:
            known = None if marks is None else marks.get(symbol)
            value = qty * (share_mark(state, market, symbol) if known is None else known)
            free += value * INITIAL if value > 0 else value * _SHORT
        elif kind is _OPTION:
            options = True
    return free - spread_margin(qtys) if options else free


def share_mark(state: AccountState, market: Market, symbol: str) -> Decimal:
    """Return what a share is worth now, its cost where there is no quote at all."""
    marked = quoted_mark(market.quotes.get(symbol))
    if marked is not None:
        return marked
    position = state.positions.get(symbol)
    return position.avg_entry_price if position else ZERO
