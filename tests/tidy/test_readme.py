"""The README tells what is there: the tools, the commands, the settings' file."""

from __future__ import annotations

import re

from scripts import tools_page
from scripts.tools_table import README, shown, table
from serving.cli import COMMANDS
from tests.tidy.sources import ROOT

TEXT = README.read_text(encoding="utf-8")


def test_the_table_of_tools_is_what_is_registered() -> None:
    """Run python scripts/tools_table.py to bring it up to date."""
    assert shown(TEXT) == table()


def test_the_page_of_tools_is_what_is_registered() -> None:
    """Run python scripts/tools_table.py to bring it up to date."""
    assert tools_page.PAGE.read_text(encoding="utf-8") == tools_page.page()


def test_every_command_is_told_and_no_other() -> None:
    typed = r"^python alpaca_mcp_server\.py ([a-z]+(?: (?:list|call|verify))?)"
    told = set(re.findall(typed, TEXT, re.MULTILINE))
    assert told == set(COMMANDS) - {"bridge"} | {"kill"}


def test_every_file_it_points_at_is_there() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert linked
    assert [path for path in linked if not (ROOT / path).exists()] == []
