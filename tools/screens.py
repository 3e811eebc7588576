"""What screens and order books answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import BaseModel

from common.contracts import AssetClass, asset_class
from services.broker.published import Active, Depth, Found, Level, Mover, Movers
from services.runtime import Services
from tools.market_views import MarketPage, moment_text, told
from tools.views import new_york_text, price, quantity

NO_MORE: Final[Mapping[AssetClass, str]] = {
    AssetClass.EQUITY: "the broker publishes only the best bid and ask of stocks: no more depth",
    AssetClass.OPTION: "the broker publishes only the best bid and ask of options: no more depth",
    AssetClass.CRYPTO: "all that the venue tells of its book",
}


class ActiveRow(BaseModel):
    """How much of a stock has traded today."""

    symbol: str
    volume: str
    trades: int


class ActivesView(MarketPage):
    """The most active stocks."""

    stocks: list[ActiveRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Active]) -> ActivesView:
        """Return the view of the most active."""
        rows = [
            ActiveRow(symbol=one.symbol, volume=quantity(one.volume), trades=one.trades)
            for one in found.rows
        ]
        return cls(**told(desk, found, nothing="nothing has traded today"), stocks=rows)


class MoverRow(BaseModel):
    """How far a price has moved since the close before."""

    symbol: str
    price: str | None
    change: str | None
    percent: float

    @classmethod
    def of(cls, movers: Sequence[Mover]) -> list[MoverRow]:
        """Return the views of movers."""
        return [
            cls(
                symbol=one.symbol,
                price=price(one.price),
                change=price(one.change),
                percent=float(one.percent),
            )
            for one in movers
        ]


class MoversView(MarketPage):
    """The largest moves."""

    counted_at: str
    gainers: list[MoverRow]
    losers: list[MoverRow]

    @classmethod
    def of(cls, desk: Services, found: Movers) -> MoversView:
        """Return the view of movers."""
        both = Found(rows=(*found.gainers, *found.losers), source=found.source)
        return cls(
            **told(desk, both, nothing="nothing has moved today"),
            counted_at=new_york_text(found.at),
            gainers=MoverRow.of(found.gainers),
            losers=MoverRow.of(found.losers),
        )


class LevelRow(BaseModel):
    """What waits at one price."""

    price: str | None
    size: str

    @classmethod
    def of(cls, levels: Sequence[Level]) -> list[LevelRow]:
        """Return the views of levels."""
        return [cls(price=price(one.price), size=quantity(one.size)) for one in levels]


class BookRow(BaseModel):
    """A book, best prices first."""

    symbol: str
    at: str
    bids: list[LevelRow]
    asks: list[LevelRow]

    @classmethod
    def of(cls, book: Depth) -> BookRow:
        """Return the view of a book."""
        return cls(
            symbol=book.symbol,
            at=moment_text(book.at),
            bids=LevelRow.of(book.bids),
            asks=LevelRow.of(book.asks),
        )


class BooksView(MarketPage):
    """Order books of coins."""

    books: list[BookRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Depth], asked: Sequence[str]) -> BooksView:
        """Return the view of books."""
        named = {book.symbol for book in found.rows}
        rows = [BookRow.of(book) for book in found.rows]
        return cls(**told(desk, found, asked=asked, named=named), books=rows)


class DepthView(MarketPage):
    """One book. depth says whether there is more of it than is shown."""

    book: BookRow | None
    depth: str

    @classmethod
    def of(cls, desk: Services, symbol: str, found: Found[Depth]) -> DepthView:
        """Return the view of a symbol's book."""
        book = next(iter(found.rows), None)
        return cls(
            **told(desk, found, asked=[symbol], named=[row.symbol for row in found.rows]),
            book=None if book is None else BookRow.of(book),
            depth=NO_MORE[asset_class(symbol)],
        )
