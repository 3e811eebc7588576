"""What is listed, announced and written about: Alpaca's JSON to values.

What names a thing, symbols and codes, may hold nothing but what such names are made of;
words are kept only where a value says that they are a stranger's.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from common.contracts import OptionContract
from services.broker.fields import Json, Unreadable, decimal, instant, optional, reads, word
from services.broker.published import Announcement, Article, Asset, OptionListing

WORDS_MAX: Final = 20_000  # characters of a stranger's text that are carried at all

_NAME = re.compile(r"[A-Z0-9][A-Z0-9./_-]{0,24}", re.ASCII)


@reads("article")
def article(body: Json) -> Article:
    """Read an article."""
    symbols = body.get("symbols") or ()
    return Article(
        id=word(str(body["id"])),
        headline=words(body.get("headline")),
        summary=words(body.get("summary")),
        content=words(body.get("content")),
        author=words(body.get("author")),
        publisher=words(body.get("source")),
        url=words(body.get("url")),
        symbols=tuple(str(one) for one in symbols if _NAME.fullmatch(str(one))),
        created_at=instant(body["created_at"]),
        updated_at=instant(body["updated_at"]),
    )


@reads("asset")
def asset(body: Json) -> Asset:
    """Read an asset."""
    borrow = body.get("borrow_status")
    return Asset(
        symbol=name(body["symbol"]),
        name=words(body.get("name")),
        asset_class=word(body["class"]),
        exchange=word(body["exchange"]) if body["exchange"] else "",
        status=word(body["status"]),
        tradable=body["tradable"] is True,
        marginable=body.get("marginable") is True,
        shortable=body.get("shortable") is True,
        fractionable=body.get("fractionable") is True,
        borrow=word(borrow) if borrow else None,
        margin_long=optional(body.get("margin_requirement_long")),
        margin_short=optional(body.get("margin_requirement_short")),
        size_min=optional(body.get("min_order_size")),
        size_step=optional(body.get("min_trade_increment")),
        price_step=optional(body.get("price_increment")),
        attributes=tuple(word(one) for one in body.get("attributes") or ()),
    )


@reads("option contract")
def listing(body: Json) -> OptionListing:
    """Read a listed contract."""
    interest, close = optional(body.get("open_interest")), optional(body.get("close_price"))
    return OptionListing(
        contract=OptionContract.from_occ(body["symbol"]),
        underlying=name(body["underlying_symbol"]),
        status=word(body["status"]),
        tradable=body["tradable"] is True,
        style=word(body["style"]),
        shares=decimal(body["size"]),
        open_interest=None if interest is None else int(interest),
        open_interest_day=_day(body.get("open_interest_date")),
        close=close,
        close_day=_day(body.get("close_price_date")),
    )


@reads("announcement")
def announcement(body: Json) -> Announcement:
    """Read a corporate action."""
    return Announcement(
        id=word(body["id"]),
        kind=word(body["ca_type"]),
        sub_kind=word(body.get("ca_sub_type") or "none"),
        symbol=_maybe_name(body.get("initiating_symbol")),
        target=_maybe_name(body.get("target_symbol")),
        declared=_day(body.get("declaration_date")),
        ex_date=_day(body.get("ex_date")),
        recorded=_day(body.get("record_date")),
        payable=_day(body.get("payable_date")),
        cash=optional(body.get("cash")),
        old_rate=optional(body.get("old_rate")),
        new_rate=optional(body.get("new_rate")),
    )


def name(value: object) -> str:
    """Read a symbol."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Unreadable(f"no symbol: {value!r:.40}")
    return value


def words(value: object) -> str:
    """Read a stranger's text, which may be missing."""
    return value[:WORDS_MAX] if isinstance(value, str) else ""


def _maybe_name(value: object) -> str:
    return name(value) if value else ""


def _day(value: object) -> date | None:
    return date.fromisoformat(str(value)) if value else None
