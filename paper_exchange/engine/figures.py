"""The numbers an account shows, at the market's marks."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from common.contracts import AssetClass, asset_class
from common.money import ZERO, Dollars, Price, Qty, cent
from paper_exchange.engine import margin
from paper_exchange.engine.market import Market
from paper_exchange.engine.positions import PositionState
from paper_exchange.engine.state import AccountState


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFigures:
    """Dollars. short_market_value <= 0; buying powers >= 0, working orders taken off.

    equity = cash + long_market_value + short_market_value. Fees are charged as they arise, so
    none accrue. options_buying_power is the
    equity free to be committed; regt and plain buying power are multiples of it for shares.
    """

    cash: Dollars
    held: Dollars
    equity: Dollars
    last_equity: Dollars
    long_market_value: Dollars
    short_market_value: Dollars
    initial_margin: Dollars
    maintenance_margin: Dollars
    last_maintenance_margin: Dollars
    options_buying_power: Dollars
    non_marginable_buying_power: Dollars
    regt_buying_power: Dollars
    buying_power: Dollars
    multiplier: int
    accrued_fees: Dollars

    @property
    def position_market_value(self) -> Dollars:
        """Long and short value added without sign."""
        return self.long_market_value - self.short_market_value


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFigures:
    """One holding at its mark. price: per share. lastday_price: None if bought today.

    qty_available is signed like qty: what no working order will close.
    """

    symbol: str
    qty: Qty
    qty_available: Qty
    avg_entry_price: Price
    price: Price
    market_value: Dollars
    cost_basis: Dollars
    lastday_price: Price | None

    @property
    def unrealized_pl(self) -> Dollars:
        """Market value less cost."""
        return self.market_value - self.cost_basis


def account_figures(state: AccountState, market: Market) -> AccountFigures:
    """Return an account's numbers; market must quote everything held."""
    values = {
        symbol: position.value(market.mark(symbol, position.avg_entry_price))
        for symbol, position in state.positions.items()
    }
    long = sum((value for value in values.values() if value > 0), ZERO)
    short = sum((value for value in values.values() if value < 0), ZERO)
    qtys = margin.holdings(state)
    spreads = margin.spread_margin(qtys)
    shares = _gross(values, AssetClass.EQUITY)
    free = max(cent(margin.excess(state, market, qtys=qtys)), ZERO)
    return AccountFigures(
        cash=state.cash,
        held=state.held,
        equity=state.cash + long + short,
        last_equity=state.last_equity,
        long_market_value=long,
        short_market_value=short,
        initial_margin=cent(spreads + shares * margin.INITIAL),
        maintenance_margin=maintenance(values, spreads),
        last_maintenance_margin=state.last_maintenance_margin,
        options_buying_power=free,
        non_marginable_buying_power=max(min(free, state.cash - state.held - spreads), ZERO),
        regt_buying_power=free * 2,
        buying_power=free * market.rules.multiplier,
        multiplier=market.rules.multiplier,
        accrued_fees=ZERO,
    )


def position_figures(state: AccountState, market: Market) -> tuple[PositionFigures, ...]:
    """Return every holding at its mark, by symbol."""
    return tuple(
        _position(state, position, market) for _, position in sorted(state.positions.items())
    )


def maintenance(values: dict[str, Dollars], spreads: Dollars) -> Dollars:
    """Return the maintenance margin of marked holdings, spread margin included."""
    return cent(spreads + _gross(values, AssetClass.EQUITY) * margin.MAINTENANCE)


def closing_claim(state: AccountState, symbol: str) -> Qty:
    """Return what working orders will take off a holding, unsigned."""
    return sum((order.closing().get(symbol, ZERO) for order in state.working_in(symbol)), ZERO)


def _position(state: AccountState, position: PositionState, market: Market) -> PositionFigures:
    price = market.mark(position.symbol, position.avg_entry_price)
    free = max(abs(position.qty) - closing_claim(state, position.symbol), ZERO)
    return PositionFigures(
        symbol=position.symbol,
        qty=position.qty,
        qty_available=free if position.qty > 0 else -free,
        avg_entry_price=position.avg_entry_price,
        price=price,
        market_value=position.value(price),
        cost_basis=position.cost,
        lastday_price=state.marks.get(position.symbol),
    )


def _gross(values: dict[str, Dollars], kind: AssetClass) -> Decimal:
    return sum(
        (abs(value) for symbol, value in values.items() if asset_class(symbol) is kind), ZERO
    )
