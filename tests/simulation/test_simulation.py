"""Twenty seeds hold, a seed repeats itself exactly, and planted faults are found."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.run import first_failure
from tests.simulation.runs import run_seed
from tests.tidy.sources import ROOT

SEEDS = range(20)
ENOUGH = range(200)  # seeds within which every planted fault shows


@pytest.mark.parametrize("seed", SEEDS)
def test_every_invariant_holds_after_every_event(seed: int) -> None:
    run = run_seed(seed)
    assert run.error is None, str(run)
    assert run.counts["events"] > 0
    assert run.counts["checks"] > run.settings.steps


def test_a_seed_is_the_same_in_every_process() -> None:
    """Whatever order that process keeps its sets in."""
    told = [_traces(hash_seed) for hash_seed in ("1", "2")]
    assert told[0] == told[1]
    assert told[0][0] == f"4 {run_seed(4).trace}"
    assert told[0][0].split()[1] != told[0][1].split()[1]


def test_a_failing_seed_fails_the_same_way_again() -> None:
    mutant = next(m for m in MUTANTS if m.name == "answers do not wait for the disk")
    found = first_failure(mutant, ENOUGH)
    assert found is not None
    with mutant.planted():
        again = run_seed(found.seed)
    assert (again.trace, str(again)) == (found.trace, str(found))
    assert f"--first {found.seed} --seeds 1" in str(found)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_fault_is_found(mutant: Mutant) -> None:
    assert first_failure(mutant, ENOUGH) is not None


def _traces(hash_seed: str) -> list[str]:
    """Return the traces of two seeds as another process tells them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.run", "--first", "4", "--seeds", "2", "--trace"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[:2]
