"""Twenty seeds hold, a seed repeats itself exactly, and planted faults are found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import get_args

import pytest

from common.orders import OrderClass, OrderType, TimeInForce
from paper_exchange.engine.commands import Command
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.run import first_failure
from tests.simulation.runs import Run, run_seed
from tests.simulation.tally import Tally, done
from tests.tidy.sources import ROOT

SEEDS = range(20)
SIZES = ("fractional", "notional", "extended hours", "trailing by percent")
ENOUGH = range(60)  # seeds within which every planted fault shows


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Return the twenty seeds, each lived through once."""
    return [run_seed(seed) for seed in SEEDS]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_invariant_holds_after_every_event(seed: int, runs: list[Run]) -> None:
    run = runs[seed]
    assert run.error is None, str(run)
    assert run.counts["events"] > 0
    assert run.counts["checks"] > run.settings.steps


def test_every_command_and_every_kind_of_order_is_done(runs: list[Run]) -> None:
    """What is only ever refused is not tried at all."""
    tally: Tally = Counter()
    for run in runs:
        tally += run.tally
    known = {command.__name__ for command in get_args(Command)}
    known |= {f"order: {kind}" for kind in (*OrderType, *OrderClass, *TimeInForce, *SIZES)}
    counted = done(tally)
    assert known - {"order: simple"} <= counted.keys()
    assert [name for name in sorted(counted) if not counted[name]] == []


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
