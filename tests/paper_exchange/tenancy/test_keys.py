"""Keys: right ones open one account, wrong ones nothing, secrets are nowhere on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from common.errors import Misconfigured
from common.ids import AccountId, RandomIds
from paper_exchange.store.database import Database
from paper_exchange.tenancy.key_file import KeyPair
from paper_exchange.tenancy.keys import Keys


def _contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir()]


ME, OTHER = AccountId("me"), AccountId("other")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'exchange.db'}"


async def test_keys_open_their_own_account_and_no_other(url: str) -> None:
    database = await Database.open(url)
    keys = await Keys.load(database)
    mine, others = await keys.issue(ME, RandomIds()), await keys.issue(OTHER, RandomIds())
    await database.close()

    database = await Database.open(url)
    keys = await Keys.load(database)
    assert keys.authenticate(mine.key, mine.secret) == ME
    assert keys.authenticate(others.key, others.secret) == OTHER
    for key, secret in (
        (mine.key, others.secret),
        (mine.key, ""),
        (mine.key, mine.secret + " "),
        ("", ""),
        ("PKNOBODY", ""),
        (mine.key, "\ud800"),
    ):
        assert keys.authenticate(key, secret) is None
    await database.close()


async def test_secrets_are_not_kept(url: str, tmp_path: Path) -> None:
    database = await Database.open(url)
    pair = await (await Keys.load(database)).issue(ME, RandomIds())
    await database.close()
    files = await asyncio.to_thread(_contents, tmp_path)
    assert any(pair.key.encode() in content for content in files)
    assert not any(pair.secret.encode() in content for content in files)


async def test_registering_again_keeps_the_account(url: str) -> None:
    database = await Database.open(url)
    keys = await Keys.load(database)
    pair = KeyPair("PK1", "s1")
    assert await keys.register(pair, ME) == ME
    assert await keys.register(pair, OTHER) == ME
    with pytest.raises(Misconfigured, match="another secret"):
        await keys.register(KeyPair("PK1", "s2"), ME)
    assert keys.authenticate("PK1", "s1") == ME
    await database.close()


async def test_no_two_pairs_are_alike(url: str) -> None:
    database = await Database.open(url)
    keys = await Keys.load(database)
    pairs = [await keys.issue(ME, RandomIds()) for _ in range(5)]
    assert len({pair.key for pair in pairs}) == len({pair.secret for pair in pairs}) == 5
    assert all(pair.key.startswith("PK") and len(pair.secret) >= 43 for pair in pairs)
    await database.close()
