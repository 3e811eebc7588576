"""Many seeds: python -m tests.simulation.run [--seeds 1000] [--first 0] [--mutants].

Prints the report, and writes it where --report says. A seed that fails is printed with what
it expands to and the end of its story; the exit code tells.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from tests.simulation.mutants import MUTANTS, RARE, Mutant
from tests.simulation.runs import Run, run_seed
from tests.simulation.tally import Tally, table


def main() -> int:
    """Run and report."""
    flags = argparse.ArgumentParser(prog="tests.simulation.run", description=__doc__)
    flags.add_argument("--seeds", type=int, default=1000)
    flags.add_argument("--first", type=int, default=0)
    flags.add_argument("--mutants", action="store_true", help="and find the planted faults")
    flags.add_argument("--report", type=Path, default=None, help="a file to keep it in")
    flags.add_argument("--trace", action="store_true", help="one line a seed: its trace")
    given = flags.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    began = time.monotonic()
    runs = []
    for seed in seeds:
        run = run_seed(seed)
        runs.append(run)
        if given.trace:
            _say(f"{seed} {run.trace}")
        if run.error is not None:
            _say(str(run))
    lines = _report(runs, time.monotonic() - began)
    missed = 0
    if given.mutants:
        lines += ["", "| part | planted fault | found at seed | as |", "|---|---|---|---|"]
        for mutant in (*MUTANTS, *RARE):
            found = first_failure(mutant, seeds)
            missed += found is None
            lines.append(_row(mutant, found))
    text = "\n".join(lines)
    _say(text)
    if given.report is not None:
        given.report.parent.mkdir(parents=True, exist_ok=True)
        given.report.write_text(text + "\n", encoding="utf-8")
    return 1 if missed or any(run.error is not None for run in runs) else 0


def first_failure(mutant: Mutant, seeds: range) -> Run | None:
    """Return the first run in which a planted fault shows, None when it does in none."""
    with mutant.planted():
        for seed in seeds:
            run = run_seed(seed)
            if run.error is not None:
                return run
    return None


def _report(runs: list[Run], seconds: float) -> list[str]:
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    tally: Tally = Counter()
    for run in runs:
        counts += run.counts
        kinds += run.kinds
        tally += run.tally
    failed = [str(run.seed) for run in runs if run.error is not None]
    return [
        f"seeds: {runs[0].seed} to {runs[-1].seed}, {len(runs)} in {seconds:.0f} s",
        f"failed: {', '.join(failed) or 'none'}",
        f"did: {_listed(counts)}",
        f"events: {_listed(kinds)}",
        "",
        *table(tally),
    ]


def _row(mutant: Mutant, found: Run | None) -> str:
    if found is None:
        return f"| {mutant.part} | {mutant.name} | not found | |"
    said = f"{type(found.error).__name__}: {found.error}".replace("|", "/").splitlines()[0]
    return f"| {mutant.part} | {mutant.name} | {found.seed} | {said[:90]} |"


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counter.most_common())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
