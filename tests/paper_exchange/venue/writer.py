"""A process to be killed: eight writers on two accounts, telling what was acknowledged."""

from __future__ import annotations

import asyncio
import os
import sys
from decimal import Decimal

from common.ids import AccountId
from common.orders import Side
from paper_exchange.engine.refusals import Refused
from paper_exchange.store.database import Database
from paper_exchange.store.journal import SqlJournal
from tests.paper_exchange.builders import ME
from tests.paper_exchange.venue.exchange import Exchange, opened

ACCOUNTS = (ME, AccountId("other"))


async def _write(exchange: Exchange, writer: int) -> None:
    account = ACCOUNTS[writer % 2]
    for number in range(1_000_000):
        side = Side.BUY if number % 3 else Side.SELL
        limit = "150" if number % 4 == 3 and side is Side.BUY else None
        order = exchange.order(qty=1 + number % 3, limit=limit, side=side)
        try:
            reply = await exchange.venue.submit(account, order)
        except Refused:
            await exchange.venue.cancel_all(account)
            continue
        os.write(1, f"{account} {reply.id}\n".encode())


async def _main(url: str) -> None:
    exchange = await opened(SqlJournal(await Database.open(url)), cash=10_000_000)
    await exchange.venue.open_account(ACCOUNTS[1], cash=Decimal(10_000_000))
    await asyncio.gather(*(_write(exchange, writer) for writer in range(8)))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
