"""Measures of a market's shape, taken through the Source port only, as a client could."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np

from common.contracts import OptionContract
from common.pricing import black76
from common.pricing.implied_vol import implied_total_vol
from common.quotes import Quote
from common.session import Session, new_york
from paper_exchange.feed.source import Source
from paper_exchange.feed.synthetic_random import Floats

HALF_HOURS: Final = 13
SYMBOL: Final = "SPY"
HOURS: Final = (time(10), time(12), time(14), time(15), time(15, 30))
DELTAS: Final = (("25d put", -0.25), ("10d put", -0.10), ("10d call", 0.10), ("25d call", 0.25))
DEPTHS: Final = (0.0, 0.010, 0.023, 0.045)  # in the money, part of spot
BANDS: Final = (1.01, 2.01, 4.01, 8.01, 16.01, 40.01, 1e6)  # ends of mid prices, in ticks

_MINUTE: Final = timedelta(minutes=1)
_UPDATE_STEP: Final = 3  # strikes between those whose updates are counted
_QUIET_END: Final = 30  # minutes before the close that updates are not counted in


@dataclass(frozen=True, slots=True)
class Day:
    """One session of one market."""

    source: Source
    session: Session

    def at(self, hour: time) -> datetime:
        """Return an instant of the day by New York time."""
        return new_york(self.session.day, hour)

    def chain(self) -> list[OptionContract]:
        """Return the contracts that expire on the day."""
        listed = self.source.contracts(SYMBOL, self.session.day)
        return [contract for contract in listed if contract.expiry == self.session.day]


def minutes(days: Sequence[Day]) -> Mapping[str, float]:
    """Return what one-minute bars of whole full days show, by name; percent and basis points."""
    bars = [d.source.bars(SYMBOL, d.session.open, d.session.close, 1) for d in days]
    opens = np.asarray([float(day[0].open) for day in bars])
    high, low, close = (
        np.asarray([[float(getattr(bar, name)) for bar in day] for day in bars])
        for name in ("high", "low", "close")
    )
    volume = np.asarray([[bar.volume for bar in day] for day in bars], dtype=float)
    returns = 1e4 * np.diff(np.log(np.column_stack((opens, close))), axis=1)
    scaled = returns / returns.std(axis=1, keepdims=True)
    total = volume.sum(axis=1)
    half = volume.reshape(-1, HALF_HOURS, 30).sum(axis=2) / total[:, None]
    moved = (returns**2).mean(axis=0).reshape(HALF_HOURS, 30).sum(axis=1)
    found = {f"volume {n}": float(share) for n, share in enumerate(100 * half.mean(axis=0))}
    found |= {f"variance {n}": float(s) for n, s in enumerate(100 * moved / moved.sum())}
    for width in (5, 15, 30, 60, 390):
        span = high[:, :width].max(axis=1) - low[:, :width].min(axis=1)
        found[f"range {width}"] = float(np.median(100 * span / opens))
    return found | {
        "volume": float(np.median(total)) / 1e6,
        "last minute": float(np.median(100 * volume[:, -1] / total)),
        "return": float(returns.std()),
        "return robust": float(1.4826 * np.median(np.abs(returns))),
        "kurtosis": float((scaled**4).mean() - 3),
        "tail": float(100 * (np.abs(scaled) > 4).mean()),
        "day vol": float(np.median(np.sqrt((returns**2).sum(axis=1) * 252) / 100)),
    }


def smiles(days: Sequence[Day], hour: time) -> Mapping[str, float]:
    """Return medians: the money's total vol in percent, ratios to it by delta, and the skew.

    The skew is the ratio at -1 total vol less that at 1.
    """
    rows: dict[str, list[float]] = {}
    for day in days:
        for name, value in _smile(day, day.at(hour)).items():
            rows.setdefault(name, []).append(value)
    return {name: float(np.nanmedian(values)) for name, values in rows.items()}


def spreads(days: Sequence[Day], hour: time) -> list[float]:
    """Return the median spread of calls at each of DEPTHS, in cents."""
    found: list[list[float]] = [[] for _ in DEPTHS]
    for day in days:
        at = day.at(hour)
        spot = float(day.source.spot(SYMBOL, at))
        calls = {float(c.strike): c.symbol for c in day.chain() if c.is_call}
        for depth, values in zip(DEPTHS, found, strict=True):
            nearest = min(calls, key=lambda strike: abs(strike - spot * (1 - depth)))
            quote = day.source.quote(calls[nearest], at)
            if quote is not None and quote.two_sided:
                values.append(100 * float(quote.spread))
    return [float(np.median(values)) for values in found]


def update_rates(days: Sequence[Day]) -> list[float]:
    """Return, for each pair of BANDS, the share of minutes that end with another bid or ask."""
    changed, counted = np.zeros(len(BANDS) - 1), np.zeros(len(BANDS) - 1)
    for day in days:
        symbols = [contract.symbol for contract in day.chain()[::_UPDATE_STEP]]
        before: Floats | None = None
        at = day.session.open + _MINUTE
        while at < day.session.close - _QUIET_END * _MINUTE:
            now = np.asarray([_sides(quote) for quote in day.source.quotes(symbols, at)])
            if before is not None:
                band = np.searchsorted(BANDS, 100 * now.mean(axis=1)) - 1
                inside = (band >= 0) & (band < len(changed))
                moved = (now != before).any(axis=1)
                np.add.at(changed, band[inside], moved[inside])
                np.add.at(counted, band[inside], 1)
            before = now
            at += _MINUTE
    return [float(rate) for rate in changed / np.maximum(counted, 1)]


def touch(days: Sequence[Day], hour: time) -> tuple[float, float]:
    """Return the stock's median spread in cents and median size at the touch."""
    quotes = [day.source.quote(SYMBOL, day.at(hour)) for day in days]
    seen = [quote for quote in quotes if quote is not None]
    sizes = [size for quote in seen for size in (quote.bid_size, quote.ask_size)]
    return float(np.median([100 * float(q.spread) for q in seen])), float(np.median(sizes))


def full_days(sources: Sequence[Source], sessions: Sequence[Session]) -> list[Day]:
    """Return every full session of every source."""
    return [Day(source, session) for source in sources for session in sessions if not session.early]


def nearest_spread(source: Source, symbol: str, day: date, at: datetime) -> float | None:
    """Return the spread of the same-day call nearest the money, in dollars, None without one."""
    spot = source.spot(symbol, at)
    calls = [c for c in source.contracts(symbol, day) if c.expiry == day and c.is_call]
    if not calls:
        return None
    quote = source.quote(min(calls, key=lambda c: abs(c.strike - spot)).symbol, at)
    return float(quote.spread) if quote is not None and quote.two_sided else None


def _smile(day: Day, at: datetime) -> dict[str, float]:
    spot = float(day.source.spot(SYMBOL, at))
    chain = [c for c in day.chain() if (float(c.strike) >= spot) is c.is_call]
    mids = np.asarray([_mid(q) for q in day.source.quotes([c.symbol for c in chain], at)])
    strikes = np.asarray([float(contract.strike) for contract in chain])
    order = np.argsort(strikes)
    mids, strikes = mids[order], strikes[order]
    vols = implied_total_vol(mids, spot, strikes, strikes >= spot)
    known = np.isfinite(vols)
    vols, strikes = vols[known], strikes[known]
    money = float(np.interp(spot, strikes, vols))
    z = np.log(strikes / spot) / money
    delta = np.asarray(black76.delta(spot, strikes, vols, np.ones(len(vols), np.bool_)))
    found = {"money": 100 * money}
    for name, wanted in DELTAS:
        call_delta = wanted if wanted > 0 else 1 + wanted
        found[name] = float(np.interp(-call_delta, -delta, vols / money))
    low, high = np.interp((-1.0, 1.0), z, vols / money)
    return found | {"skew": float(low - high)}


def _mid(quote: Quote | None) -> float:
    return float(quote.mid) if quote is not None and quote.two_sided else float("nan")


def _sides(quote: Quote | None) -> tuple[float, float]:
    return (float(quote.bid), float(quote.ask)) if quote is not None else (0.0, 0.0)
