"""The troubleshooting page promises what is really said: each symptom is made and read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from common.config import load_settings
from common.errors import Misconfigured
from common.place import ENTRYPOINT, ROOT
from serving.state import StateFolder
from tests.serving.desk import Desk

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
KEYS = {"ALPACA_API_KEY": "AKSOMEBODY", "ALPACA_SECRET_KEY": "secret-of-a-live-account"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A daemon that somebody has started already."""
    with Desk.at(tmp_path_factory.mktemp("desk"), TOOLSETS="default") as desk:
        desk.serve()
        yield desk


def told(phrase: str) -> str:
    """Return a phrase that the page shows; fail where it does not."""
    assert f"`{phrase}`" in PAGE
    return phrase


@pytest.mark.parametrize(
    ("phrase", "settings"),
    [
        (
            "ALPACA_API_KEY and ALPACA_SECRET_KEY must be set together",
            {"alpaca_api_key": "PKONLY"},
        ),
        ("ALPACA_LIVE and LIVE_TRADING_ACKNOWLEDGED must be set together", {"alpaca_live": "1"}),
        ("Input should be a valid boolean", {"alpaca_live": "sure"}),
        ("TRADING_MODE is live but the other settings mean paper-local", {"trading_mode": "live"}),
        ("STATE_DIR desk is relative", {"state_dir": "desk"}),
    ],
)
def test_a_setting_that_is_wrong_is_told_so(phrase: str, settings: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match=re.escape(told(phrase))):
        StateFolder(load_settings(_env_file=None, **settings))


def test_other_settings_than_the_daemons_are_told_so(desk: Desk) -> None:
    done = desk.run("tools", "call", "get_market_clock", MAX_DAILY_LOSS="499")
    assert told("[daemon_differs]") in done.stderr


REFUSED: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("[unknown_tool]", "place_option_ordr", {}),
    ("[unknown_argument]", "iron_condor_30_delta", {"widht": 2}),
    ("[bad_argument]", "get_orders", {"limit": "five"}),
    ("[tool_off]", "trade_journal", {}),
    ("[preview_not_found]", "iron_condor_30_delta", {"preview": False, "confirm_token": "old"}),
    ("[order_not_found]", "get_order_status", {"order_id": "none"}),
    ("[release_refused]", "kill_switch", {"enable": False}),
)


async def test_a_call_that_is_refused_is_told_so(desk: Desk) -> None:
    async with desk.host() as host:
        await host.hello()
        for phrase, tool, arguments in REFUSED:
            answer = await host.call(tool, **arguments)
            assert answer["isError"]
            assert answer["content"][0]["text"].startswith(told(phrase))


async def test_what_a_model_writes_as_text_is_taken_where_it_can_be_meant(desk: Desk) -> None:
    assert "A number or a yes arrives as text" in PAGE
    meant: tuple[tuple[str, dict[str, object]], ...] = (
        ("get_orders", {"limit": "5"}),
        ("get_orders", {"limit": "5", "status": "open"}),
        ("scan_market", {"criteria": '["gap>0"]', "symbols": '["SPY"]'}),
    )
    async with desk.host(TOOLSETS="all") as host:
        await host.hello()
        for tool, arguments in meant:
            assert not (await host.call(tool, **arguments)).get("isError")
        shown = await host.call("iron_condor_30_delta", width="2", preview="true")
        assert "[bad_argument]" not in shown["content"][0]["text"]


def test_a_second_daemon_is_refused_and_a_second_bridge_is_not(desk: Desk) -> None:
    assert told("[already_running]") in desk.run("serve").stderr
    pid = desk.daemon()["pid"]
    assert desk.run("tools", "list").returncode == 0
    assert desk.daemon()["pid"] == pid


def test_read_only_is_told_so(desk: Desk) -> None:
    refused = desk.run("tools", "call", "iron_condor_30_delta", READ_ONLY="true")
    assert told("[read_only]") in refused.stderr


async def test_nothing_but_frames_leaves_by_stdout(desk: Desk) -> None:
    """What a host cannot read it calls a broken server; ours stays up and says it on stderr."""
    async with desk.host() as host:
        await host.write(b"hello?\n")
        await host.hello()
        await host.call("get_market_clock")
        assert await host.end() == 0
    assert all(line.startswith('{"jsonrpc"') for line in host.lines)
    assert len(host.lines) == 2


def test_the_port_of_somebody_else_is_told_so(desk: Desk) -> None:
    taken = re.search(r":(\d+)/", desk.daemon()["url"])
    assert taken is not None
    other = Desk(desk.home.parent / "other", {"PORT": taken[1]})
    assert told("PORT: cannot listen on") in other.run("serve").stderr


def test_keys_that_the_broker_refuses_are_told_so_and_never_shown(desk: Desk) -> None:
    """Another account's keys at a broker that answers: the embedded exchange."""
    status = desk.run("status").stdout
    url = re.search(r"^exchange .*(http://\S+)$", status, re.MULTILINE)
    assert url is not None
    said = desk.run("doctor", ALPACA_BASE_URL=url[1], **KEYS).stdout
    assert told("refuses the keys") in said
    assert "secret-of-a-live-account" not in said
    assert "AKSOMEBODY" not in said


def test_every_code_on_the_page_is_one_the_product_says() -> None:
    said = "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("common", "services", "serving", "tools", "paper_exchange")
        for path in (ROOT / package).rglob("*.py")
    ) + ENTRYPOINT.read_text(encoding="utf-8")
    codes = set(re.findall(r"`\[([a-z_]+)\]", PAGE))
    assert len(codes) > 20
    assert {code for code in codes if f'"{code}"' not in said and f"[{code}]" not in said} == set()
