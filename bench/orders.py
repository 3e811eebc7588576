"""Durable orders a second through HTTP: the exchange, and the usual way to keep orders.

Market orders of one share from 1, 8 and 32 keep-alive connections, each waiting for its reply:
the exchange checks, accepts, fills and posts every one, and answers after its commit. After each
run the exchange is killed as by a power cut and the orders in its database are counted:
every one acknowledged must be there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.exchange import Keys, exchange
from bench.order_load import Plan, Run, offer
from bench.order_naive import naive
from bench.rows import Row, percentile, ratios

CONNECTIONS = 32
ROUNDS = 3
SECONDS, WARM_UP = 4.0, 1.0
FEWER = (1, 8)  # connections of the smaller runs, an account each
RATE_LEAST = 1_500.0


def rows() -> list[Row]:
    """Measure them in turns."""
    many, one, usual = [], [], []
    fewer: dict[int, list[tuple[Run, int]]] = {connections: [] for connections in FEWER}
    for _ in range(ROUNDS):
        for connections, measured in fewer.items():
            measured.append(_exchange(connections, connections))
        many.append(_exchange(CONNECTIONS, CONNECTIONS))
        one.append(_exchange(1, CONNECTIONS))
        usual.append(_naive())
    lost = [lost for runs in (*fewer.values(), many, one) for _, lost in runs]
    many_runs, one_runs = _runs(many), _runs(one)
    return [
        *(row for n, runs in fewer.items() for row in _rows(_accounts(n), _runs(runs), None)),
        *_rows(_accounts(CONNECTIONS), many_runs, RATE_LEAST),
        *_rows(f"{CONNECTIONS} connections, 1 account", one_runs, RATE_LEAST),
        *_rows("an ORM and a commit an order", usual, None),
        Row.of(
            f"{_accounts(CONNECTIONS)} / an ORM and a commit an order",
            ratios([run.rate for run in many_runs], [run.rate for run in usual]),
            "x",
        ),
        Row.of("acknowledged, but gone after kill -9", lost, "orders", at_most=0),
    ]


def _accounts(count: int) -> str:
    return f"{count} connections, an account each" if count > 1 else "1 connection"


def _runs(measured: Sequence[tuple[Run, int]]) -> list[Run]:
    return [run for run, _ in measured]


def _exchange(accounts: int, connections: int) -> tuple[Run, int]:
    """Return a run, and how many acknowledged orders the database did not have after it."""
    with exchange(clock="stepped", at="10:05") as running:
        keys = [running.open_account() for _ in range(accounts)]
        run = offer(_plan(running.url, keys * (connections // accounts)))
        running.kill()
        return run, run.acknowledged - _kept(running.database)


def _naive() -> Run:
    with naive() as url:
        return offer(_plan(url, [Keys("none", "none")] * CONNECTIONS))


def _plan(url: str, keys: Sequence[Keys]) -> Plan:
    return Plan(url=url, keys=keys, seconds=SECONDS, warm_up=WARM_UP)


def _rows(what: str, runs: Sequence[Run], rate_least: float | None) -> list[Row]:
    note = f"refused {median(run.refused for run in runs):.0f}"
    made = [Row.of(what, [run.rate for run in runs], "orders/s", note, at_least=rate_least)]
    for name, at in (("p50", 0.50), ("p99", 0.99)):
        made.append(Row.of(f"{what}, {name}", [percentile(r.delays, at) for r in runs], "ms"))
    return made


def _kept(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        query = "SELECT count(*) FROM events WHERE kind = 'order_accepted'"
        return int(connection.execute(query).fetchone()[0])
