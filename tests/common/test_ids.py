"""Ids are canonical UUIDs, and no two are alike."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from common.ids import RandomIds


def test_ids_are_random_uuids_each_given_once() -> None:
    """More than are drawn from the system at a time."""
    ids = RandomIds()
    minted = [ids.uuid() for _ in range(1_000)]
    assert len(set(minted)) == len(minted)
    for text in minted:
        read = UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, RFC_4122)
