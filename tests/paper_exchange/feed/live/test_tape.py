"""What is known of a series: never a gap inside the stretch that is said to be whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from paper_exchange.feed.live.tape import ITEMS_MAX, Tape

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Item:
    at: datetime
    of: str = "upstream"


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


WORLD = [Item(at(second)) for second in range(0, 100, 3)]
windows = st.tuples(st.integers(0, 99), st.integers(0, 99)).filter(lambda ends: ends[0] < ends[1])


@given(st.lists(windows, max_size=8), windows)
def test_what_was_missing_once_put_is_whole(
    asked: list[tuple[int, int]], last: tuple[int, int]
) -> None:
    tape = Tape()
    for first, end in [*asked, last]:
        missing = tape.missing(at(first), at(end))
        if missing is not None:
            assert at(first) <= missing[0] < missing[1] <= at(end)
            tape.put(*missing, [item for item in WORLD if missing[0] <= item.at < missing[1]])
        assert tape.missing(at(first), at(end)) is None
    first, end = last
    assert list(tape.between(at(first), at(end))) == [
        item for item in WORLD if at(first) <= item.at < at(end)
    ]


def test_a_sample_never_takes_the_place_of_what_is_whole() -> None:
    tape = Tape()
    tape.put(at(0), at(30), WORLD[:10])
    tape.learn(Item(at(3), "sample"))
    tape.learn(Item(at(4), "sample"))
    tape.learn(Item(at(40), "sample"))
    tape.learn(Item(at(40), "newer"))
    assert list(tape.between(at(0), at(30))) == WORLD[:10]
    assert tape.last(at(60)) == Item(at(40), "newer")
    assert tape.last(at(39)) == WORLD[9]
    assert tape.last(at(-1)) is None


def test_a_full_tape_drops_its_oldest_and_says_so() -> None:
    tape = Tape()
    tape.put(at(0), at(3), WORLD[:1])
    for second in range(10, ITEMS_MAX + 20):
        tape.learn(Item(at(second)))
    assert len(tape.between(at(0), at(ITEMS_MAX + 20))) <= ITEMS_MAX
    assert tape.missing(at(0), at(3)) == (at(0), at(3))
    newest = at(ITEMS_MAX + 19)
    assert tape.last(newest) == Item(newest)
