"""A host gives up on a slow server: heavy packages stay off the path to the first answer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.tidy.sources import ROOT

HEAVY = {"alpaca", "pandas", "exchange_calendars", "sqlalchemy", "boto3", "matplotlib", "scipy"}
# An optional grammar of jsonschema's: where it is installed, importing mcp takes four seconds more.
TRAP = {"rfc3987_syntax"}


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("alpaca_mcp_server", HEAVY | TRAP),
        ("common.config", HEAVY | TRAP | {"mcp", "starlette", "numpy"}),
        ("paper_exchange.app", {"alpaca", "mcp", "services", "tools", "serving"}),
    ],
)
def test_importing_stays_light(module: str, never: set[str]) -> None:
    asked = f"import sys, {module}; print(*sorted({{n.partition('.')[0] for n in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert never.isdisjoint(done.stdout.split())
