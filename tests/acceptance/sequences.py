"""Many random sequences of tool calls against the exchange, and the account of their orders.

Run as a module it plays as many as wanted: python -m tests.acceptance.sequences --count 10000
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pty
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.acceptance.calls import PRINCIPALS, Sequence
from tests.acceptance.ledger import Ledger
from tests.desk import ENTRYPOINT, Desk, DeskClient
from tests.exchange import ROOT, Exchange
from tests.tools.market import PATIENT

MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}
CHUNK = 300  # sequences on one account and one desk
CONTRACTS_MAX = 2
TRADE_RISK_MAX = 130
SETTINGS = PATIENT | {
    "max_daily_loss": 1_000_000,
    "exposure_max": 1_000_000,
    "contracts_max": CONTRACTS_MAX,
    "trade_risk_max": TRADE_RISK_MAX,
    "strategy_risk_max": 1_000_000,
    "confirmation_timeout": 600,
    "trades_per_day_max": 1_000_000,
    "orders_per_minute_max": 1_000_000,
    "orders_per_hour_max": 1_000_000,
    "repeats_max": 1_000_000,
    "consecutive_losses_max": 1_000_000,
}


@dataclass
class Played:
    """What many sequences came to."""

    seed: int
    sequences: int = 0
    with_an_order: int = 0
    with_a_refusal: int = 0
    orders: int = 0
    said: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Return the line that is printed."""
        return (
            f"seed {self.seed}: {self.sequences} sequences, {self.with_an_order} reached an order, "
            f"{self.with_a_refusal} a refusal, {self.orders} opening orders at the exchange, each "
            f"of one approved preview; refusals: {dict(self.said.most_common())}"
        )

    def require_both(self) -> None:
        """Fail where too few sequences reached what they are to show."""
        for reached in (self.with_an_order, self.with_a_refusal):
            assert reached >= self.sequences / 5, str(self)


async def play(exchange: Exchange, folder: Path, count: int, seed: int) -> Played:
    """Play sequences on fresh accounts of an exchange and hold every order to its preview."""
    played = Played(seed)
    for start in range(0, count, CHUNK):
        account = exchange.tenant(10_000_000)
        with Desk.start(folder / f"desk-{start}", account, **SETTINGS) as desk:
            ledger = Ledger(account, desk, CONTRACTS_MAX, TRADE_RISK_MAX)
            async with _clients(desk) as clients:
                for number in range(start, min(start + CHUNK, count)):
                    one = Sequence(
                        Random(f"{seed}-{number}"), clients, _person(desk, ledger), ledger
                    )
                    try:
                        await one.play()
                        if number % 25 == 24:
                            ledger.read()
                    except BaseException as e:
                        e.add_note(f"seed {seed}, sequence {number}")
                        raise
                    played.sequences += 1
                    played.with_an_order += one.sent > 0
                    played.with_a_refusal += one.refused > 0
                    played.said += one.said
                await clients["local"].ask("flatten_all")
            played.orders += ledger.settle()
    return played


@asynccontextmanager
async def _clients(desk: Desk) -> AsyncIterator[dict[str, DeskClient]]:
    async with desk.client("local") as local, desk.client("agent") as agent:
        await local.ready()
        yield dict(zip(PRINCIPALS, (local, agent), strict=True))


def _person(desk: Desk, ledger: Ledger) -> Callable[[], Awaitable[None]]:
    """Return the person at the terminal, who releases the kill switch where it is set."""

    async def release() -> None:
        if ledger.killed:
            await asyncio.to_thread(_released, desk)
            ledger.killed = False

    return release


def _released(desk: Desk) -> None:
    person, terminal = pty.openpty()
    os.write(person, b"RELEASE\n")
    subprocess.run(
        [sys.executable, str(ENTRYPOINT), "kill", "--release"],
        cwd=ROOT,
        env=desk.environment,
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    os.close(terminal)
    os.close(person)


def main() -> None:
    """Play many sequences from the command line and print what they came to."""
    told = argparse.ArgumentParser(description="Random tool calls against the exchange.")
    told.add_argument("--count", type=int, default=10_000)
    told.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    wanted = told.parse_args()
    sys.stdout.write(f"seed {wanted.seed}\n")
    sys.stdout.flush()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "exchange").mkdir()
        with Exchange.start(Path(folder) / "exchange", **MORNING) as exchange:
            played = asyncio.run(play(exchange, Path(folder), wanted.count, wanted.seed))
    sys.stdout.write(f"{played}\n{time.monotonic() - began:.0f} s\n")
    played.require_both()


if __name__ == "__main__":
    main()
