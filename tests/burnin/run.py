"""Days of the desk on the stepped clock: python -m tests.burnin.run --days 100 [--seed N]."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from common.clock import SystemClock
from tests.burnin.burnin import burn_in
from tests.burnin.days import days_of
from tests.burnin.report import HEAD, report, row

FIRST = date(2025, 8, 6)  # a hundred sessions from here hold two early closes
EVERY = timedelta(minutes=45)


def main() -> int:
    """Run, print each day, keep the report; 1 when something did not hold."""
    flags = argparse.ArgumentParser(prog="tests.burnin.run", description=__doc__)
    flags.add_argument("--days", type=int, default=100)
    flags.add_argument("--skip", type=int, default=0, help="days to leave out at the beginning")
    flags.add_argument("--seed", type=int, default=7)
    flags.add_argument("--report", type=Path)
    given = flags.parse_args()
    logging.disable(logging.INFO)  # a line for every refusal of every tool
    began = time.monotonic()
    print(HEAD, flush=True)
    with TemporaryDirectory(prefix="burn-in-") as folder:
        done = asyncio.run(
            burn_in(
                Path(folder),
                days_of(FIRST, given.skip + given.days)[given.skip :],
                given.seed,
                EVERY,
                lambda day: print(row(day), flush=True),
                given.skip,
            )
        )
    text = report(done, SystemClock().now(), time.monotonic() - began)
    if given.report is not None:
        given.report.parent.mkdir(parents=True, exist_ok=True)
        given.report.write_text(text)
    print("\n".join(done.faults) or f"held: {done.trades} trades")
    return bool(done.faults)


if __name__ == "__main__":
    sys.exit(main())
