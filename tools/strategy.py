"""Strategies: each previews by default and sends only what was previewed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tools import wanted as trade
from tools.consent import Trader
from tools.toolset import TRADES, Toolset
from tools.trade_view import TradeView
from tools.wants import Desk

strategy = Toolset("strategy")

Width = Annotated[int, Field(ge=1, le=50, description="strike distance of each wing, dollars")]
ShortDelta = Annotated[int, Field(ge=5, le=45, description="delta of the short strikes, percent")]
MinCredit = Annotated[
    int | None, Field(ge=0, le=90, description="least credit, percent of the width")
]
StrikeDelta = Annotated[int, Field(ge=5, le=80, description="delta of the option, percent")]
LottoDelta = Annotated[int, Field(ge=2, le=20, description="delta of the option, percent")]
RangeMinutes = Annotated[
    Literal[5, 15, 30, 60], Field(description="length of the opening range, minutes")
]


@strategy.tool(TRADES, basic=True)
async def orb_long_call(
    desk: Desk,
    by: Trader,
    strike_delta: StrikeDelta = 30,
    range_minutes: RangeMinutes = 15,
    contracts: trade.Contracts = None,
    risk: trade.Risk = None,
    stop: trade.Stop = None,
    target: trade.Target = None,
    trail: trade.Trail = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Buy a same-day SPY call when price breaks above the opening range.

    Needs a one-minute close above the range; else it refuses with the numbers. First call
    previews and sends nothing. To trade, repeat it with preview=false and confirm_token.
    """
    order = trade.asked(contracts, risk, stop, target, trail)
    wanted = trade.breakout(desk.settings, "call", strike_delta, range_minutes, order)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))


@strategy.tool(TRADES, basic=True)
async def orb_long_put(
    desk: Desk,
    by: Trader,
    strike_delta: StrikeDelta = 30,
    range_minutes: RangeMinutes = 15,
    contracts: trade.Contracts = None,
    risk: trade.Risk = None,
    stop: trade.Stop = None,
    target: trade.Target = None,
    trail: trade.Trail = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Buy a same-day SPY put when price breaks below the opening range.

    Needs a one-minute close below the range; else it refuses with the numbers. First call
    previews and sends nothing. To trade, repeat it with preview=false and confirm_token.
    """
    order = trade.asked(contracts, risk, stop, target, trail)
    wanted = trade.breakout(desk.settings, "put", strike_delta, range_minutes, order)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))


@strategy.tool(TRADES, basic=True)
async def iron_condor_30_delta(
    desk: Desk,
    by: Trader,
    width: Width = 10,
    short_delta: ShortDelta = 30,
    min_credit: MinCredit = None,
    contracts: trade.Contracts = None,
    risk: trade.Risk = None,
    stop: trade.Stop = None,
    target: trade.Target = None,
    trail: trade.Trail = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Sell a same-day SPY iron condor, shorts nearest 30 delta, as one multi-leg order.

    First call previews and sends nothing; if the loss budget refuses, it names the width
    that fits. To trade, repeat it with preview=false and confirm_token.
    """
    order = trade.asked(contracts, risk, stop, target, trail)
    wanted = trade.condor(desk.settings, width, short_delta, min_credit, order)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))


@strategy.tool(TRADES, basic=True)
async def lotto_play_5_delta(
    desk: Desk,
    by: Trader,
    right: trade.Side,
    delta: LottoDelta = 5,
    contracts: trade.Contracts = None,
    risk: trade.Risk = None,
    target: trade.Target = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Buy far same-day SPY options in the last hour before the broker's cut-off.

    Sized by risk, a small budget by default; most such options expire worthless. Previews
    first, as orb_long_call does.
    """
    wanted = trade.lotto(desk.settings, right, delta, contracts, risk, target)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))
