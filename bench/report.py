"""The table: what was measured on which machine, as text, Markdown and JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from bench.rows import Row, number
from common.clock import Clock

Table: TypeAlias = Mapping[str, Sequence[Row]]  # rows by part
Medians: TypeAlias = Mapping[str, float]  # of the last table, by what was measured

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
PACKAGES = (
    "numpy", "py_vollib_vectorized", "QuantLib", "alpaca-py", "picows", "msgspec", "starlette",
    "uvicorn", "uvloop", "SQLAlchemy", "mcp",
)  # fmt: skip


def header(clock: Clock) -> list[str]:
    """Say when, where and with what it was measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return [
        f"Measured {clock.now():%Y-%m-%d %H:%M} UTC on {_machine()}.",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"{packages}.",
    ]


def load() -> str:
    """Say how busy the machine is."""
    return "Load average " + " ".join(f"{value:.2f}" for value in os.getloadavg())


def text(rows: Sequence[Row], before: Medians) -> str:
    """Lay rows out for a terminal, each beside the last table's."""
    width = max((len(row.what) for row in rows), default=0)
    return "\n".join(
        f"{row.what:<{width}}  {number(row.median):>9} {row.unit:<8} "
        f"[{number(row.low)} .. {number(row.high)}] x{row.runs}"
        f"{f'  {row.target}: {row.verdict}' if row.target else ''}"
        f"{f'  last {was}' if (was := _was(row, before)) else ''}"
        f"{f'  ({row.note})' if row.note else ''}"
        for row in rows
    )


def markdown(head: Sequence[str], table: Table, before: Medians) -> str:
    """Lay the whole table out for a document, each row beside the last table's."""
    lines = [*head, ""]
    for part, rows in table.items():
        lines += [f"### {part}", ""]
        lines += ["| what | median | last | range | runs | target | note |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [_line(row, before) for row in rows]
        lines.append("")
    return "\n".join(lines)


def write_into(document: Path, written: str) -> None:
    """Replace what stands between the marks of a document; raise ValueError without marks."""
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{document} has no {BEGIN} ... {END}")
    document.write_text(f"{before}{BEGIN}\n\n{written}\n{END}{after}", encoding="utf-8")


def as_json(head: Sequence[str], table: Table) -> str:
    """Return everything as JSON."""
    parts = {part: [row.as_json() for row in rows] for part, rows in table.items()}
    return json.dumps({"header": list(head), "parts": parts}, indent=1) + "\n"


def from_json(told: str) -> dict[str, list[Row]]:
    """Read the rows that as_json wrote."""
    return {part: [Row(**row) for row in rows] for part, rows in json.loads(told)["parts"].items()}


def stored(file: Path) -> dict[str, list[Row]]:
    """Return the parts of a table that was written before; none when there is no such file."""
    return from_json(file.read_text()) if file.exists() else {}


def medians(stored: Path) -> Medians:
    """Read the medians of a table that was written before; none when there is no such file."""
    if not stored.exists():
        return {}
    rows = (row for part in from_json(stored.read_text()).values() for row in part)
    return {row.what: row.median for row in rows}


def _was(row: Row, before: Medians) -> str:
    """Return the last median and what part of it this one is, empty when there was none."""
    last = before.get(row.what)
    return "" if not last else f"{number(last)} (x {row.median / last:.2f})"


def _line(row: Row, before: Medians) -> str:
    target = f"{row.target}: {row.verdict}" if row.target else ""
    cells = (
        row.what,
        f"**{number(row.median)}** {row.unit}",
        _was(row, before),
        f"{number(row.low)} .. {number(row.high)}",
        str(row.runs),
        target,
        row.note,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        named = [li for li in cpus.read_text().splitlines() if li.startswith("model name")]
        model = named[0].split(":", 1)[1].strip() if named else model
    return f"{os.cpu_count()} x {model}"
