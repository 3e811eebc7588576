"""What assets, days and announcements answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import BaseModel

from common.session import LATE_CLOSE, Session
from services.broker.published import Announcement, Asset, Found
from services.market.reference import TradingDay
from services.runtime import Services
from tools.market_views import MarketPage, told
from tools.untrusted import Untrusted
from tools.views import View, clock_text, new_york_text, price, quantity


class SessionRow(BaseModel):
    """A trading day; hours are New York's."""

    day: str
    open: str
    close: str
    early_close: bool

    @classmethod
    def of(cls, session: Session) -> SessionRow:
        """Return the view of a session."""
        return cls(
            day=session.day.isoformat(),
            open=clock_text(session.open),
            close=clock_text(session.close),
            early_close=session.early,
        )


class CalendarView(MarketPage):
    """Trading days."""

    days: list[SessionRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Session]) -> CalendarView:
        """Return the view of a page of the calendar."""
        rows = [SessionRow.of(one) for one in found.rows]
        return cls(**told(desk, found, nothing="no trading day in this time"), days=rows)


class HoursView(View):
    """One day. late_options: those that trade until late_options_close."""

    as_of: str
    day: str
    is_trading_day: bool
    open: str | None
    close: str | None
    early_close: bool | None
    late_options: list[str]
    late_options_close: str | None
    next_trading_day: SessionRow | None

    @classmethod
    def of(cls, desk: Services, found: TradingDay) -> HoursView:
        """Return the view of a day."""
        session, late = found.session, sorted(LATE_CLOSE)
        return cls(
            mode=desk.mode,
            as_of=new_york_text(desk.data.now()),
            day=found.day.isoformat(),
            is_trading_day=session is not None,
            open=clock_text(session.open) if session else None,
            close=clock_text(session.close) if session else None,
            early_close=session.early if session else None,
            late_options=late,
            late_options_close=clock_text(session.option_close(late[0])) if session else None,
            next_trading_day=SessionRow.of(found.following) if found.following else None,
        )


class AssetRow(BaseModel):
    """Something that is listed; margins are percents."""

    symbol: str
    untrusted_name: Untrusted
    asset_class: str
    exchange: str
    status: str
    tradable: bool
    marginable: bool
    shortable: bool
    fractionable: bool
    borrow_status: str | None
    margin_long: str | None
    margin_short: str | None
    min_order_size: str | None
    min_size_step: str | None
    price_step: str | None
    attributes: list[str]

    @classmethod
    def of(cls, found: Asset) -> AssetRow:
        """Return the view of an asset."""
        return cls(
            symbol=found.symbol,
            untrusted_name=found.name,
            asset_class=found.asset_class,
            exchange=found.exchange,
            status=found.status,
            tradable=found.tradable,
            marginable=found.marginable,
            shortable=found.shortable,
            fractionable=found.fractionable,
            borrow_status=found.borrow,
            margin_long=_plain(found.margin_long),
            margin_short=_plain(found.margin_short),
            min_order_size=_plain(found.size_min),
            min_size_step=_plain(found.size_step),
            price_step=_plain(found.price_step),
            attributes=list(found.attributes),
        )


class AssetView(View):
    """One asset."""

    as_of: str
    asset: AssetRow

    @classmethod
    def of(cls, desk: Services, found: Asset) -> AssetView:
        """Return the view of an asset."""
        as_of = new_york_text(desk.data.now())
        return cls(mode=desk.mode, as_of=as_of, asset=AssetRow.of(found))


class ListedRow(BaseModel):
    """An asset in a list; get_asset_info tells the rest."""

    symbol: str
    untrusted_name: Untrusted
    exchange: str
    status: str
    tradable: bool
    shortable: bool
    fractionable: bool

    @classmethod
    def of(cls, found: Asset) -> ListedRow:
        """Return the short view of an asset."""
        return cls(
            symbol=found.symbol,
            untrusted_name=found.name,
            exchange=found.exchange,
            status=found.status,
            tradable=found.tradable,
            shortable=found.shortable,
            fractionable=found.fractionable,
        )


class AssetsView(MarketPage):
    """A page of assets."""

    assets: list[ListedRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Asset]) -> AssetsView:
        """Return the view of a page of assets."""
        rows = [ListedRow.of(one) for one in found.rows]
        return cls(**told(desk, found, nothing="nothing is listed so"), assets=rows)


class AnnouncementRow(BaseModel):
    """A corporate action; cash is dollars a share, rates new shares for old."""

    id: str
    type: str
    sub_type: str
    symbol: str
    target_symbol: str
    declared: str | None
    ex_date: str | None
    record_date: str | None
    payable: str | None
    cash: str | None
    old_rate: str | None
    new_rate: str | None

    @classmethod
    def of(cls, found: Announcement) -> AnnouncementRow:
        """Return the view of an announcement."""
        return cls(
            id=found.id,
            type=found.kind,
            sub_type=found.sub_kind,
            symbol=found.symbol,
            target_symbol=found.target,
            declared=_day(found.declared),
            ex_date=_day(found.ex_date),
            record_date=_day(found.recorded),
            payable=_day(found.payable),
            cash=price(found.cash),
            old_rate=_plain(found.old_rate),
            new_rate=_plain(found.new_rate),
        )


class AnnouncementsView(MarketPage):
    """A page of corporate actions."""

    announcements: list[AnnouncementRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Announcement]) -> AnnouncementsView:
        """Return the view of a page of announcements."""
        rows = [AnnouncementRow.of(one) for one in found.rows]
        nothing = "nothing of these kinds was announced for this time"
        return cls(**told(desk, found, nothing=nothing), announcements=rows)


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else quantity(value)


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
