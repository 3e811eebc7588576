"""The repository's own files, parsed once, for the tests that read code as data."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("common", "services", "serving", "tools", "paper_exchange")
ENTRYPOINT = "alpaca_mcp_server.py"


@dataclass(frozen=True)
class Source:
    """One Python file. name: its path from the root, with forward slashes."""

    name: str

    @cached_property
    def text(self) -> str:
        """The file's text."""
        return (ROOT / self.name).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The file's syntax tree."""
        return ast.parse(self.text, self.name)

    def faults(self, wrong: Callable[[ast.AST], bool]) -> Iterator[str]:
        """Yield where a node of the file is wrong, as name:line."""
        for node in ast.walk(self.tree):
            if wrong(node):
                yield f"{self.name}:{getattr(node, 'lineno', 1)}"


@lru_cache(maxsize=1)
def files() -> tuple[str, ...]:
    """Return every file git tracks or would track, as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    names = set(filter(None, listed.stdout.split("\0")))
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


@lru_cache(maxsize=1)
def sources() -> tuple[Source, ...]:
    """Return every Python file of the repository."""
    return tuple(Source(name) for name in files() if name.endswith(".py"))


def product() -> tuple[Source, ...]:
    """Return what ships: the packages and the entrypoint."""
    shipped = tuple(f"{package}/" for package in PACKAGES)
    return tuple(s for s in sources() if s.name.startswith(shipped) or s.name == ENTRYPOINT)


def within(*prefixes: str) -> tuple[Source, ...]:
    """Return the Python files whose path starts with one of the prefixes."""
    return tuple(source for source in sources() if source.name.startswith(prefixes))
