"""The benchmark table.

    python -m bench                        everything, in about twenty minutes
    python -m bench iv quotes              some parts
    python -m bench --json out.json        also as JSON
    python -m bench --write docs/benchmarks.md

Each part runs in a process of its own, so that no part warms, fills or blocks another.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.rows import Row
from common.clock import SystemClock

STORED = Path(__file__).resolve().parent / "last.json"  # the table last written, to compare with

PARTS = {
    "iv": "implied volatility and greeks of a chain",
    "analysis": "scenarios, tails and previews of a book",
    "quotes": "option quotes from the socket into the cache",
    "chain": "quotes from the socket into the priced chain",
    "engine": "the exchange's engine alone, with the whole ledger",
    "triggers": "resting orders on a market in motion",
    "orders": "durable orders through the exchange's HTTP",
    "fanout": "one market stream to a hundred subscribers",
    "memory": "the exchange's memory over a simulated session",
    "desk": "MCP calls of three clients, the broker 50 ms away",
    "desk_memory": "the daemon's memory over a session with three clients",
    "reflex": "what the desk does of its own accord",
    "peer": "beside Alpaca's own MCP server, on one exchange",
    "start": "cold starts and the kill command",
}


def main(arguments: Sequence[str]) -> int:
    """Run the parts asked for; return 1 when one could not be measured."""
    asked = _asked(arguments)
    if asked.only:
        asked.json.write_text(report.as_json([], {asked.only: _measure(asked.only)}))
        return 0
    head = report.header(SystemClock())
    print("\n".join(head), flush=True)
    before = report.medians(STORED)
    table: dict[str, Sequence[Row]] = {}
    for part in asked.parts or PARTS:
        busy = report.load()
        head.append(f"{busy} before {part}.")
        print(f"\n{part}: {PARTS[part]} ({busy})", flush=True)
        if (rows := _apart(part)) is None:
            continue
        table[f"{part}: {PARTS[part]}"] = rows
        print(report.text(rows, before), flush=True)
    if asked.json:
        asked.json.write_text(report.as_json(head, table))
    if asked.write:
        kept = merged(report.stored(STORED), dated(table, head[0]))
        report.write_into(asked.write, report.markdown(head, kept, before))
        STORED.write_text(report.as_json(head, kept))
    return 0 if len(table) == len(asked.parts or PARTS) else 1


def dated(table: report.Table, measured: str) -> report.Table:
    """Return a table whose parts say when they were measured: others may be older."""
    day = measured.removeprefix("Measured ").partition(" on ")[0]
    return {f"{title} ({day})": rows for title, rows in table.items()}


def merged(before: report.Table, now: report.Table) -> report.Table:
    """Return a whole table: of each part what was measured now, else what was kept."""
    by_part = {title.partition(":")[0]: title for title in (*before, *now)}
    whole = {**before, **now}
    return {by_part[part]: whole[by_part[part]] for part in PARTS if part in by_part}


def _measure(part: str) -> list[Row]:
    rows: list[Row] = importlib.import_module(f"bench.{part}").rows()
    return rows


def _apart(part: str) -> list[Row] | None:
    """Measure a part in its own process; None when it failed, which it has said on stderr."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        told = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "bench", "--only", part, "--json", str(told)]
        if subprocess.run(command).returncode:
            print(f"{part}: could not be measured", file=sys.stderr)
            return None
        return report.from_json(told.read_text())[part]


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    flags = argparse.ArgumentParser(prog="python -m bench", description="The benchmark table.")
    flags.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; all when none is named")
    flags.add_argument("--json", type=Path, help="file to write the table to as JSON")
    flags.add_argument(
        "--write", type=Path, help="Markdown file whose table to replace; other parts stay in it"
    )
    flags.add_argument("--only", choices=PARTS, help=argparse.SUPPRESS)
    asked = flags.parse_args(arguments)
    if unknown := [part for part in asked.parts if part not in PARTS]:
        flags.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    return asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
