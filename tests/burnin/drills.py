"""What a trader does on purpose on some days, so that each limit has something to refuse.

A day's own settings make most limits bind for a trader who draws at random. These are the rest:
each drill asks, through the tools like anybody, for what one limit is there to refuse.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

from common.limits import Halt
from tests.burnin.trader import Seat, Trader, Wish

Drill: TypeAlias = Callable[[Trader, Seat], Awaitable[None]]

AGAIN: Final = 4  # one more than the day's repeats_max, and one that may not fill
LEVEL_SINGLES, LEVEL_SPREADS = 2, 3  # the broker's levels of options approval

SPREAD: Final = Wish("option_credit_spread", {"right": "put", "delta": 25, "width": 1})
# One unit of a dollar's width bought for a dollar: no price at expiry pays its fees.
POINTLESS: Final = Wish(
    "option_debit_spread", {"right": "call", "delta": 80, "width": 1, "limit": 1.0}
)
# 100 spreads of $15 hold more margin than the account has.
DEAR: Final = Wish(
    "option_credit_spread", {"right": "put", "delta": 25, "width": 15, "contracts": 100}
)


async def pointless(trader: Trader, seat: Seat) -> None:
    """Ask for what cannot win: max_profit."""
    await trader.trade(seat, POINTLESS)


async def dear(trader: Trader, seat: Seat) -> None:
    """Ask for more than the account can pay: options_buying_power."""
    await trader.trade(seat, DEAR)


async def naked(trader: Trader, seat: Seat) -> None:
    """Ask to sell the short leg of a spread without its cover: order_form."""
    shown = await trader.ask(seat, SPREAD.tool, **SPREAD.arguments)
    if shown is not None:
        [sold] = [leg for leg in shown["preview"]["legs"] if leg["intent"] == "sell_to_open"]
        legs = [{"symbol": sold["symbol"], "side": "sell", "position_intent": "sell_to_open"}]
        await trader.trade(seat, Wish("place_option_market_order", {"legs": legs}))


async def same_again(trader: Trader, seat: Seat) -> None:
    """Open the same contracts over and over: repeats."""
    for _ in range(AGAIN):
        if not await trader.trade(seat, SPREAD):
            return


async def breakouts(trader: Trader, seat: Seat) -> None:
    """Enter each breakout that triggers, and at once a second time: strategy_entries."""
    for right in ("call", "put"):
        wish = Wish(f"orb_long_{right}", {"range_minutes": 5, "strike_delta": 20})
        if await trader.trade(seat, wish):
            await trader.trade(seat, wish)


async def killed(trader: Trader, seat: Seat) -> None:
    """Pull the kill switch, try to trade, and have a person release it: halt."""
    await trader.ask(seat, "kill_switch")
    await trader.trade(seat, SPREAD)
    seat.sentinel.unlink(missing_ok=True)
    await seat.desk.store.set_halt(
        Halt.ACTIVE, who="person", reason="released", at=seat.desk.clock.now()
    )


async def suspended(trader: Trader, seat: Seat) -> None:
    """Trade while the account's owner has suspended its trading at the broker: account."""
    async with _configured(seat, suspend_trade=True):
        await trader.trade(seat, SPREAD)


async def demoted(trader: Trader, seat: Seat) -> None:
    """Ask for a spread on an account approved for single contracts only: options_level."""
    async with _configured(seat, max_options_trading_level=LEVEL_SINGLES):
        await trader.trade(seat, SPREAD)


@asynccontextmanager
async def _configured(seat: Seat, **changed: Any) -> AsyncIterator[None]:
    """Change the account's configuration at the broker for as long as the block runs."""
    before = {"suspend_trade": False, "max_options_trading_level": LEVEL_SPREADS}
    await asyncio.to_thread(_configure, seat, changed)
    try:
        yield
    finally:
        await asyncio.to_thread(_configure, seat, before)


def _configure(seat: Seat, changed: dict[str, Any]) -> None:
    answer = seat.exchange.request("PATCH", "/v2/account/configurations", changed)
    if answer.status != 200:
        raise RuntimeError(f"the account was not configured: {answer.body}")
