"""What the synthetic market lists, and how each of them trades."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from common.contracts import AssetClass
from paper_exchange.feed.source import Asset


class Expiries(Enum):
    """Which days options of an underlying expire on."""

    NONE = "none"
    DAILY = "daily"  # today and the next four sessions
    WEEKLY = "weekly"  # the last session of this week and of the next four


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One asset and how it trades.

    level: dollars it hovers around. vol: median intraday volatility, annual. gap: median
    daily volatility of the overnight gap. market: correlation of its moves with the market's.
    volume: shares or coins on a median day. spread: cents. touch: median size at the touch.
    strike_step: dollars; strikes: how many are listed to each side of the money.
    """

    asset: Asset
    level: float
    vol: float
    gap: float
    market: float
    volume: float
    spread: int
    touch: int
    expiries: Expiries = Expiries.NONE
    strike_step: Decimal = Decimal(1)
    strikes: int = 0

    @property
    def symbol(self) -> str:
        """The symbol it trades under."""
        return self.asset.symbol

    @property
    def round_the_clock(self) -> bool:
        """Whether it trades day and night, in UTC days."""
        return self.asset.asset_class is AssetClass.CRYPTO


_STOCK = ("fractional_eh_enabled", "has_options", "overnight_tradable")


def _asset(symbol: str, name: str, exchange: str, attributes: tuple[str, ...]) -> Asset:
    return Asset(
        symbol=symbol,
        name=name,
        exchange=exchange,
        asset_class=AssetClass.EQUITY,
        attributes=attributes,
    )


def _etf(symbol: str, name: str) -> Asset:
    return _asset(symbol, name, "ARCA", (*_STOCK, "options_late_close"))


def _stock(symbol: str, name: str) -> Asset:
    return _asset(symbol, name, "NASDAQ", _STOCK)


LISTINGS: Final = (
    Listing(
        asset=_etf("SPY", "SPDR S&P 500 ETF Trust"),
        level=670,
        vol=0.094,
        gap=0.0045,
        market=0.97,
        volume=42_700_000,
        spread=1,
        touch=800,
        expiries=Expiries.DAILY,
        strike_step=Decimal(1),
        strikes=100,
    ),
    Listing(
        asset=_etf("QQQ", "Invesco QQQ Trust"),
        level=600,
        vol=0.125,
        gap=0.006,
        market=0.92,
        volume=38_000_000,
        spread=1,
        touch=600,
        expiries=Expiries.DAILY,
        strike_step=Decimal(1),
        strikes=90,
    ),
    Listing(
        asset=_etf("IWM", "iShares Russell 2000 ETF"),
        level=245,
        vol=0.142,
        gap=0.0058,
        market=0.8,
        volume=28_000_000,
        spread=1,
        touch=900,
        expiries=Expiries.DAILY,
        strike_step=Decimal(1),
        strikes=40,
    ),
    Listing(
        asset=_stock("AAPL", "Apple Inc. Common Stock"),
        level=270,
        vol=0.165,
        gap=0.0075,
        market=0.6,
        volume=46_000_000,
        spread=1,
        touch=300,
        expiries=Expiries.WEEKLY,
        strike_step=Decimal("2.5"),
        strikes=30,
    ),
    Listing(
        asset=_stock("MSFT", "Microsoft Corporation Common Stock"),
        level=500,
        vol=0.155,
        gap=0.007,
        market=0.62,
        volume=21_000_000,
        spread=4,
        touch=120,
        expiries=Expiries.WEEKLY,
        strike_step=Decimal(5),
        strikes=30,
    ),
    Listing(
        asset=_stock("GOOG", "Alphabet Inc. Class C Capital Stock"),
        level=290,
        vol=0.19,
        gap=0.009,
        market=0.55,
        volume=22_000_000,
        spread=2,
        touch=160,
        expiries=Expiries.WEEKLY,
        strike_step=Decimal("2.5"),
        strikes=34,
    ),
    Listing(
        asset=_stock("AMZN", "Amazon.com Inc. Common Stock"),
        level=230,
        vol=0.195,
        gap=0.009,
        market=0.58,
        volume=42_000_000,
        spread=2,
        touch=200,
        expiries=Expiries.WEEKLY,
        strike_step=Decimal("2.5"),
        strikes=28,
    ),
    Listing(
        asset=_stock("META", "Meta Platforms Inc. Class A Common Stock"),
        level=650,
        vol=0.22,
        gap=0.01,
        market=0.55,
        volume=14_000_000,
        spread=9,
        touch=80,
        expiries=Expiries.WEEKLY,
        strike_step=Decimal(5),
        strikes=40,
    ),
    Listing(
        asset=_stock("TSLA", "Tesla Inc. Common Stock"),
        level=420,
        vol=0.4,
        gap=0.0165,
        market=0.5,
        volume=85_000_000,
        spread=4,
        touch=160,
        expiries=Expiries.WEEKLY,
        strike_step=Decimal(5),
        strikes=34,
    ),
    Listing(
        asset=_stock("NVDA", "NVIDIA Corporation Common Stock"),
        level=185,
        vol=0.3,
        gap=0.0125,
        market=0.6,
        volume=190_000_000,
        spread=1,
        touch=700,
        expiries=Expiries.WEEKLY,
        strike_step=Decimal("2.5"),
        strikes=30,
    ),
    Listing(
        asset=Asset(
            symbol="BTC/USD",
            name="Bitcoin / US Dollar",
            exchange="CRYPTO",
            asset_class=AssetClass.CRYPTO,
            marginable=False,
            shortable=False,
            min_order_size=Decimal("0.0001"),
            qty_increment=Decimal("0.000000001"),
            price_increment=Decimal("0.01"),
        ),
        level=95_000,
        vol=0.42,
        gap=0.0,
        market=0.3,
        volume=20_000,
        spread=1_500,
        touch=1,
    ),
)
