"""Schemathesis on the exchange: what no client would send is refused, never a server error.

python -m tests.peer.fuzz --examples 200
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.exchange import ROOT, Exchange

BIN = ROOT / ".venv-peer" / "bin"
DOCUMENTS = ("trading-api.json", "market-data-api.json")
ENDLESS = r".*SSE"  # operations that answer with an endless stream


@dataclass(frozen=True)
class Fuzzed:
    """What came of one document: whether every answer was no server error, and the report."""

    document: str
    passed: bool
    report: str

    @property
    def cases(self) -> str:
        """What the report says of how many requests were made."""
        found = re.search(r"^ *(\d+ generated.*)$", self.report, re.MULTILINE)
        return found[1] if found else "nothing was generated"


def documents() -> Path:
    """Return the folder of Alpaca's OpenAPI documents."""
    find = "import importlib.util as u; print(u.find_spec('alpaca_mcp_server').origin)"
    told = subprocess.run(
        [str(BIN / "python"), "-c", find], cwd=BIN, capture_output=True, text=True, check=True
    )
    return Path(told.stdout.strip()).parent / "specs"


def fuzz(
    exchange: Exchange, folder: Path, *, examples: int, seed: int, seconds: int
) -> list[Fuzzed]:
    """Run schemathesis on each document: so many examples an operation, so many seconds."""
    found = []
    for name in DOCUMENTS:
        headers = [part for pair in exchange.headers.items() for part in ("-H", ": ".join(pair))]
        command = [
            *(str(BIN / "schemathesis"), "run", str(documents() / name), "--url", exchange.url),
            *headers,
            *("--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing"),
            *("--exclude-operation-id-regex", ENDLESS, "--max-examples", str(examples)),
            *(
                "--seed",
                str(seed),
                "--workers",
                "2",
                "--request-timeout",
                "60",
                "--max-time",
                str(seconds),
                "--no-color",
            ),
            *("--suppress-health-check", "all", "--continue-on-failure"),
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        found.append(Fuzzed(name, _held(done.stdout), done.stdout + done.stderr))
    return found


def _held(report: str) -> bool:
    """Tell whether every request that was made got an answer without a server error.

    Not by the exit code: it also tells of operations for which schemathesis could make no
    request in its time.
    """
    return re.search(r"^ *(\d+) generated, \1 passed$", report, re.MULTILINE) is not None


def main() -> int:
    """Fuzz, and print the reports."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--examples", type=int, default=200, help="of each operation")
    flags.add_argument("--seconds", type=int, default=1200, help="for each document")
    flags.add_argument("--seed", type=int, default=7)
    told = flags.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Exchange.start(Path(folder), clock="stepped", at="10:05") as exchange,
    ):
        found = fuzz(
            exchange,
            Path(folder),
            examples=told.examples,
            seed=told.seed,
            seconds=told.seconds,
        )
        for one in found:
            print(one.report)
    return 0 if all(one.passed for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
