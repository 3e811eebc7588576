"""What an account's owner has switched off: the refusal of orders that need it."""

from __future__ import annotations

from common.contracts import AssetClass
from common.orders import PositionIntent
from paper_exchange.engine import refusals
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.form import is_fractional
from paper_exchange.engine.market import Listing
from paper_exchange.engine.state import AccountState


def check_suspension(state: AccountState) -> None:
    """Refuse every new order, closing ones too, once the owner suspended trading."""
    if state.configuration.suspend_trade:
        raise refusals.forbidden("new orders are rejected by user request")


def check_permissions(
    state: AccountState, command: SubmitOrder, listing: Listing, intent: PositionIntent
) -> None:
    """Refuse a stock order the owner's configuration rules out; the texts are ours."""
    own = state.configuration
    limited = own.no_shorting or not own.fractional_trading
    if not limited or listing.asset_class is not AssetClass.EQUITY:
        return
    if own.no_shorting and intent is PositionIntent.SELL_TO_OPEN:
        raise refusals.forbidden("account is not allowed to short")
    if not own.fractional_trading and is_fractional(command):
        raise refusals.forbidden("fractional trading is disabled by user request")
