"""Option quotes with our own greeks."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from common.contracts import OptionContract
from common.quotes import ChainRow, ChainSnapshot
from tools.symbols import ShownOptions
from tools.toolset import READS, Toolset
from tools.views import View, number, price
from tools.wants import Desk

options = Toolset("options")

NEAR = 20  # contracts shown when none is named


class OptionRow(BaseModel):
    """One contract. Greeks are ours, per share; null when they cannot be had, flag says why."""

    symbol: str
    bid: str | None
    ask: str | None
    mid: str | None
    bid_size: int | None
    ask_size: int | None
    age_seconds: float | None
    flag: str
    iv: float | None
    iv_calendar: float | None
    delta: float | None
    gamma: float | None
    theta_per_minute: float | None
    vega: float | None

    @classmethod
    def of(cls, row: ChainRow) -> OptionRow:
        """Return the view of a chain row."""
        quote, greeks = row.quote, row.greeks
        return cls(
            symbol=row.contract.symbol,
            bid=price(quote.bid) if quote else None,
            ask=price(quote.ask) if quote else None,
            mid=price(quote.mid) if quote and quote.two_sided else None,
            bid_size=quote.bid_size if quote else None,
            ask_size=quote.ask_size if quote else None,
            age_seconds=number(row.age.total_seconds(), 2) if row.age is not None else None,
            flag=row.flag,
            iv=number(greeks.iv) if greeks else None,
            iv_calendar=number(greeks.iv_calendar) if greeks else None,
            delta=number(greeks.delta) if greeks else None,
            gamma=number(greeks.gamma, 5) if greeks else None,
            theta_per_minute=number(greeks.theta, 5) if greeks else None,
            vega=number(greeks.vega, 5) if greeks else None,
        )


class SnapshotView(View):
    """Quotes and greeks of the chain at one instant."""

    underlying: str
    expiry: str
    spot: str | None
    forward: float | None
    minutes_to_close: float | None
    feed: str
    options: list[OptionRow]

    @classmethod
    def of(cls, mode: str, chain: ChainSnapshot, symbols: Sequence[str]) -> SnapshotView:
        """Return the view of some contracts, of those at the money when none is named."""
        wanted = [OptionContract.from_occ(symbol) for symbol in symbols]
        rows = [chain.row(contract) for contract in wanted] or _at_the_money(chain)
        return cls(
            mode=mode,
            underlying=chain.underlying,
            expiry=chain.expiry.isoformat(),
            spot=price(chain.spot),
            forward=number(chain.forward),
            minutes_to_close=number(chain.minutes, 1),
            feed=chain.feed,
            options=[OptionRow.of(row) for row in rows],
        )


def _at_the_money(chain: ChainSnapshot) -> list[ChainRow]:
    near = sorted(chain.rows, key=lambda row: abs(row.contract.strike - chain.spot))[:NEAR]
    return sorted(near, key=lambda row: row.contract)


@options.tool(READS, basic=True)
async def get_option_snapshot(
    desk: Desk, symbol_or_symbols: ShownOptions | None = None
) -> SnapshotView:
    """Show bid, ask, age, implied volatility and greeks of today's SPY options.

    Greeks are computed here from the live chain: the broker publishes none on expiry day.
    """
    return SnapshotView.of(desk.mode, desk.chain.snapshot(), symbol_or_symbols or ())
