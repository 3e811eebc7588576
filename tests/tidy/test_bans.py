"""What the code may not say, and that the linter which says so has not been switched off."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.tidy.sources import ROOT, product, within

SILENCED = re.compile(r"#\s*noqa(?!:)|#\s*noqa:[^#]*\b(?:T201|BLE001|TID251|DTZ005|ASYNC\d+)\b")
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
MUTABLE = {"list", "dict", "set", "deque", "defaultdict", "Counter", "OrderedDict", "bytearray"}
READ_ONLY = {"Mapping", "Sequence", "Collection", "Set", "AbstractSet", "Iterable"}
MONEY = (
    "common/money.py",
    "common/orders.py",
    "common/portfolio.py",
    "common/limits.py",
    "services/execution/",
    "services/risk/",
)
BRIDGE = "common/money.py to_price.value"  # the one way from a computed float back to money
STATISTICS = re.compile(
    r"delta|gamma|theta|vega|forward|minutes|\biv\b|_iv|iv_|vol|prob|pop|seconds|factor|share_of|ratio|z_|score"
)


@pytest.mark.parametrize(
    ("code", "snippet"),
    [
        ("TID251", "from datetime import datetime, timezone\nx = datetime.now(timezone.utc)\n"),
        ("TID251", "import time\nx = time.time()\n"),
        ("T201", "print(1)\n"),
        ("BLE001", "try:\n    pass\nexcept Exception:\n    pass\n"),
    ],
)
def test_the_linter_refuses(code: str, snippet: str) -> None:
    """A planted fault is found: the configuration still means what house rules say."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--stdin-filename",
            "services/risk/planted.py",
            "-",
        ],
        cwd=ROOT,
        input=snippet,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{code} " in done.stdout


def test_no_comment_switches_those_rules_off() -> None:
    silenced = [
        f"{source.name}:{number}"
        for source in product()
        for number, line in enumerate(source.text.splitlines(), 1)
        if SILENCED.search(line)
    ]
    assert silenced == []


def test_only_the_supervisor_catches_everything() -> None:
    """BaseException may be caught to clean up, by whoever raises it again."""
    assert _faults(_catches_everything, but="services/ops/supervisor.py") == []


def test_only_risk_approves() -> None:
    assert _faults(_approves, but="services/risk/") == []


def test_modules_hold_no_mutable_state() -> None:
    """A table is a tuple, a frozenset, a MappingProxyType, or annotated as read-only."""
    held = [
        f"{source.name}:{node.lineno}"
        for source in product()
        for node in source.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and _holds_mutable_state(node)
    ]
    assert held == []
    assert _faults(lambda node: isinstance(node, ast.Global)) == []


def test_money_is_never_a_float() -> None:
    """Greeks, volatilities and probabilities are floats; nothing else is, where money is."""
    floats = [
        f"{source.name} {name}"
        for source in within(*MONEY)
        if source.name != "services/risk/metrics.py"
        for name in _float_names(source.tree)
        if not STATISTICS.search(name)
    ]
    assert floats == [BRIDGE]


def _faults(wrong: object, but: str = "\0") -> list[str]:
    assert callable(wrong)
    return [
        fault
        for source in product()
        if not source.name.startswith(but)
        for fault in source.faults(wrong)
    ]


def _catches_everything(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = set(_names(node.type)) if node.type else {"BaseException"}
    again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    return "Exception" in caught or ("BaseException" in caught and not again)


def _approves(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func.value if isinstance(node.func, ast.Subscript) else node.func
    return (isinstance(called, ast.Name) and called.id == "Approved") or (
        isinstance(called, ast.Attribute) and called.attr == "Approved"
    )


def _holds_mutable_state(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if "__all__" in {name for target in targets for name in _names(target)}:
        return False
    if isinstance(node, ast.AnnAssign) and READ_ONLY & set(_names(node.annotation)):
        return False
    value = node.value
    literal = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    called = isinstance(value, ast.Call) and bool(MUTABLE & set(_names(value.func)))
    return isinstance(value, literal) or called


def _float_names(tree: ast.Module) -> list[str]:
    """Return what is annotated with float: fields, arguments as function.name, functions."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and "float" in _names(node.annotation):
            found.append(ast.unparse(node.target))
        elif isinstance(node, FUNCTION):
            arguments = [n for n in ast.walk(node.args) if isinstance(n, ast.arg)]
            found += [f"{node.name}.{a.arg}" for a in arguments if "float" in _names(a.annotation)]
            found += [node.name] if "float" in _names(node.returns) else []
    return found


def _names(node: ast.AST | None) -> list[str]:
    """Return every identifier in an expression; the last part of a dotted one."""
    if node is None:
        return []
    return [
        inner.id if isinstance(inner, ast.Name) else inner.attr
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name | ast.Attribute)
    ]
