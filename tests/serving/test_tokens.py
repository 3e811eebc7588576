"""One token a principal, in a file that only its owner reads."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from common.errors import BadArgument, StateUnwritable
from common.ids import RandomIds
from serving.tokens import FileVerifier, TokenFile, grant_asked
from tools.grant import Grant


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
        file.held()


async def test_the_verifier_knows_who_and_hears_of_new_ones(file: TokenFile) -> None:
    verifier = FileVerifier(file)
    assert await verifier.verify_token("guess") is None
    made = file.token("laptop")
    known = await verifier.verify_token(made)
    assert known is not None
    assert (known.client_id, known.scopes) == ("laptop", ["read", "trade"])
    assert await verifier.verify_token(made[:-1]) is None
    assert await verifier.verify_token("é") is None


@pytest.mark.parametrize(
    ("rights", "scopes"),
    [
        ({}, ["read", "trade"]),
        ({"read_only": True}, ["read"]),
        (
            {"toolsets": "default,journal"},
            ["read", "trade", "toolset:default", "toolset:journal"],
        ),
        ({"read_only": True, "toolsets": "all"}, ["read", "toolset:all"]),
    ],
)
async def test_rights_become_scopes_and_scopes_rights(
    file: TokenFile, rights: dict[str, Any], scopes: list[str]
) -> None:
    grant = Grant(**rights)
    known = await FileVerifier(file).verify_token(file.token("laptop", grant))
    assert known is not None
    assert known.scopes == scopes
    assert Grant.of(known.scopes) == grant


async def test_other_rights_are_another_token_and_the_old_one_is_nobodys(file: TokenFile) -> None:
    verifier, full = FileVerifier(file), file.token("laptop")
    reading = file.token("laptop", grant_asked(read_only=True, toolsets=None))
    assert reading != full
    assert await verifier.verify_token(full) is None
    assert file.token("laptop") == reading  # asked for without rights it stays as it is
    assert file.token("laptop", Grant(read_only=True)) == reading


async def test_own_processes_of_other_rights_are_one_principal(file: TokenFile) -> None:
    verifier = FileVerifier(file)
    grants = [Grant(), Grant(read_only=True), Grant(toolsets="all")]
    known = [await verifier.verify_token(file.own(grant)) for grant in grants]
    assert {one.client_id for one in known if one} == {"local"}
    assert [Grant.of(one.scopes) for one in known if one] == grants
    assert file.own(Grant()) == file.token("local")


async def test_a_file_of_before_there_were_rights_is_as_good_as_it_was(
    file: TokenFile, tmp_path: Path
) -> None:
    old = tmp_path / "tokens.json"
    old.write_text('{"local": "aaaa", "laptop": "bbbb"}')
    old.chmod(0o600)
    known = await FileVerifier(file).verify_token("bbbb")
    assert known is not None
    assert (known.client_id, known.scopes) == ("laptop", ["read", "trade"])
    file.token("dashboard", Grant(read_only=True))
    assert json.loads(old.read_text())["laptop"] == "bbbb"


@pytest.mark.parametrize("line", [{}, {"read_only": "no"}, {"read_only": None, "toolsets": ["x"]}])
async def test_rights_that_cannot_be_read_are_the_least(
    file: TokenFile, tmp_path: Path, line: dict[str, Any]
) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"laptop": {"token": "bbbb", **line}}))
    path.chmod(0o600)
    known = await FileVerifier(file).verify_token("bbbb")
    assert known is not None
    assert Grant.of(known.scopes).read_only


def test_a_toolset_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(BadArgument, match="'stonks' is no toolset: use default, all, or strategy"):
        grant_asked(read_only=False, toolsets="default,stonks")
    assert grant_asked(read_only=False, toolsets=None) is None
