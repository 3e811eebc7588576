"""Taking positions off: one, a part of one, or all; and what a holder says of an option."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from services.execution.by_hand import Part
from services.execution.instructions import Kind
from tools.action_view import ActionView
from tools.consent import Trader
from tools.option_positions import HeldSymbol
from tools.risk import FlattenView
from tools.toolset import HALTS, TRADES, Toolset
from tools.wanted import Preview, Token, amount, confirmed
from tools.wants import Caller, Desk

closing = Toolset("positions")

Units = Annotated[float | None, Field(gt=0, le=1e9, description="default all")]
Percent = Annotated[float | None, Field(gt=0, le=100, description="in place of qty; rounded down")]


@closing.tool(TRADES, basic=True)
async def close_position(
    desk: Desk,
    by: Trader,
    symbol: HeldSymbol,
    qty: Units = None,
    percentage: Percent = None,
    preview: Preview = True,
    confirm_token: Token = None,
) -> ActionView:
    """Close a position or a part of it: options by a limit at the market, shares at the market.

    Previews first, as place_option_market_order does.
    """
    wanted = await desk.dealing.by_hand.closing(symbol, Part(amount(qty), amount(percentage)))
    return await ActionView.of_either(desk, wanted, by, confirmed(preview, confirm_token))


@closing.tool(TRADES)
async def exercise_options_position(
    desk: Desk, by: Trader, symbol: HeldSymbol, preview: Preview = True, confirm_token: Token = None
) -> ActionView:
    """Exercise all that is held of a long option, for shares; refused beyond the risk limits.

    Previews the shares and the cash first; the token does it.
    """
    wanted = await desk.dealing.by_hand.whole(symbol, Kind.EXERCISE)
    return await ActionView.of_either(desk, wanted, by, confirmed(preview, confirm_token))


@closing.tool(TRADES)
async def do_not_exercise_options_position(
    desk: Desk, by: Trader, symbol: HeldSymbol, preview: Preview = True, confirm_token: Token = None
) -> ActionView:
    """Have a long option expire unexercised, whatever it is worth; it cannot be taken back.

    Previews first; the token does it.
    """
    wanted = await desk.dealing.by_hand.whole(symbol, Kind.DECLINE)
    return await ActionView.of_either(desk, wanted, by, confirmed(preview, confirm_token))


@closing.tool(HALTS)
async def close_all_positions(
    desk: Desk,
    by: Caller,
    cancel_orders: Annotated[bool, Field(description="cancel open orders first")] = False,
) -> FlattenView:
    """Close every position, spreads as spreads, until the broker shows none.

    Without cancel_orders open orders stay and hold what they would close. Up to 25 seconds.
    """
    return FlattenView.of(desk, await desk.flatten(by, cancel=cancel_orders))
