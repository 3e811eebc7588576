"""Many rounds of kill -9: python -m tests.crash.run --rounds 100 [--seed N]."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

from tests.crash.scenario import Scenario


def main() -> int:
    """Run, print what was done, and tell by the exit code whether everything held."""
    flags = argparse.ArgumentParser(prog="tests.crash.run", description=__doc__)
    flags.add_argument("--rounds", type=int, default=100)
    flags.add_argument("--seed", type=int, default=None, help="of a run to repeat")
    flags.add_argument("--keep", action="store_true", help="keep the folder of a good run")
    given = flags.parse_args()
    seed = SystemRandom().randrange(2**31) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    print(f"seed {seed}, {given.rounds} rounds in {folder}", flush=True)
    asyncio.run(_run(folder, seed, given.rounds))
    if not given.keep:
        shutil.rmtree(folder)
    return 0


async def _run(folder: Path, seed: int, rounds: int) -> None:
    began = time.monotonic()
    scenario = Scenario(folder, seed)
    async with scenario.running():
        for number in range(rounds):
            await scenario.round(number)
            print(f"round {number + 1}: {time.monotonic() - began:.1f} s", flush=True)
        report = await scenario.end()
    print(report)
    print(f"all held: {rounds} rounds, seed {seed}, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
