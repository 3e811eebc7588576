"""Quotes, trades, bars, greeks and snapshots as the data API and the data streams write them.

One letter names an exchange: V is IEX, which the free stock feed is; C is Cboe. "?" is
nobody. An option's condition is a string, a stock's a list.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from common.contracts import OptionContract
from common.money import Price
from common.quotes import Bar, Greeks, Quote, Trade
from common.session import trading_day
from paper_exchange.feed.bands import Band
from paper_exchange.wire.scalars import instant, number

Json = dict[str, Any]

_ON_NASDAQ = "C"
_ON_ARCA = "B"
_TRADING_MINUTES_A_YEAR = 98_280
_DAYS_A_YEAR = 365


def stock_quote(quote: Quote, exchange: str) -> Json:
    """Return a stock quote; exchange is where the stock is listed, which decides its tape."""
    return {
        "ap": number(quote.ask),
        "as": quote.ask_size,
        "ax": _venue(quote.ask, "V"),
        "bp": number(quote.bid),
        "bs": quote.bid_size,
        "bx": _venue(quote.bid, "V"),
        "c": ["R"],
        "t": instant(quote.at),
        "z": _tape(exchange),
    }


def option_quote(quote: Quote) -> Json:
    """Return an option quote."""
    return {
        "ap": number(quote.ask),
        "as": quote.ask_size,
        "ax": _venue(quote.ask, "C"),
        "bp": number(quote.bid),
        "bs": quote.bid_size,
        "bx": _venue(quote.bid, "C"),
        "c": "A" if quote.two_sided else " ",
        "t": instant(quote.at),
    }


def crypto_quote(quote: Quote) -> Json:
    """Return a coin's quote."""
    return {
        "ap": number(quote.ask),
        "as": quote.ask_size,
        "bp": number(quote.bid),
        "bs": quote.bid_size,
        "t": instant(quote.at),
    }


def status(kind: str | None, exchange: str, at: datetime) -> Json:
    """Return a trading status: a halt, a limit-up limit-down pause ("luld"), or None: resumed.

    Each tape has codes of its own. Why a stock was halted is not known: no reason is given.
    """
    nasdaq = _tape(exchange) == _ON_NASDAQ
    paused = kind == "luld"
    if kind is None:
        code, message = ("T", "Trading Resumption") if nasdaq else ("3", "Resume")
    elif paused and nasdaq:
        code, message = "P", "Volatility Trading Pause"
    else:
        code, message = "H" if nasdaq else "2", "Trading Halt"
    return {
        "sc": code,
        "sm": message,
        "rc": ("LUDP" if nasdaq else "M") if paused else "",
        "rm": "Volatility Trading Pause" if paused else "",
        "t": instant(at),
        "z": _tape(exchange),
    }


def luld(band: Band, exchange: str) -> Json:
    """Return the prices that limit a stock, up and down, with the tape's indicator."""
    return {
        "d": number(band.lower),
        "i": band.why.value,
        "t": instant(band.at),
        "u": number(band.upper),
        "z": _tape(exchange),
    }


def orderbook(quote: Quote) -> Json:
    """Return a coin's book: the best bid and ask, as far as they are there."""
    sides = (("a", quote.ask, quote.ask_size), ("b", quote.bid, quote.bid_size))
    shown: Json = {
        name: [{"p": number(price), "s": size}] if price else [] for name, price, size in sides
    }
    return {**shown, "t": instant(quote.at)}


def stock_trade(trade: Trade, exchange: str) -> Json:
    """Return a stock print; its number is the microsecond of the day it was made in."""
    return {
        "c": ["@"],
        "i": trade_number(trade),
        "p": number(trade.price),
        "s": trade.size,
        "t": instant(trade.at),
        "x": "V",
        "z": _tape(exchange),
    }


def option_trade(trade: Trade) -> Json:
    """Return an option print."""
    return {
        "c": "I",
        "p": number(trade.price),
        "s": trade.size,
        "t": instant(trade.at),
        "x": "C",
    }


def crypto_trade(trade: Trade) -> Json:
    """Return a coin's print. The taker's side is always given as the buyer's."""
    return {
        "i": trade_number(trade),
        "p": number(trade.price),
        "s": trade.size,
        "t": instant(trade.at),
        "tks": "B",
    }


def trade_number(trade: Trade) -> int:
    """Return a number that tells the prints of one symbol and day apart."""
    at = trade.at.astimezone(UTC)
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond


def bar(of: Bar) -> Json:
    """Return a bar of whatever is traded."""
    return {
        "c": number(of.close),
        "h": number(of.high),
        "l": number(of.low),
        "n": of.trades,
        "o": number(of.open),
        "t": instant(of.at),
        "v": of.volume,
        "vw": number(of.vwap),
    }


def snapshot(**parts: Json | None) -> Json:
    """Return a snapshot of the parts there are; the keys of the others are absent."""
    return {name: part for name, part in parts.items() if part is not None}


def greeks(contract: OptionContract, mid: Price, spot: Price, found: Greeks, at: datetime) -> Json:
    """Return greeks in Alpaca's units: theta a calendar day, vega a vol point, rho a percent.

    rho follows from delta and price by the identity T * (S * delta - price), which holds
    without dividends for both rights. Its T is whole calendar days over 365, as Alpaca's.
    """
    years = _days_left(contract.expiry, at) / _DAYS_A_YEAR
    values = {
        "delta": found.delta,
        "gamma": found.gamma,
        "rho": years * (float(spot) * found.delta - float(mid)) / 100,
        "theta": found.theta * _TRADING_MINUTES_A_YEAR / _DAYS_A_YEAR,
        "vega": found.vega,
    }
    return {name: round(value, 4) for name, value in values.items()}


def has_greeks(contract: OptionContract, at: datetime) -> bool:
    """Whether Alpaca publishes greeks for a contract: never on its expiry day."""
    return _days_left(contract.expiry, at) > 0


def _days_left(expiry: date, at: datetime) -> int:
    return (expiry - trading_day(at)).days


def _venue(price: Decimal, code: str) -> str:
    return code if price else "?"


def _tape(exchange: str) -> str:
    return _ON_NASDAQ if exchange == "NASDAQ" else _ON_ARCA
