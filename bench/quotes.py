"""How many quotes a second each client takes from a socket into the cache, and how late.

Ours (services/market) and alpaca-py's OptionDataStream, its default models and handler, read
the same pre-encoded frames from a separate process and write the same OptionChainCache through
the same method. Rounds are interleaved.
"""

from __future__ import annotations

import logging
import statistics
from collections.abc import Sequence

from bench.quote_clients import CLIENTS, Run, measure
from bench.quote_sender import Load
from bench.rows import Row, percentile, ratios

ROUNDS = 5
FASTEST = (  # and how many times faster we want to be
    (Load(per_frame=1, quotes=100_000), None),
    (Load(per_frame=10, quotes=200_000), 10.0),
    (Load(per_frame=50, quotes=200_000), None),
)
PACED = Load(per_frame=10, quotes=250_000, rate=50_000)
LATE_MOST = 5.0  # ms, p99 at the paced rate


def rows() -> list[Row]:
    """Measure the highest rates, then the delay at a steady one."""
    logging.getLogger("alpaca").setLevel(logging.CRITICAL)
    return [*_ceilings(), *_delays()]


def _ceilings() -> list[Row]:
    made = []
    for load, target in FASTEST:
        runs: dict[str, list[Run]] = {name: [] for name in CLIENTS}
        for _ in range(ROUNDS):
            for name in CLIENTS:
                runs[name].append(measure(name, load))
        what = f"{load.per_frame} a frame"
        for name, measured in runs.items():
            rates = [run.rate for run in measured]
            made.append(Row.of(f"{what}, {name}", rates, "quotes/s", _note(measured)))
        mine, theirs = ([1 / run.rate for run in measured] for measured in runs.values())
        speed = ratios(theirs, mine)
        made.append(Row.of(f"{what}, ours / alpaca-py", speed, "x", at_least=target))
    return made


def _note(runs: Sequence[Run]) -> str:
    cpu = statistics.median(run.cpu / run.received * 1e6 for run in runs)
    return f"CPU {cpu:.2f} us a quote, conflated {statistics.median(r.conflated for r in runs):,}"


def _delays() -> list[Row]:
    """Measure how late quotes are in our cache; every one offered must get there."""
    runs = [measure("ours", PACED) for _ in range(ROUNDS)]
    what = f"socket to cache at {PACED.rate:,} quotes/s"
    made = []
    for name, at, target in (("p50", 0.50, None), ("p99", 0.99, LATE_MOST), ("p99.9", 0.999, None)):
        late = [percentile(run.delays, at) for run in runs]
        made.append(Row.of(f"{what}, {name}", late, "ms", at_most=target))
    lost = [PACED.quotes - run.received for run in runs]
    conflated = statistics.median(run.conflated for run in runs)
    note = f"each run: offered {PACED.quotes:,}, of them conflated {conflated:,}"
    return [*made, Row.of(f"{what}, offered less received", lost, "quotes", note, at_most=0)]
