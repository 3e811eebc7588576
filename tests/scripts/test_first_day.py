"""The first day's page calls tools as they are, and its words are in the glossary."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from alpaca_mcp_server import toolsets
from scripts.first_day import MARKED, PAGE, TOOLSETS, Call, calls, picked, shown
from tools.catalog import Catalog

TEXT = PAGE.read_text(encoding="utf-8")
GLOSSARY = (PAGE.parent / "glossary.md").read_text(encoding="utf-8")


def test_each_call_is_one_the_tool_takes() -> None:
    schemas = {tool.name: tool.parameters for tool in Catalog(toolsets()).tools}
    asked = calls(TEXT)
    assert len(asked) == TEXT.count("<!-- call ") == TEXT.count("<!-- /call -->") > 9
    for call in asked:
        jsonschema.validate(call.arguments(), schemas[call.tool])


def test_what_is_off_by_default_is_told_so() -> None:
    offers = Catalog(toolsets()).offers
    assert all(offers[call.tool].listed(TOOLSETS) for call in calls(TEXT))
    assert f"`TOOLSETS={TOOLSETS}`" in TEXT


def test_each_answer_shows_what_is_asked_for_or_why_not() -> None:
    """Run python scripts/first_day.py after a change."""
    refused = 0
    for marked in MARKED.finditer(TEXT):
        call = Call.of(marked)
        kind, _, text = marked["shown"].removeprefix("```").removesuffix("```\n").partition("\n")
        if kind == "text":
            refused += 1
            assert re.match(r"\[[a-z_]+\] .* Next: ", text, re.DOTALL)
            continue
        told = json.loads(text)
        assert picked(told, call.fields) == told
        assert set(told) == {field.partition(".")[0] for field in call.fields}
    assert refused == 2  # by a limit, and by the kill switch


def test_an_answer_is_cut_to_its_fields_in_its_own_shape() -> None:
    answer = {"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, {"f": 6, "g": 7}]}
    assert picked(answer, ["a", "b.d", "e.f"]) == {
        "a": 1,
        "b": {"d": 3},
        "e": [{"f": 4}, {"f": 6}],
    }
    told = shown(Call("x", (), ("b.d",)), "", answer)
    assert json.loads(told.removeprefix("```json\n").removesuffix("```\n")) == {"b": {"d": 3}}
    assert shown(Call("x", (), ("a",)), "[no] why. Next: what.", None).startswith("```text\n[no]")


@pytest.mark.parametrize("word", ["iron condor", "delta", "theta", "strike", "slippage", "mid"])
def test_new_words_are_in_the_glossary(word: str) -> None:
    assert f"\n| {word} |" in GLOSSARY


def test_the_glossary_is_in_order_and_tells_each_word_once() -> None:
    words = re.findall(r"^\| ([^|]+?) \| ", GLOSSARY, re.MULTILINE)[1:]
    assert words == sorted(set(words), key=str.casefold)
