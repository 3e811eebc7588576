"""What is decided again is named the same, and nothing else is."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from paper_exchange.engine.names import derived

ORDER, OTHER = str(UUID(int=1)), str(UUID(int=2))


def test_a_name_follows_from_its_parent_and_what_it_is() -> None:
    name = derived(ORDER, "execution 1")
    assert name == derived(ORDER, "execution 1")
    assert len({name, derived(ORDER, "execution 2"), derived(OTHER, "execution 1")}) == 3


def test_a_name_is_a_uuid_of_the_free_kind() -> None:
    for number in range(100):
        text = derived(ORDER, f"execution {number}")
        read = UUID(text)
        assert (str(read), text[14], read.variant) == (text, "8", RFC_4122)
