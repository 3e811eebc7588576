"""The sequence diagrams of docs/architecture.md, read, and held against what was recorded.

A participant that is labelled with a path of the product is a part of it; any other is outside. A
solid arrow is a call: the caller's part is the nearest one on the stack. An open arrow, -), comes
over a wire, a pipe or a queue: its sender is not on the stack at all. What stands in the branches
of a "par" goes on at the same time; everything else is in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.exchange import ROOT

PAGE = ROOT / "docs" / "architecture.md"
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
DIAGRAM = re.compile(r"^```mermaid\nsequenceDiagram\n(.*?)^```", re.MULTILINE | re.DOTALL)
PARTICIPANT = re.compile(r"^\s*participant (\w+) as (.+)$")
ARROW = re.compile(r"^\s*(\w+)(->>|-\))(\w+): ([\w.]+)")
NOTE = re.compile(r"^\s*note\b", re.IGNORECASE)
BLOCK = re.compile(r"^\s*(par|and|end)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """One message of a diagram. sender, receiver: names of participants."""

    sender: str
    receiver: str
    called: str
    is_call: bool

    def __str__(self) -> str:
        return f"{self.sender}{'->>' if self.is_call else '-)'}{self.receiver}: {self.called}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One recorded call: in which part, and the modules of the product that led to it."""

    part: str
    called: str
    stack: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """A diagram: steps, each of one or several branches, and the parts by participants' names."""

    title: str
    parts: Mapping[str, str]
    steps: tuple[tuple[tuple[Arrow, ...], ...], ...]

    @property
    def arrows(self) -> tuple[Arrow, ...]:
        """Every arrow, as it stands on the page."""
        return tuple(arrow for step in self.steps for branch in step for arrow in branch)

    def missing(self, calls: Sequence[Call]) -> Arrow | None:
        """Return the first arrow for which no call comes after those of the steps before."""
        at = 0
        for step in self.steps:
            ends = []
            for branch in step:
                end = at
                for arrow in branch:
                    later = range(end, len(calls))
                    found = next((i for i in later if self._is(arrow, calls[i])), None)
                    if found is None:
                        return arrow
                    end = found + 1
                ends.append(end)
            at = max(ends)
        return None

    def _is(self, arrow: Arrow, call: Call) -> bool:
        if (call.part, call.called) != (self.parts[arrow.receiver], arrow.called):
            return False
        callers = [part for module in call.stack if (part := self._part(module)) is not None]
        if arrow.is_call:
            return callers[:1] == [self.parts[arrow.sender]]
        return self.parts.get(arrow.sender) not in callers

    def _part(self, module: str) -> str | None:
        """Return the part that a module is of, the narrowest of several."""
        found = [p for p in self.parts.values() if module == p or module.startswith(f"{p}.")]
        return max(found, key=len, default=None)


def diagrams(page: str) -> tuple[Diagram, ...]:
    """Return the diagrams of a page, named by their sections; raise ValueError on a bad line."""
    return tuple(
        _diagram(title, drawn)
        for title, text in SECTION.findall(page)
        for drawn in DIAGRAM.findall(text)
    )


def watched(drawn: Iterable[Diagram]) -> dict[str, list[str]]:
    """Return what is to be recorded: by part, the names that its arrows call."""
    calls: dict[str, set[str]] = {}
    for diagram in drawn:
        for arrow in diagram.arrows:
            calls.setdefault(diagram.parts[arrow.receiver], set()).add(arrow.called)
    return {part: sorted(names) for part, names in calls.items()}


def _diagram(title: str, drawn: str) -> Diagram:
    parts: dict[str, str] = {}
    steps: list[list[list[Arrow]]] = []
    side_by_side = False
    for line in drawn.splitlines():
        if participant := PARTICIPANT.match(line):
            if (ROOT / participant[2]).exists() or (ROOT / f"{participant[2]}.py").exists():
                parts[participant[1]] = participant[2].replace("/", ".")
        elif arrow := ARROW.match(line):
            sender, way, receiver, called = arrow.groups()
            if not side_by_side:
                steps.append([[]])
            steps[-1][-1].append(
                Arrow(sender=sender, receiver=receiver, called=called, is_call=way == "->>")
            )
        elif block := BLOCK.match(line):
            side_by_side = block[1] != "end"
            if block[1] == "par":
                steps.append([])
            if side_by_side:
                steps[-1].append([])
        elif line.strip() and not NOTE.match(line):
            raise ValueError(f"{title}: nothing that could be held to the truth: {line.strip()}")
    return Diagram(title=title, parts=parts, steps=tuple(tuple(map(tuple, s)) for s in steps))
