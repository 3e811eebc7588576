"""How large things are and where they lie."""

from __future__ import annotations

import ast

from tests.tidy.sources import PACKAGES, ROOT, files, product, sources

MODULE_LINES = 320
FUNCTION_LINES = 40
TESTS_OF_NO_PACKAGE = {
    "burnin",
    "tidy",
    "scripts",
    "conformance",
    "conformance_mcp",
    "e2e",
    "crash",
    "bench",
    "snapshots",
    "simulation",
    "peer",
    "fuzz",
    "acceptance",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_module_is_too_long_to_hold_in_mind() -> None:
    lines = {source.name: len(source.text.splitlines()) for source in sources()}
    assert {name: n for name, n in lines.items() if n > MODULE_LINES} == {}


def test_no_function_is_too_long_to_read_at_once() -> None:
    long = {
        f"{source.name}:{node.lineno} {node.name}": length
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, Function) and (length := _lines(node)) > FUNCTION_LINES
    }
    assert long == {}


def test_tests_mirror_the_packages() -> None:
    folders = {name.rsplit("/", 1)[0] for name in files() if name.startswith("tests/")}
    mirrored = {folder.removeprefix("tests/") for folder in folders} - {"tests"}
    strangers = {
        folder
        for folder in mirrored
        if folder.split("/")[0] not in TESTS_OF_NO_PACKAGE and not (ROOT / folder).is_dir()
    }
    assert strangers == set()
    assert {folder.split("/")[0] for folder in mirrored} >= set(PACKAGES)


def _lines(function: Function) -> int:
    """Return a function's length without its docstring: prose is no complexity."""
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length
