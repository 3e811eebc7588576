"""Commands say one line when they fail, and do nothing they were not told to."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from common.config import VERSION
from common.errors import BadArgument
from serving.cli import COMMANDS, parser
from serving.cli_tools import parsed
from tests.serving.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


PAPER = {"ALPACA_API_KEY": "PKSECRETKEYID", "ALPACA_SECRET_KEY": "very-secret"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ALPACA_API_KEY": "PKX"}, "[misconfigured]"),
        ({"MAX_DAILY_LOSS": "nan"}, "[misconfigured] MAX_DAILY_LOSS"),
        ({"STATE_DIR": "relative"}, "[state_unwritable]"),
        (
            {
                **PAPER,
                "ALPACA_LIVE": "true",
                "LIVE_TRADING_ACKNOWLEDGED": "true",
                "APPROVAL": "token",
            },
            "[misconfigured] APPROVAL=token",
        ),
    ],
)
def test_a_wrong_configuration_is_one_line_and_exit_1(
    desk: Desk, settings: dict[str, str], said: str
) -> None:
    done = desk.run("status", **settings)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert ". Next: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert "very-secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments", [["fly"], ["tools"], ["token"], ["reset"], ["serve", "--port", "x"], ["kill", "x"]]
)
def test_a_wrong_command_is_exit_2(desk: Desk, arguments: list[str]) -> None:
    assert desk.run(*arguments).returncode == 2


def test_help_and_version_need_no_configuration(desk: Desk) -> None:
    asked = desk.run("--version", ALPACA_API_KEY="PKX")
    assert (asked.returncode, asked.stdout) == (0, f"{VERSION}\n")
    helped = desk.run("--help", ALPACA_API_KEY="PKX").stdout
    assert not desk.home.exists()
    for name in {name.partition(" ")[0] for name in COMMANDS} - {"bridge"} | {"kill"}:
        assert f"\n    {name} " in helped


@pytest.mark.parametrize(
    ("line", "command"),
    [([], "bridge"), (["tools", "list"], "tools list"), (["tools", "call", "a"], "tools call")],
)
def test_what_is_typed_is_what_runs(line: list[str], command: str) -> None:
    assert parser().parse_args(line).command == command


def test_arguments_are_json_where_they_parse_else_text() -> None:
    assert parsed(["width=3", "preview=false", "symbol=SPY", 'legs=["a"]', "note=a=b", "x="]) == {
        "width": 3,
        "preview": False,
        "symbol": "SPY",
        "legs": ["a"],
        "note": "a=b",
        "x": "",
    }
    assert parsed(["limit=NaN", "qty=Infinity"]) == {"limit": "NaN", "qty": "Infinity"}
    assert math.isclose(parsed(["a=1e3"])["a"], 1000)


@pytest.mark.parametrize("pairs", [["width"], ["=3"], ["a=1", "a=2"]])
def test_arguments_that_say_nothing_or_twice_are_refused(pairs: list[str]) -> None:
    with pytest.raises(BadArgument):
        parsed(pairs)


def test_status_and_stop_start_nothing(desk: Desk) -> None:
    asked = desk.run("status")
    assert asked.returncode == 1
    assert "not running" in asked.stdout
    stopped = desk.run("stop")
    assert stopped.returncode == 0
    assert stopped.stdout.count("was not running") == 2
    assert desk.daemon() == {}


def test_a_token_is_printed_and_the_same_again(desk: Desk) -> None:
    first, second = desk.run("token", "laptop"), desk.run("token", "laptop")
    assert first.returncode == 0
    assert first.stdout == second.stdout
    assert desk.run("token", "../laptop").stderr.startswith("[bad_argument]")


def test_reset_is_for_paper_local_for_who_agrees_and_never_lifts_a_kill(desk: Desk) -> None:
    assert desk.run("reset", "--paper", "--yes", **PAPER).stderr.startswith("[bad_argument] mode")
    assert "nobody agreed" in desk.run("reset", "--paper").stderr

    database = desk.home / "paper-local" / "desk.sqlite"
    account = desk.home / "exchange" / "exchange.sqlite"
    for path in (database, account):
        path.write_text("")
    desk.run("kill")
    refused = desk.run("reset", "--paper", "--yes")
    assert refused.stderr.startswith("[kill_switch]")
    assert database.exists()
    assert account.exists()

    (desk.home / "KILL").unlink()
    database.unlink()
    assert desk.run("reset", "--paper", "--yes").returncode == 0
    assert not account.exists()
    assert desk.run("token", "laptop").returncode == 0  # clients keep their tokens
