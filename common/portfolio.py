"""What the account holds: its money, its positions, and what they expose it to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from common.contracts import AssetClass, OptionContract, asset_class
from common.money import Dollars, Price, Qty
from common.orders import OrderIntent
from common.shares import PendingShares


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The broker's account figures. blocked says why nothing may be traded, or is None."""

    number: str
    equity: Dollars
    last_equity: Dollars  # at the previous close
    cash: Dollars
    buying_power: Dollars
    options_buying_power: Dollars
    initial_margin: Dollars
    maintenance_margin: Dollars
    options_level: int
    blocked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The net holding in one symbol; a short has negative qty, value and cost basis.

    Prices are per share, amounts are totals. qty_available is what no working order
    has claimed.
    """

    symbol: str
    qty: Qty
    qty_available: Qty
    avg_entry_price: Price
    current_price: Price | None
    market_value: Dollars | None
    cost_basis: Dollars
    unrealized_pl: Dollars | None

    @property
    def contract(self) -> OptionContract | None:
        """The option held, or None for a stock or a coin."""
        if asset_class(self.symbol) is AssetClass.OPTION:
            return OptionContract.from_occ(self.symbol)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the account stands to lose, and how it leans, before a new order.

    session_pnl: equity at natural exit prices less the session's opening equity, None
    when it cannot be known. at_risk: dollars, >= 0, that open positions can still lose
    from here, ended at their worst. reserved: dollars, >= 0, at worst, of orders not
    yet ended, unknown ones included. delta: share equivalents, None when any holding's
    cannot be had. pending_delta: the most that orders not yet ended could move it, down
    (<= 0) and up (>= 0). pending: those orders, each with what may still fill; pending_shares:
    those in stocks and coins. unknown says why anything is None.
    """

    account: Account
    positions: tuple[Position, ...]
    session_pnl: Dollars | None
    at_risk: Dollars | None
    reserved: Dollars
    delta: float | None
    pending_delta: tuple[float, float] = (0.0, 0.0)
    pending: tuple[OrderIntent, ...] = ()
    pending_shares: tuple[PendingShares, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def worst_pnl(self) -> Dollars | None:
        """The session's P&L if everything open and pending ended at its worst."""
        if self.session_pnl is None or self.at_risk is None:
            return None
        return self.session_pnl - self.at_risk - self.reserved

    def loss_budget_left(self, max_daily_loss: Dollars) -> Dollars | None:
        """Return the dollars a new order may lose at worst, not below zero.

        A session in profit has no more room than a flat one: gains are not budget.
        """
        worst = self.worst_pnl
        if worst is None:
            return None
        return max(max_daily_loss + min(worst, Decimal(0)), Decimal(0))
