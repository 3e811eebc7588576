"""Strategies: each previews by default and sends only what was previewed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.contracts import Right
from common.ids import ConfirmToken
from services.strategies.iron_condor import IronCondor
from services.strategies.opening_range import OpeningRangeBreakout
from tools.toolset import TRADES, Toolset
from tools.trade_view import TradeView
from tools.wants import Caller, Desk

strategy = Toolset("strategy")

Width = Annotated[int, Field(ge=1, le=50, description="strike distance of each wing, dollars")]
ShortDelta = Annotated[int, Field(ge=5, le=45, description="delta of the short strikes, percent")]
StrikeDelta = Annotated[int, Field(ge=5, le=80, description="delta of the option, percent")]
RangeMinutes = Annotated[
    Literal[5, 15, 30, 60], Field(description="length of the opening range, minutes")
]
Contracts = Annotated[int, Field(ge=1, le=100, description="contracts, or units of a spread")]
Preview = Annotated[bool, Field(description="true prices and sends nothing")]
Token = Annotated[
    str | None, Field(description="from the preview; with preview=false it sends", max_length=64)
]


@strategy.tool(TRADES)
async def orb_long_call(
    desk: Desk,
    by: Caller,
    strike_delta: StrikeDelta = 30,
    range_minutes: RangeMinutes = 15,
    contracts: Contracts = 1,
    preview: Preview = True,
    confirm_token: Token = None,
) -> TradeView:
    """Buy a same-day SPY call when price breaks above the opening range.

    Needs a one-minute close above the range; else it refuses with the numbers. First call
    previews and sends nothing. To trade, repeat it with preview=false and confirm_token.
    """
    wanted = _breakout(Right.CALL, strike_delta, range_minutes, contracts)
    return await TradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@strategy.tool(TRADES)
async def orb_long_put(
    desk: Desk,
    by: Caller,
    strike_delta: StrikeDelta = 30,
    range_minutes: RangeMinutes = 15,
    contracts: Contracts = 1,
    preview: Preview = True,
    confirm_token: Token = None,
) -> TradeView:
    """Buy a same-day SPY put when price breaks below the opening range.

    Needs a one-minute close below the range; else it refuses with the numbers. First call
    previews and sends nothing. To trade, repeat it with preview=false and confirm_token.
    """
    wanted = _breakout(Right.PUT, strike_delta, range_minutes, contracts)
    return await TradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@strategy.tool(TRADES)
async def iron_condor_30_delta(
    desk: Desk,
    by: Caller,
    width: Width = 10,
    short_delta: ShortDelta = 30,
    contracts: Contracts = 1,
    preview: Preview = True,
    confirm_token: Token = None,
) -> TradeView:
    """Sell a same-day SPY iron condor, shorts nearest 30 delta, as one multi-leg order.

    First call previews and sends nothing; if the loss budget refuses, it names the width
    that fits. To trade, repeat it with preview=false and confirm_token.
    """
    wanted = _condor(width, short_delta, contracts)
    return await TradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


def confirmed(preview: bool, confirm_token: str | None) -> ConfirmToken | None:
    """Return the token that confirms a trade, None while it is only to be shown.

    A call that says preview=false without a token is shown again: nothing was consented.
    """
    return None if preview or not confirm_token else ConfirmToken(confirm_token)


def _breakout(right: Right, delta: int, minutes: int, contracts: int) -> OpeningRangeBreakout:
    return OpeningRangeBreakout(right=right, minutes=minutes, delta=delta / 100, qty=contracts)


def _condor(width: int, delta: int, contracts: int) -> IronCondor:
    return IronCondor(width=width, short_delta=delta / 100, qty=contracts)
