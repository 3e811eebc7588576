"""What listings and chains of options answer."""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.broker.published import Found, OptionListing, Snapshot
from services.runtime import Services
from tools.market_views import MarketPage, moment_text, told
from tools.views import number, price, quantity

NOTHING = "no such contracts: not a day on which this underlying has any, or no such strikes"


class ContractRow(BaseModel):
    """A listed contract; open interest and close are those of the days beside them."""

    symbol: str
    underlying: str
    expiry: str
    strike: str | None
    type: str
    style: str
    shares: str
    status: str
    tradable: bool
    open_interest: int | None
    open_interest_day: str | None
    close: str | None
    close_day: str | None

    @classmethod
    def of(cls, found: OptionListing) -> ContractRow:
        """Return the view of a listing."""
        contract, counted, closed = found.contract, found.open_interest_day, found.close_day
        return cls(
            symbol=contract.symbol,
            underlying=found.underlying,
            expiry=contract.expiry.isoformat(),
            strike=price(contract.strike),
            type="call" if contract.is_call else "put",
            style=found.style,
            shares=quantity(found.shares),
            status=found.status,
            tradable=found.tradable,
            open_interest=found.open_interest,
            open_interest_day=counted.isoformat() if counted else None,
            close=price(found.close),
            close_day=closed.isoformat() if closed else None,
        )


class ContractsView(MarketPage):
    """Listed contracts."""

    contracts: list[ContractRow]

    @classmethod
    def of(cls, desk: Services, found: Found[OptionListing]) -> ContractsView:
        """Return the view of a page of contracts."""
        rows = [ContractRow.of(one) for one in found.rows]
        return cls(**told(desk, found, nothing=NOTHING), contracts=rows)


class ChainQuoteRow(BaseModel):
    """One contract. Greeks are the broker's: theta a calendar day, vega a vol point."""

    symbol: str
    bid: str | None
    ask: str | None
    bid_size: str | None
    ask_size: str | None
    quoted_at: str | None
    last: str | None
    last_size: str | None
    last_at: str | None
    iv: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None
    rho: float | None

    @classmethod
    def of(cls, found: Snapshot) -> ChainQuoteRow:
        """Return the view of a contract's snapshot."""
        greeks, quote, last = found.greeks or {}, found.quote, found.trade
        return cls(
            symbol=found.symbol,
            bid=price(quote.bid) if quote else None,
            ask=price(quote.ask) if quote else None,
            bid_size=quantity(quote.bid_size) if quote else None,
            ask_size=quantity(quote.ask_size) if quote else None,
            quoted_at=moment_text(quote.at) if quote else None,
            last=price(last.price) if last else None,
            last_size=quantity(last.size) if last else None,
            last_at=moment_text(last.at) if last else None,
            iv=number(found.iv),
            delta=number(greeks.get("delta")),
            gamma=number(greeks.get("gamma")),
            theta=number(greeks.get("theta")),
            vega=number(greeks.get("vega")),
            rho=number(greeks.get("rho")),
        )


class ChainView(MarketPage):
    """A chain, by symbol."""

    greeks_of: str = Field(default="broker")
    options: list[ChainQuoteRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Snapshot]) -> ChainView:
        """Return the view of a page of a chain."""
        rows = [ChainQuoteRow.of(one) for one in found.rows]
        return cls(**told(desk, found, nothing=NOTHING), options=rows)
