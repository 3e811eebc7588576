"""What one host sets for itself is its own affair, and a wide address is no open door."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving.desk import HELLO, Desk
from tests.serving.test_daemon import ACCEPT, request

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk on every address, its daemon started by a host that may only read."""
    home = tmp_path_factory.mktemp("home")
    with Desk.at(home, HOST="0.0.0.0", HISTORY_DAYS="0") as desk:  # noqa: S104 the point of it
        started = desk.run("tools", "list", READ_ONLY="true", TOOLSETS="all")
        rows = [line.split() for line in started.stdout.splitlines()]
        assert {row[1] for row in rows} == {"reads"}
        assert {"get_positions", "trade_journal"} <= {row[0] for row in rows}
        yield desk


def test_the_daemon_is_not_bound_by_the_rights_of_the_host_that_started_it(desk: Desk) -> None:
    usual = desk.run("tools", "list").stdout
    assert "flatten_all" in usual
    assert "export_trade_journal" not in usual
    refused = desk.run("tools", "call", "flatten_all", READ_ONLY="true")
    assert refused.returncode == 1
    assert refused.stderr.startswith("[read_only] flatten_all changes something")
    assert desk.run("tools", "call", "flatten_all").returncode == 0


def test_a_token_is_made_with_rights_that_exist(desk: Desk) -> None:
    wrong = desk.run("token", "board", "--toolsets", "stonks")
    assert wrong.returncode == 1
    assert "'stonks' is no toolset: use default, all, or strategy" in wrong.stderr
    made = desk.run("token", "board", "--read-only", "--toolsets", "default,journal")
    assert made.returncode == 0
    assert desk.run("token", "board").stdout == made.stdout


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 200), ("localhost", 200), ("evil.example", 421)]
)
def test_the_names_it_goes_by_are_listed_also_on_every_address(
    desk: Desk, host: str, status: int
) -> None:
    token = desk.run("token", "board", "--read-only").stdout.strip()
    headers = {**ACCEPT, "Authorization": f"Bearer {token}", "Host": host}
    found, _, _ = request(desk, "POST", "/mcp", headers, INITIALIZE)
    assert found == status
