"""Losing money on purpose: orders made at the exchange behind the desk's back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from common.contracts import OptionContract, Right
from tests.desk import DeskClient
from tests.exchange import Exchange
from tests.tools.market import touches, until

DAY = "2026-12-08"
MORNING = {"clock": "stepped", "day": DAY, "at": "10:05", "seed": 7}
DEEP = Decimal(20)  # dollars in the money: 39 cents wide


def call(exchange: Exchange, depth: Decimal) -> str:
    """Return the same-day call whose strike lies so far below the price."""
    quote = exchange.get("/v2/stocks/SPY/quotes/latest")["quote"]
    strike = (Decimal(str(quote["bp"])) - depth) // 1
    found = OptionContract(
        underlying="SPY", expiry=exchange.now().date(), strike=strike, right=Right.CALL
    )
    return found.symbol


def trade(exchange: Exchange, symbol: str, side: str, qty: int = 1) -> None:
    """Trade at market, as somebody else with the account's keys would."""
    order = {
        "symbol": symbol,
        "qty": str(qty),
        "side": side,
        "type": "market",
        "time_in_force": "day",
    }
    answer = exchange.request("POST", "/v2/orders", order)
    assert answer.status == 200, answer.body


def lost(exchange: Exchange) -> Decimal:
    """Return what the account has lost of its first hundred thousand, all being flat."""
    return 100_000 - Decimal(exchange.get("/v2/account")["equity"])


async def lose(client: DeskClient, exchange: Exchange, amount: int) -> Decimal:
    """Lose about so many dollars by crossing spreads, never more; return what the desk sees."""
    for symbol in (call(exchange, DEEP), call(exchange, Decimal(0))):
        touch = touches(exchange, [symbol])[symbol]
        trip = (touch.ask - touch.bid) * 100 + Decimal("0.50")  # fees are less
        while lost(exchange) + trip <= amount:
            before = lost(exchange)
            trade(exchange, symbol, "buy")
            trade(exchange, symbol, "sell")
            assert lost(exchange) > before

    async def seen() -> bool:
        return bool(Decimal((await client.ask("show_pnl"))["session"]) == -lost(exchange))

    await until(seen, "the desk does not see the loss")
    return lost(exchange)


def limit_named(checked: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one limit of a risk check."""
    [found] = [limit for limit in checked["limits"] if limit["name"] == name]
    return dict(found)
