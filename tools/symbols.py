"""Arguments that name what is traded: one symbol, several between commas, or a list.

Told to the model as text, the shortest way to say it; hosts that send a list are understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

from common.contracts import OptionContract

STOCKS_MAX: Final = 50
COINS_MAX: Final = 20
OPTIONS_MAX: Final = 40

_STOCK = re.compile(r"[A-Z]{1,6}(\.[A-Z]{1,4})?", re.ASCII)
_PAIR = re.compile(r"[A-Z0-9]{2,10}/[A-Z]{3,4}", re.ASCII)
_QUOTED: Final = ("USDC", "USDT", "USD")


def listed(value: object) -> list[str]:
    """Return symbols in upper case, each once; raise ValueError for what is no such list."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("must be one symbol, several separated by commas, or a list of them")
    return list(dict.fromkeys(part.strip().upper() for part in parts if part.strip()))


def stock(symbol: str) -> str:
    """Return a ticker; raise ValueError for what is none."""
    if not _STOCK.fullmatch(symbol):
        raise ValueError(f"{symbol!r:.40} is no stock symbol")
    return symbol


def coin(symbol: str) -> str:
    """Return a pair, BTC/USD for BTC and for BTCUSD; raise ValueError for what is none."""
    base = next((symbol.removesuffix(end) for end in _QUOTED if symbol.endswith(end)), symbol)
    pair = symbol if "/" in symbol else f"{base}/{symbol.removeprefix(base) or 'USD'}"
    if not _PAIR.fullmatch(pair):
        raise ValueError(f"{symbol!r:.40} is no pair such as BTC/USD")
    return pair


def option(symbol: str) -> str:
    """Return an OCC symbol; raise ValueError for what is none."""
    return OptionContract.from_occ(symbol).symbol


def anything(symbol: str) -> str:
    """Return a stock's, a pair's or an option's symbol; raise ValueError for none of them."""
    known = _STOCK.fullmatch(symbol) or _PAIR.fullmatch(symbol)
    return symbol if known else option(symbol)


def lowered(value: object) -> list[str]:
    """Return words in lower case, of a list or of a text with commas between."""
    return [word.lower() for word in listed(value)]


def _read(one: Callable[[str], str], most: int, least: int = 1) -> Callable[[object], list[str]]:
    def read(value: object) -> list[str]:
        symbols = [one(symbol) for symbol in listed(value)]
        if not least <= len(symbols) <= most:
            raise ValueError(f"name {least} to {most} symbols, not {len(symbols)}")
        return symbols

    return read


def _single(one: Callable[[str], str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        symbols = listed(value)
        if len(symbols) != 1:
            raise ValueError("name one symbol")
        return one(symbols[0])

    return read


def _told(about: str, most: int = 1) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "maxLength": 24 * most, "description": about}
    return WithJsonSchema(schema)


StockSymbols = Annotated[
    list[str], BeforeValidator(_read(stock, STOCKS_MAX)), _told("AAPL or AAPL,MSFT", STOCKS_MAX)
]
NoneOrStocks = Annotated[
    list[str],
    BeforeValidator(_read(stock, STOCKS_MAX, least=0)),
    _told("AAPL,MSFT; without, the watchlist or the most active", STOCKS_MAX),
]
CoinSymbols = Annotated[
    list[str], BeforeValidator(_read(coin, COINS_MAX)), _told("BTC/USD or several", COINS_MAX)
]
OptionSymbols = Annotated[
    list[str],
    BeforeValidator(_read(option, OPTIONS_MAX)),
    _told("OCC symbols between commas", OPTIONS_MAX),
]
ShownOptions = Annotated[
    list[str],
    BeforeValidator(_read(option, OPTIONS_MAX, least=0)),
    _told("OCC symbols; without, the strikes at the money", OPTIONS_MAX),
]
AnySymbols = Annotated[
    list[str],
    BeforeValidator(_read(anything, STOCKS_MAX, least=0)),
    _told("AAPL,BTC/USD", STOCKS_MAX),
]
StockSymbol = Annotated[str, BeforeValidator(_single(stock)), _told("one ticker")]
AnySymbol = Annotated[str, BeforeValidator(_single(anything)), _told("AAPL, BTC/USD or OCC")]
