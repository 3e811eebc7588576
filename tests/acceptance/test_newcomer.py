"""The newcomer's script reads the README; what it reads is what stands there."""

from __future__ import annotations

from tests.acceptance.newcomer import FOREGROUND, GATE, commands, steps
from tests.exchange import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_way_to_a_first_trade_is_three_commands() -> None:
    assert steps(README) == ["make demo", GATE, FOREGROUND]


def test_comments_are_not_typed_and_other_sections_not_read() -> None:
    text = "## A\n```sh\nmake a   # why\n\n# nothing\nmake b\n```\n```json\n{}\n```\n## B\n"
    assert commands(text, "A") == ["make a", "make b"]


def test_the_gate_walks_the_way() -> None:
    assert "make newcomer" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
