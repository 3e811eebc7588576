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
_ETF = (*_STOCK, "options_late_close")


def _etf(symbol: str, name: str, **trading: float | int) -> Listing:
    asset = Asset(
        symbol=symbol, name=name, exchange="ARCA", asset_class=AssetClass.EQUITY, attributes=_ETF
    )
    return _listing(asset, Expiries.DAILY, "1", trading)


def _stock(symbol: str, name: str, step: str, **trading: float | int) -> Listing:
    asset = Asset(
        symbol=symbol,
        name=name,
        exchange="NASDAQ",
        asset_class=AssetClass.EQUITY,
        attributes=_STOCK,
    )
    return _listing(asset, Expiries.WEEKLY, step, trading)


def _listing(
    asset: Asset, expiries: Expiries, step: str, trading: dict[str, float | int]
) -> Listing:
    return Listing(
        asset=asset,
        level=trading["level"],
        vol=trading["vol"],
        gap=trading["gap"],
        market=trading["market"],
        volume=trading["volume"],
        spread=int(trading["spread"]),
        touch=int(trading["touch"]),
        expiries=expiries,
        strike_step=Decimal(step),
        strikes=int(trading["strikes"]),
    )


_BITCOIN = Listing(
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
    level=95_000.0,
    vol=0.42,
    gap=0.0,
    market=0.3,
    volume=20_000.0,
    spread=1_500,
    touch=1,
)

LISTINGS: Final = (
    _etf(
        "SPY", "SPDR S&P 500 ETF Trust", level=670, vol=0.088, gap=0.0038, market=0.97,
        volume=42.7e6, spread=1, touch=800, strikes=100,
    ),
    _etf(
        "QQQ", "Invesco QQQ Trust", level=600, vol=0.118, gap=0.0052, market=0.92,
        volume=38e6, spread=1, touch=600, strikes=90,
    ),
    _etf(
        "IWM", "iShares Russell 2000 ETF", level=245, vol=0.135, gap=0.0050, market=0.8,
        volume=28e6, spread=1, touch=900, strikes=40,
    ),
    _stock(
        "AAPL", "Apple Inc. Common Stock", "2.5", level=270, vol=0.165, gap=0.0070, market=0.6,
        volume=46e6, spread=1, touch=300, strikes=30,
    ),
    _stock(
        "MSFT", "Microsoft Corporation Common Stock", "5", level=500, vol=0.155, gap=0.0065,
        market=0.62, volume=21e6, spread=4, touch=120, strikes=30,
    ),
    _stock(
        "GOOG", "Alphabet Inc. Class C Capital Stock", "2.5", level=290, vol=0.19, gap=0.0085,
        market=0.55, volume=22e6, spread=2, touch=160, strikes=34,
    ),
    _stock(
        "AMZN", "Amazon.com Inc. Common Stock", "2.5", level=230, vol=0.195, gap=0.0085,
        market=0.58, volume=42e6, spread=2, touch=200, strikes=28,
    ),
    _stock(
        "META", "Meta Platforms Inc. Class A Common Stock", "5", level=650, vol=0.22, gap=0.0095,
        market=0.55, volume=14e6, spread=9, touch=80, strikes=40,
    ),
    _stock(
        "TSLA", "Tesla Inc. Common Stock", "5", level=420, vol=0.40, gap=0.0160, market=0.5,
        volume=85e6, spread=4, touch=160, strikes=34,
    ),
    _stock(
        "NVDA", "NVIDIA Corporation Common Stock", "2.5", level=185, vol=0.30, gap=0.0120,
        market=0.6, volume=190e6, spread=1, touch=700, strikes=30,
    ),
    _BITCOIN,
)  # fmt: skip
