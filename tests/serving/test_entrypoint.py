"""What a host is told of the server before it calls anything."""

from __future__ import annotations

import pytest

from alpaca_mcp_server import INSTRUCTIONS, main, toolsets
from tools.catalog import Catalog

INSTRUCTIONS_MAX = 2048  # hosts cut what is longer


def test_instructions_fit_and_name_only_tools_that_exist() -> None:
    names = {tool.name for tool in Catalog(toolsets()).tools}
    assert len(INSTRUCTIONS) <= INSTRUCTIONS_MAX
    words = {word.strip("().,;:\n") for word in INSTRUCTIONS.split()}
    told = {word for word in words if "_" in word and not word.startswith("[")}
    assert told - names == {"confirm_token", "awaiting_approval", "untrusted_"}


def test_the_sets_are_the_ones_that_were_asked_for() -> None:
    assert {"strategy", "risk", "streaming", "orders"} <= {one.name for one in toolsets()}
    assert all(one.entries for one in toolsets())


def test_windows_is_told_so_before_anything_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert main() == 1
    told = capsys.readouterr()
    assert told.err.startswith("[unsupported]")
    assert told.err.count("\n") == 1
    assert told.out == ""
