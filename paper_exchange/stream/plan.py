"""What each market data stream carries and allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from common.contracts import AssetClass


class DataPlan(StrEnum):
    """The market data plan of every account here, as Alpaca sells them."""

    BASIC = "basic"
    PLUS = "plus"


STOCK_CHANNELS = (
    "trades",
    "quotes",
    "bars",
    "updatedBars",
    "dailyBars",
    "statuses",
    "lulds",
    "corrections",
    "cancelErrors",
)
MIRRORED: Mapping[str, str] = {
    "corrections": "trades",
    "cancelErrors": "trades",
}  # never subscribed directly


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One stream endpoint.

    metered are the channels whose symbols count towards symbols_max; None is no limit.
    permitted is whether the plan includes the feed at all.
    """

    path: str
    asset_class: AssetClass
    channels: tuple[str, ...]
    metered: frozenset[str]
    symbols_max: int | None
    permitted: bool = True

    @property
    def options(self) -> bool:
        """Whether it is an option feed: MessagePack only, and no star on quotes."""
        return self.asset_class is AssetClass.OPTION


def feeds(plan: DataPlan, option_symbols_max: int | None = None) -> Mapping[str, Feed]:
    """Return the feeds by path; option_symbols_max replaces the plan's own."""
    plus = plan is DataPlan.PLUS
    listed = (
        _stock("/v2/iex", None if plus else 30),
        _stock("/v2/sip", None, permitted=plus),
        _option("/v1beta1/indicative", option_symbols_max or (1000 if plus else 200)),
        _option("/v1beta1/opra", option_symbols_max or 1000, permitted=plus),
        Feed(
            path="/v1beta3/crypto/us",
            asset_class=AssetClass.CRYPTO,
            channels=("trades", "quotes", "bars", "updatedBars", "dailyBars"),
            metered=frozenset(),
            symbols_max=None,
        ),
    )
    return {feed.path: feed for feed in listed}


def _stock(path: str, symbols_max: int | None, *, permitted: bool = True) -> Feed:
    return Feed(
        path=path,
        asset_class=AssetClass.EQUITY,
        channels=STOCK_CHANNELS,
        metered=frozenset({"trades", "quotes"}),
        symbols_max=symbols_max,
        permitted=permitted,
    )


def _option(path: str, symbols_max: int, *, permitted: bool = True) -> Feed:
    return Feed(
        path=path,
        asset_class=AssetClass.OPTION,
        channels=("trades", "quotes"),
        metered=frozenset({"quotes"}),
        symbols_max=symbols_max,
        permitted=permitted,
    )
