"""One exchange for all of alpaca-py's clients, stopped at 10:05 on a clock the tests move."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from alpaca.data.historical import OptionHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import ContractType
from alpaca.trading.models import OptionContract
from alpaca.trading.requests import GetOptionContractsRequest

from tests.exchange import Exchange

# alpaca-py types every reply as a model or a dict; here they are all models.
Client: TypeAlias = Any


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(tmp_path_factory.mktemp("exchange"), clock="stepped", at="10:05") as found:
        yield found


@pytest.fixture(scope="session")
def trading(exchange: Exchange) -> Client:
    return TradingClient(exchange.key, exchange.secret, url_override=exchange.url)


@pytest.fixture(scope="session")
def stocks(exchange: Exchange) -> Client:
    return StockHistoricalDataClient(exchange.key, exchange.secret, url_override=exchange.url)


@pytest.fixture(scope="session")
def options(exchange: Exchange) -> Client:
    return OptionHistoricalDataClient(exchange.key, exchange.secret, url_override=exchange.url)


@pytest.fixture
def flat(exchange: Exchange, trading: Client) -> Iterator[Client]:
    """The trading client of an account without orders and positions, left so."""
    yield trading
    trading.close_all_positions(cancel_orders=True)


class Chain:
    """Today's SPY contracts around the money."""

    def __init__(self, contracts: list[OptionContract], spot: float) -> None:
        self.contracts = contracts
        self.spot = spot

    def near(self, right: ContractType, away: int) -> str:
        """Return the symbol so many strikes above the money, below when negative."""
        side = sorted((c for c in self.contracts if c.type is right), key=lambda c: c.strike_price)
        at = min(range(len(side)), key=lambda i: abs(side[i].strike_price - self.spot))
        return side[at + away].symbol


@pytest.fixture(scope="session")
def chain(trading: Client, stocks: Client) -> Chain:
    today = trading.get_clock().timestamp.date()
    found = trading.get_option_contracts(
        GetOptionContractsRequest(underlying_symbols=["SPY"], expiration_date=today, limit=1000)
    )
    quote = stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="SPY"))["SPY"]
    return Chain(list(found.option_contracts), float(Decimal(str(quote.ask_price))))
