"""One token a principal, in a file that only its owner reads."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from common.errors import BadArgument, StateUnwritable
from common.ids import RandomIds
from serving.tokens import FileVerifier, TokenFile


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json", RandomIds())


def test_a_token_is_made_once_and_kept_private(file: TokenFile, tmp_path: Path) -> None:
    made = file.token("laptop")
    assert file.token("laptop") == made
    assert file.token("other") != made
    assert len(made) >= 40
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.json"]


@pytest.mark.parametrize("name", ["", "Laptop", "a b", "../x", "-a", "x" * 33, "ä"])
def test_odd_names_are_refused(file: TokenFile, name: str) -> None:
    with pytest.raises(BadArgument):
        file.token(name)


def test_a_file_that_others_read_is_refused(file: TokenFile, tmp_path: Path) -> None:
    file.token("laptop")
    (tmp_path / "tokens.json").chmod(0o640)
    with pytest.raises(StateUnwritable, match="read by others"):
        file.tokens()


async def test_the_verifier_knows_who_and_hears_of_new_ones(file: TokenFile) -> None:
    verifier = FileVerifier(file)
    assert await verifier.verify_token("guess") is None
    made = file.token("laptop")
    known = await verifier.verify_token(made)
    assert known is not None
    assert (known.client_id, known.scopes) == ("laptop", ["trade"])
    assert await verifier.verify_token(made[:-1]) is None
    assert await verifier.verify_token("é") is None
