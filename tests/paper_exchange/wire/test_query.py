"""Query parameters, credentials and scalars: read leniently where Alpaca is, refused by name."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper_exchange.wire.credentials import Credentials, presented
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.query import Query, page_offset, page_position, page_token
from paper_exchange.wire.scalars import asset_id, eastern, instant, number, ratio, text

AT = datetime(2026, 11, 20, 15, 5, 0, 250_000, tzinfo=UTC)


def test_times_drop_trailing_zeros_and_end_in_z() -> None:
    assert instant(AT) == "2026-11-20T15:05:00.25Z"
    assert instant(AT.replace(microsecond=0)) == "2026-11-20T15:05:00Z"
    assert eastern(AT.replace(microsecond=0)) == "2026-11-20T10:05:00-05:00"


@pytest.mark.parametrize(
    ("value", "trading", "data"),
    [("150.00", "150", 150), ("-0.4700", "-0.47", -0.47), ("0", "0", 0), ("1E+3", "1000", 1000)],
)
def test_numbers_are_text_for_trading_and_numbers_for_data(
    value: str, trading: str, data: float
) -> None:
    assert text(Decimal(value)) == trading
    assert number(Decimal(value)) == data
    assert isinstance(number(Decimal("8.0")), int)
    assert text(None) is None


def test_ratios_have_five_places_and_survive_a_worthless_cost() -> None:
    assert ratio(Decimal(1), Decimal(3)) == "0.33333"
    assert ratio(Decimal(1), Decimal(0)) == "0"
    assert ratio(None, Decimal(3)) is None


def test_an_asset_keeps_its_id() -> None:
    assert asset_id("SPY") == asset_id("SPY") != asset_id("QQQ")


@pytest.mark.parametrize("written", ["True", "TRUE", "true", "1"])
def test_booleans_are_read_in_any_case(written: str) -> None:
    assert Query({"nested": written}).flag("nested")


def test_a_bare_end_date_is_the_end_of_that_day_in_new_york() -> None:
    query = Query({"start": "2026-11-20", "end": "2026-11-20"})
    start, end = query.instant("start"), query.instant("end", end_of_day=True)
    assert start == datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert end is not None
    assert end > datetime(2026, 11, 21, 4, 59, 59, tzinfo=UTC)


def test_an_unescaped_plus_is_still_an_offset() -> None:
    assert Query({"after": "2026-11-20T14:30:00 00:00"}).instant("after") == datetime(
        2026, 11, 20, 14, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("limit", "0", lambda q: q.integer("limit", 50, low=1, high=500)),
        ("limit", "501", lambda q: q.integer("limit", 50, low=1, high=500)),
        ("limit", "abc", lambda q: q.integer("limit", 50, low=1, high=500)),
        ("limit", "9" * 5000, lambda q: q.integer("limit", 50, low=1, high=500)),
        ("limit", "-1", lambda q: q.integer("limit", 50, low=1, high=500)),
        ("nested", "maybe", lambda q: q.flag("nested")),
        ("strike_price_gte", "nan", lambda q: q.decimal("strike_price_gte")),
        ("strike_price_gte", "1e400", lambda q: q.decimal("strike_price_gte")),
        ("start", "yesterday", lambda q: q.instant("start")),
        ("start", "2026-13-40", lambda q: q.instant("start")),
        ("expiration_date", "20/11/26", lambda q: q.day("expiration_date")),
        ("sort", "sideways", lambda q: q.choice("sort", ("asc", "desc"), "asc")),
        ("page_token", "%%%", page_position),
        ("page_token", page_token("-5"), page_offset),
    ],
)
def test_a_bad_parameter_is_refused_by_its_name(name: str, value: str, read: object) -> None:
    assert callable(read)
    with pytest.raises(BadParameter, match=name):
        read(Query({name: value}))


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_text_makes_a_reader_fail_otherwise(value: str, name: str) -> None:
    query = Query({name: value})
    for read in (query.instant, query.day, query.decimal, query.flag):
        try:
            read(name)
        except BadParameter:
            continue


@given(st.text(max_size=40))
def test_a_page_token_gives_its_position_back(position: str) -> None:
    token = page_token(position)
    assert page_position(Query({"page_token": token})) == (position if token else None)


def test_offsets_look_like_the_ones_alpaca_sends() -> None:
    assert page_token("100") == "MTAw"
    assert page_offset(Query({"page_token": "MTAw"})) == 100
    assert page_offset(Query({})) == 0


KEYS = Credentials("K", "S")


@pytest.mark.parametrize(
    "headers",
    [
        [(b"apca-api-key-id", b"K"), (b"apca-api-secret-key", b"S")],
        [(b"authorization", b"Basic " + base64.b64encode(b"K:S"))],
        [(b"authorization", b"basic " + base64.b64encode(b"K:S"))],
        [(b"authorization", b"Bearer K:S")],
    ],
)
def test_credentials_come_in_three_forms(headers: list[tuple[bytes, bytes]]) -> None:
    assert presented(headers) == KEYS


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"apca-api-key-id", b"K")],
        [(b"authorization", b"Basic ***")],
        [(b"authorization", b"Bearer K")],
        [(b"authorization", b"Digest K:S")],
        [(b"authorization", b"\xff\xfe")],
    ],
)
def test_half_given_or_broken_credentials_are_none(headers: list[tuple[bytes, bytes]]) -> None:
    assert presented(headers) is None
