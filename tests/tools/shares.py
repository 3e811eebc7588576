"""What tests of orders in stocks and coins do: trade through a client, and ask the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.desk import DeskClient
from tests.exchange import Exchange
from tests.tools.market import Reply

BUY, SELL, LIMIT = "buy_stock_market", "sell_stock_market", "buy_stock_limit"
PLACE, COIN = "place_stock_order", "place_crypto_order"
AAPL: dict[str, Any] = {"symbol": "AAPL", "quantity": 2}


def touch(exchange: Exchange, symbol: str) -> tuple[Decimal, Decimal]:
    """Return bid and ask as the exchange tells them."""
    quote = exchange.get(f"/v2/stocks/{symbol}/quotes/latest")["quote"]
    return Decimal(str(quote["bp"])), Decimal(str(quote["ap"]))


async def sent(client: DeskClient, tool: str, **arguments: Any) -> Reply:
    """Preview an order, confirm it and return it."""
    return await client.confirmed(tool, await client.ask(tool, **arguments), **arguments)


async def bought(client: DeskClient, symbol: str, quantity: float) -> None:
    """Have so much of a stock."""
    order = await sent(client, BUY, symbol=symbol, quantity=quantity)
    assert (await client.ended(order["client_order_id"]))["status"] == "filled"


def free(exchange: Exchange, symbol: str) -> Decimal:
    """Return what is held of a stock and claimed by no order."""
    held = [p for p in exchange.positions() if p["symbol"] == symbol]
    return Decimal(held[0]["qty_available"]) if held else Decimal(0)


def new(exchange: Exchange, before: Sequence[Reply]) -> Reply:
    """Return the one order that was not there before."""
    known = {order["id"] for order in before}
    [placed] = [one for one in exchange.orders() if one["id"] not in known]
    return placed
