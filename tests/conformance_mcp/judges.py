"""The protocol's own judges, the conformance suite and the Inspector, run as anybody runs them."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.exchange import ROOT

ENVIRONMENT = ROOT / ".venv-node"
NODE = ENVIRONMENT / "bin" / "node"
PACKAGES = ENVIRONMENT / "node_modules" / "@modelcontextprotocol"
SUITE = PACKAGES / "conformance" / "dist" / "index.js"
REQUIREMENTS = PACKAGES / "conformance" / "requirements"
INSPECTOR = PACKAGES / "inspector" / "clients" / "launcher" / "build" / "index.js"
LIMIT = 240  # seconds that any of them gets on a loaded machine; they take about four

RESULT = re.compile(r"^[✓✗] (\S+): (\d+) passed, (\d+) failed", re.MULTILINE)
REQUIRED = re.compile(r"^server:\n((?:  - \S+\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Judged:
    """What a judge said: its exit code and all it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What it wrote as JSON."""
        told: dict[str, Any] = json.loads(self.out)
        return told


@dataclass(frozen=True)
class Scenario:
    """One scenario of the suite: how many of its checks passed, how many failed."""

    passed: int
    failed: int


@dataclass(frozen=True)
class Verdict:
    """A run of the suite: what counts for conformance, and what was merely looked at."""

    judged: Judged
    scored: dict[str, Scenario]
    unscored: dict[str, Scenario]

    @property
    def failing(self) -> list[str]:
        """The scenarios with a failure among those that do not count."""
        return [name for name, found in self.unscored.items() if found.failed]


def required(revision: str) -> set[str]:
    """Return the scenarios that a revision of the protocol requires of a server."""
    told = (REQUIREMENTS / f"{revision}.yaml").read_text(encoding="utf-8")
    [listed] = REQUIRED.findall(told)
    return set(re.findall(r"  - (\S+)", listed))


def conform(url: str, revision: str) -> Verdict:
    """Run what a revision requires against a server."""
    judged = _run(str(SUITE), "server", "--url", url, "--requirements", revision, home=ENVIRONMENT)
    found = {
        name: Scenario(int(passed), int(failed))
        for name, passed, failed in RESULT.findall(judged.out)
    }
    wanted = required(revision)
    return Verdict(
        judged,
        {name: one for name, one in found.items() if name in wanted},
        {name: one for name, one in found.items() if name not in wanted},
    )


def inspect(*arguments: str, home: Path) -> Judged:
    """Run the Inspector's command line; home is where it keeps what it keeps."""
    return _run(str(INSPECTOR), "--cli", *arguments, home=home)


def _run(*arguments: str, home: Path) -> Judged:
    done = subprocess.run(
        [str(NODE), *arguments],
        env={"HOME": str(home), "PATH": str(NODE.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return Judged(done.returncode, done.stdout, done.stderr)
