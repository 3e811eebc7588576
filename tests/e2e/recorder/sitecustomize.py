"""Writes down who calls whom, in every process that has this folder on its PYTHONPATH.

Python imports a module of this name at start. FLOW_CALLS names what to watch, FLOW_FILE where each
call becomes a line: what was called, in which part, and the modules of the product on the stack.
The product itself knows nothing of it; the standard library is all that is used.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from types import FrameType, ModuleType
from typing import Any

PRODUCT = ("serving", "tools", "services", "paper_exchange")
MOST = 3_000  # lines of one call and process: quotes come by the thousand
Watched = dict[str, set[str]]  # by part: what is watched in its modules


class Recorder:
    """Wraps what is watched as its module is imported; found first on sys.meta_path."""

    def __init__(self, watched: Watched, file: str) -> None:
        self._watched = watched
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._seen: Counter[str] = Counter()

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Find a module of the product as usual, and wrap it once it has run."""
        if not name.startswith(PRODUCT):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                self._wrap(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign] # of this one only
        return spec

    def _wrap(self, module: ModuleType) -> None:
        for part, names in self._watched.items():
            if module.__name__ == part or module.__name__.startswith(f"{part}."):
                for name in names:
                    self._wrap_named(module, part, name)

    def _wrap_named(self, module: ModuleType, part: str, name: str) -> None:
        owner, _, attribute = name.rpartition(".")
        holder = getattr(module, owner, None) if owner else module
        if holder is None or getattr(holder, "__module__", module.__name__) != module.__name__:
            return
        held = vars(holder).get(attribute)
        if isinstance(held, classmethod):
            setattr(holder, attribute, classmethod(self._recorded(held.__func__, part, name)))
        elif callable(held) and getattr(held, "__module__", None) == module.__name__:
            setattr(holder, attribute, self._recorded(held, part, name))

    def _recorded(self, function: Callable[..., Any], part: str, name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._seen[name] += 1
            if self._seen[name] <= MOST:
                stack = list(dict.fromkeys(_product(sys._getframe(1))))
                line = json.dumps({"part": part, "called": name, "stack": stack})
                os.write(self._file, f"{line}\n".encode())
            return function(*args, **kwargs)

        return call


def _product(frame: FrameType | None) -> Iterator[str]:
    """Yield the modules of the product on the stack, the nearest first."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith(PRODUCT):
            yield name
        frame = frame.f_back


if "FLOW_FILE" in os.environ:
    calls = json.loads(os.environ["FLOW_CALLS"])
    sys.meta_path.insert(
        0, Recorder({part: set(names) for part, names in calls.items()}, os.environ["FLOW_FILE"])
    )
