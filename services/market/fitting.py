"""From the cache's columns to greeks, and from both to an immutable snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from common.clock import NS
from common.contracts import Right
from common.money import PRICE_SCALE, Price
from common.pricing.chain import ChainFit, SideFit, SideQuotes, fit_chain
from common.pricing.hygiene import QuoteFlag
from common.quotes import ChainRow, ChainSnapshot, Greeks
from services.market.columns import NEVER_NS, Columns

_FLAGS: Final = tuple(flag.name.lower() for flag in QuoteFlag)


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedChain:
    """Quotes of one instant with what pricing made of them; rows are made when asked for."""

    columns: Columns
    fit: ChainFit
    at: datetime
    spot: Price
    feed: str
    open_interest: Mapping[str, int]  # by symbol; what is not in it is untold

    def snapshot(self, now_ns: int) -> ChainSnapshot:
        """Return every contract's quote, greeks and age as of now_ns, wall time."""
        greeks = (_greeks(self.fit.calls), _greeks(self.fit.puts))
        flags = (self.fit.calls.flag.tolist(), self.fit.puts.flag.tolist())
        columns = self.columns
        rows = []
        for row, contract in enumerate(columns.contracts):
            strike, side = divmod(row, 2)
            received_ns = columns.received_ns[row]
            rows.append(
                ChainRow(
                    contract=contract,
                    quote=columns.quote(row),
                    age=timedelta(microseconds=(now_ns - received_ns) / 1000)
                    if received_ns != NEVER_NS
                    else None,
                    flag=_FLAGS[flags[side][strike]],
                    greeks=greeks[side][strike],
                    open_interest=self.open_interest.get(contract.symbol),
                )
            )
        return ChainSnapshot(
            underlying=columns.contracts[0].underlying,
            expiry=columns.day,
            at=self.at,
            spot=self.spot,
            forward=self.fit.forward.value,
            forward_source=self.fit.forward.source.value,
            minutes=self.fit.minutes,
            feed=self.feed,
            rows=tuple(rows),
            strikes=tuple(self.fit.smile.strikes.tolist()),
            total_vols=tuple(self.fit.smile.total_vols.tolist()),
        )


class ChainFitter:
    """Fits a chain again and again, remembering where spot was when each quote came."""

    def __init__(self) -> None:
        self._received = np.zeros(0, dtype=np.int64)
        self._spot_then = np.zeros(0)

    def fit(self, columns: Columns, *, spot: float, minutes: float, now_ns: int) -> ChainFit:
        """Fit the quotes; spot in dollars, NaN when it is not known.

        minutes: of regular session left. Costs about a millisecond for 400 contracts.
        """
        received = np.array(columns.received_ns, dtype=np.int64)
        self._remember(received, spot)
        quoted = received != NEVER_NS
        bid = np.where(quoted, np.array(columns.bid, dtype=np.float64) / PRICE_SCALE, np.nan)
        ask = np.where(quoted, np.array(columns.ask, dtype=np.float64) / PRICE_SCALE, np.nan)
        age = np.where(quoted, (now_ns - received) / NS, 0.0)
        move = spot - self._spot_then
        calls, puts = (
            SideQuotes(
                bid=bid[side::2],
                ask=ask[side::2],
                age_seconds=age[side::2],
                spot_move=move[side::2],
            )
            for side in range(len(Right))
        )
        strikes = [float(contract.strike) for contract in columns.contracts[::2]]
        return fit_chain(strikes, calls, puts, spot=spot, minutes=minutes)

    def _remember(self, received: NDArray[np.int64], spot: float) -> None:
        if received.shape != self._received.shape:
            self._received = np.full(received.shape, NEVER_NS)
            self._spot_then = np.full(received.shape, np.nan)
        self._spot_then[received != self._received] = spot
        self._received = received


def _greeks(side: SideFit) -> list[Greeks | None]:
    """Return one right's greeks by strike, None where any of them is unknown."""
    columns = (side.delta, side.gamma, side.theta, side.vega, side.iv, side.iv_calendar)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(np.stack(columns)).all(axis=0))
    values = zip(
        *(column.tolist() for column in (*columns, side.delta_lo, side.delta_hi)), strict=True
    )
    return [
        Greeks(
            delta=delta,
            gamma=gamma,
            theta=theta,
            vega=vega,
            iv=iv,
            iv_calendar=iv_calendar,
            delta_low=delta_low,
            delta_high=delta_high,
        )
        if whole
        else None
        for whole, (delta, gamma, theta, vega, iv, iv_calendar, delta_low, delta_high) in zip(
            known, values, strict=True
        )
    ]
