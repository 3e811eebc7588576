"""What is traded. A contract's identity is its OCC symbol, parsed from the right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

from common.money import CENT, Price

OPTION_MULTIPLIER: Final = 100  # shares per contract

# The root may itself hold a C or a P (SPY does), so the fixed tail anchors the match.
_OCC = re.compile(
    r"(?P<root>[A-Z][A-Z0-9]{0,5})(?P<expiry>\d{6})(?P<right>[CP])(?P<mills>\d{8})", re.ASCII
)
_EQUITY = re.compile(r"[A-Z]{1,5}(\.[A-Z])?", re.ASCII)
_PAIR = re.compile(r"(?P<base>[A-Z]{2,6})/(?P<quote>USD|USDC|USDT|BTC)", re.ASCII)


class AssetClass(StrEnum):
    """The broker's kinds of asset."""

    EQUITY = "us_equity"
    OPTION = "us_option"
    CRYPTO = "crypto"


class Right(StrEnum):
    """What the holder of an option may do."""

    CALL = "C"
    PUT = "P"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class OptionContract:
    """A listed option on one underlying. strike: dollars per share."""

    underlying: str
    expiry: date
    strike: Price
    right: Right

    @classmethod
    def from_occ(cls, symbol: str) -> OptionContract:
        """Parse an OCC symbol such as SPY261120C00670000 (strike in mills, $0.001).

        Raises ValueError for anything that is not one, impossible dates included.
        """
        match = _OCC.fullmatch(symbol)
        if match is None:
            raise ValueError(f"not an OCC option symbol: {symbol!r:.40}")
        digits = match["expiry"]
        return cls(
            underlying=match["root"],
            expiry=date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:])),
            right=Right(match["right"]),
            strike=Decimal(match["mills"]) / 1000,
        )

    @property
    def symbol(self) -> str:
        """The OCC symbol, without padding."""
        day = self.expiry  # strftime would take most of the time of a snapshot
        date_part = f"{day.year % 100:02d}{day.month:02d}{day.day:02d}"
        return f"{self.underlying}{date_part}{self.right.value}{int(self.strike * 1000):08d}"

    @property
    def is_call(self) -> bool:
        """Whether it is a call."""
        return self.right is Right.CALL

    def intrinsic(self, spot: Price) -> Price:
        """Return what exercise is worth per share at a price of the underlying, >= 0."""
        gain = spot - self.strike if self.is_call else self.strike - spot
        return max(gain, Decimal(0))

    def __str__(self) -> str:
        """Return the OCC symbol."""
        return self.symbol


@lru_cache(maxsize=8192)
def asset_class(symbol: str) -> AssetClass:
    """Tell what a symbol names: an option, a crypto pair or a stock.

    Raises ValueError for text that is none of them.
    """
    if _OCC.fullmatch(symbol):
        return AssetClass.OPTION
    if _PAIR.fullmatch(symbol):
        return AssetClass.CRYPTO
    if _EQUITY.fullmatch(symbol):
        return AssetClass.EQUITY
    raise ValueError(f"not a symbol: {symbol!r:.40}")


def multiplier(symbol: str) -> int:
    """Return the shares one unit of a symbol stands for: 100 for an option, else 1."""
    return OPTION_MULTIPLIER if asset_class(symbol) is AssetClass.OPTION else 1


def option_tick(underlying: str, price: Price) -> Price:
    """Return the smallest price step of an option.

    One cent for the penny-interval classes SPY, QQQ and IWM; otherwise the penny
    program's one cent below $3 and five cents from there.
    """
    if underlying in {"SPY", "QQQ", "IWM"} or abs(price) < 3:
        return CENT
    return Decimal("0.05")
