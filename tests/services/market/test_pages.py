"""Pages of a whole: every row once, whatever comes and goes; pages of HTML: words only."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.broker.published import Found
from services.market.news import without_tags
from services.market.pages import page

names = st.sets(st.text("abcdef", min_size=1, max_size=3), max_size=30)


def of(rows: set[str]) -> Found[str]:
    return Found(rows=tuple(rows), source="here")


@given(names, st.integers(1, 7))
def test_a_walk_shows_every_row_once_in_order(rows: set[str], limit: int) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        shown = page(of(rows), str, limit, cursor)
        assert shown.total == len(rows)
        seen += shown.rows
        if shown.cursor is None:
            break
        assert len(shown.rows) == limit
        cursor = shown.cursor
    assert seen == sorted(rows)


@given(names, names, st.integers(1, 7))
def test_what_stays_is_shown_once_though_others_come_and_go(
    before: set[str], after: set[str], limit: int
) -> None:
    first = page(of(before), str, limit, None)
    seen, cursor = list(first.rows), first.cursor
    while cursor is not None:
        shown = page(of(after), str, limit, cursor)
        seen += shown.rows
        cursor = shown.cursor
    assert len(seen) == len(set(seen))
    if first.cursor is not None:
        assert set(seen) >= before & after


def test_an_empty_whole_has_one_empty_page() -> None:
    assert page(of(set()), str, 5, None) == replace(of(set()), total=0)


@settings(max_examples=50)
@given(st.text())
def test_whatever_is_no_markup_stays_and_nothing_raises(text: str) -> None:
    without_tags(text)
    plain = text.replace("<", "").replace("&", "")
    assert without_tags(plain).split() == plain.split()


def test_scripts_and_styles_are_no_words() -> None:
    page = "<style>p{}</style><p>Fed <b>holds</b></p><script>sell()</script><p>rates &amp; all"
    assert without_tags(page) == "Fed holds\nrates & all"
    assert without_tags("<script>never closed") == ""
