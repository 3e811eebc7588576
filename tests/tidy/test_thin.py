"""Tools are a face, not a brain; the database has one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.sources import Source, product, within

STATEMENTS = 4
THINKING = (ast.Try, ast.For, ast.AsyncFor, ast.While, ast.BinOp, ast.JoinedStr, ast.Lambda)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def tools() -> Iterator[tuple[str, Function]]:
    """Yield where each tool is, and its function: whatever .tool(...) decorates."""
    for source in within("tools/"):
        for node in ast.walk(source.tree):
            if isinstance(node, Function) and any(_is_tool(d) for d in node.decorator_list):
                yield f"{source.name}:{node.lineno} {node.name}", node


def test_a_tool_has_at_most_four_statements_and_one_branch() -> None:
    """The one branch tells a preview from its confirmation."""
    thick = [
        where
        for where, tool in tools()
        if sum(isinstance(n, ast.stmt) for n in _inside(tool)) > STATEMENTS
        or sum(isinstance(n, ast.If | ast.IfExp | ast.Match) for n in _inside(tool)) > 1
    ]
    assert thick == []


def test_a_tool_neither_computes_nor_formats_nor_catches() -> None:
    thinking = [
        where for where, tool in tools() if any(isinstance(n, THINKING) for n in _inside(tool))
    ]
    assert thinking == []


def test_every_tool_is_async_and_has_a_manual() -> None:
    """A sync tool would run in a thread, beside the one event loop that owns the state."""
    found = dict(tools())
    assert found
    assert [where for where, tool in found.items() if isinstance(tool, ast.FunctionDef)] == []
    assert [where for where, tool in found.items() if not ast.get_docstring(tool)] == []


def test_only_the_store_speaks_sql() -> None:
    speaking = [
        source.name
        for source in product()
        if not source.name.startswith("paper_exchange/store/") and "sqlalchemy" in _imported(source)
    ]
    assert speaking == []


def _is_tool(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr == "tool"


def _inside(function: Function) -> Iterator[ast.AST]:
    """Yield every node of the body but the docstring."""
    has_manual = ast.get_docstring(function) is not None
    for statement in function.body[int(has_manual) :]:
        yield from ast.walk(statement)


def _imported(source: Source) -> set[str]:
    nodes = list(ast.walk(source.tree))
    plain = {a.name.partition(".")[0] for n in nodes if isinstance(n, ast.Import) for a in n.names}
    return plain | {
        (n.module or "").partition(".")[0] for n in nodes if isinstance(n, ast.ImportFrom)
    }
