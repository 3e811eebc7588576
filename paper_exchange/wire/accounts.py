"""The account and its positions as the trading API writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from common.contracts import AssetClass, asset_class, multiplier
from common.money import Price, cent
from paper_exchange.engine.configuration import Configuration
from paper_exchange.engine.figures import AccountFigures, PositionFigures
from paper_exchange.wire.scalars import (
    asset_id,
    instant_or_none,
    position_symbol,
    ratio,
    text,
)

Json = dict[str, Any]

# What is the same of every account here.
_EVERY_ACCOUNT: Mapping[str, Any] = {
    "account_blocked": False,
    "admin_configurations": {},
    "crypto_status": "ACTIVE",
    "crypto_tier": 1,
    "currency": "USD",
    "intraday_adjustments": "0",
    "pending_reg_taf_fees": "0",
    "sma": "0",
    "status": "ACTIVE",
    "trading_blocked": False,
    "transfers_blocked": False,
    "user_configurations": None,
}
_PLACES = Decimal("0.000000001")


def account(
    of: AccountFigures,
    *,
    account_id: str,
    number: str,
    level: int,
    configuration: Configuration,
    opened_at: datetime | None,
    balance_asof: date,
) -> Json:
    """Return the account; balance_asof is the day last_equity is of."""
    bound = configuration.max_options_trading_level
    return {
        **_EVERY_ACCOUNT,
        "account_number": number,
        "accrued_fees": text(of.accrued_fees),
        "balance_asof": balance_asof.isoformat(),
        "buying_power": text(of.buying_power),
        "cash": text(of.cash),
        "created_at": instant_or_none(opened_at),
        "effective_buying_power": text(of.buying_power),
        "equity": text(of.equity),
        "id": asset_id(f"account {account_id}"),
        "initial_margin": text(of.initial_margin),
        "last_equity": text(of.last_equity),
        "last_maintenance_margin": text(of.last_maintenance_margin),
        "long_market_value": text(of.long_market_value),
        "maintenance_margin": text(of.maintenance_margin),
        "multiplier": str(of.multiplier),
        "non_marginable_buying_power": text(of.non_marginable_buying_power),
        "options_approved_level": level,
        "options_buying_power": text(of.options_buying_power),
        "options_trading_level": level if bound is None else min(level, bound),
        "portfolio_value": text(of.equity),
        "position_market_value": text(of.position_market_value),
        "regt_buying_power": text(of.regt_buying_power),
        "short_market_value": text(of.short_market_value),
        "shorting_enabled": not configuration.no_shorting,
        "trade_suspended_by_user": configuration.suspend_trade,
    }


def position(of: PositionFigures, *, exchange: str, close: Price) -> Json:
    """Return one holding; exchange is where it is listed, "" for an option.

    close is the session before's. The day's profit of what was not held over night counts
    from its entry.
    """
    kind = asset_class(of.symbol)
    before = of.lastday_price
    basis = of.avg_entry_price if before is None else before
    value_before = of.qty * multiplier(of.symbol) * basis
    today = cent(of.market_value - value_before)
    return {
        "asset_class": kind.value,
        "asset_id": asset_id(of.symbol),
        "asset_marginable": kind is not AssetClass.CRYPTO,
        "avg_entry_price": text(of.avg_entry_price.quantize(_PLACES)),
        "change_today": ratio(of.price - close, close),
        "cost_basis": text(of.cost_basis),
        "current_price": text(of.price),
        "exchange": exchange,
        "lastday_price": text(close.quantize(_PLACES)),
        "market_value": text(of.market_value),
        "qty": text(of.qty),
        "qty_available": text(of.qty_available),
        "side": "long" if of.qty > 0 else "short",
        "symbol": position_symbol(of.symbol),
        "unrealized_intraday_pl": text(today),
        "unrealized_intraday_plpc": ratio(today, abs(value_before)),
        "unrealized_pl": text(of.unrealized_pl),
        "unrealized_plpc": ratio(of.unrealized_pl, abs(of.cost_basis)),
    }
