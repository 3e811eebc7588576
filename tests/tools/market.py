"""What the exchange says of market and money, asked of it directly, to hold the desk against."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from time import monotonic
from typing import Any

from common.contracts import OptionContract, Right
from common.session import new_york, new_york_text
from tests.desk import DeskClient
from tests.exchange import Exchange

SHARES = 100
# A stepped market sends no quotes while it stands still: only the poll vouches for them.
PATIENT = {"quote_age_max": 60}
Reply = dict[str, Any]
Legs = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Touch:
    """Bid and ask of one contract."""

    bid: Decimal
    ask: Decimal


def touches(exchange: Exchange, symbols: Iterable[str]) -> dict[str, Touch]:
    """Return the quotes of contracts."""
    asked = exchange.get("/v1beta1/options/quotes/latest", symbols=",".join(symbols))
    return {
        symbol: Touch(bid=Decimal(str(quote["bp"])), ask=Decimal(str(quote["ap"])))
        for symbol, quote in asked["quotes"].items()
    }


def signs(legs: Legs) -> dict[str, int]:
    """Return +1 for each leg bought and -1 for each sold."""
    return {leg["symbol"]: 1 if leg["intent"].startswith("buy") else -1 for leg in legs}


def natural(exchange: Exchange, legs: Legs) -> Decimal:
    """Return the net price of taking every leg at the far touch, a credit negative."""
    sides = signs(legs)
    found = touches(exchange, sides)
    return sum(
        (sign * (found[s].ask if sign > 0 else found[s].bid) for s, sign in sides.items()),
        Decimal(0),
    )


def worst_and_best(legs: Legs, price: Decimal) -> tuple[Decimal, Decimal]:
    """Return the least and the most that legs bought at a net price pay, dollar by dollar."""
    sides = {OptionContract.from_occ(symbol): sign for symbol, sign in signs(legs).items()}
    strikes = [int(contract.strike) for contract in sides]
    results = [
        sum(sign * intrinsic(contract, Decimal(at)) for contract, sign in sides.items()) - price
        for at in range(min(strikes) - 5, max(strikes) + 6)
    ]
    return min(results) * SHARES, max(results) * SHARES


def intrinsic(contract: OptionContract, spot: Decimal) -> Decimal:
    """Return what a contract is worth if it is exercised at a price."""
    up = spot - contract.strike
    return max(up if contract.right is Right.CALL else -up, Decimal(0))


def exit_value(exchange: Exchange, position: Mapping[str, Any]) -> Decimal:
    """Return what a position would leave at: bought back at the ask, sold at the bid."""
    touch = touches(exchange, [position["symbol"]])[position["symbol"]]
    qty = Decimal(position["qty"])
    return qty * SHARES * (touch.bid if qty > 0 else touch.ask)


@dataclass(frozen=True)
class Morning:
    """SPY's opening range and the last close before 10:05."""

    low: Decimal
    high: Decimal
    close: Decimal

    @classmethod
    def of(cls, exchange: Exchange, day: date) -> Morning:
        """Return it, from the exchange's own bars of the first 35 minutes."""
        bars = exchange.get(
            "/v2/stocks/SPY/bars",
            timeframe="1Min",
            start=new_york(day, time(9, 30)).isoformat(),
            end=new_york(day, time(10, 4)).isoformat(),
            limit=1000,
        )["bars"]
        assert len(bars) == 35
        return cls(
            low=min(_cents(bar["l"]) for bar in bars[:15]),
            high=max(_cents(bar["h"]) for bar in bars[:15]),
            close=_cents(bars[-1]["c"]),
        )


def _cents(value: float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


async def until(met: Callable[[], Awaitable[bool]], what: str, seconds: float = 60) -> None:
    """Return once it is met; fail long after any machine would have met it."""
    deadline = monotonic() + seconds
    while not await met():
        assert monotonic() < deadline, what
        await asyncio.sleep(0.03)


async def followed(client: DeskClient, exchange: Exchange, legs: Legs = ()) -> None:
    """Wait until the desk sees what a stepped exchange shows: the time, spot, and its legs."""
    now, spot = exchange.now(), exchange.get("/v2/stocks/SPY/quotes/latest")["quote"]
    wanted = touches(exchange, [leg["symbol"] for leg in legs]) if legs else {}
    mid = (Decimal(str(spot["bp"])) + Decimal(str(spot["ap"]))) / 2

    async def sees() -> bool:
        clock = await client.ask("get_market_clock")
        answer = await client.mcp.call_tool(
            "get_option_snapshot", {"symbol_or_symbols": list(wanted)}
        )
        if answer.is_error or answer.structured_content is None:
            return False
        chain = answer.structured_content
        shown = {
            row["symbol"]: Touch(bid=Decimal(row["bid"]), ask=Decimal(row["ask"]))
            for row in chain["options"]
            if wanted
        }
        return bool(
            clock["now"] >= new_york_text(now) and Decimal(chain["spot"]) == mid and shown == wanted
        )

    await until(sees, f"the desk did not follow to {new_york_text(now)}")
