"""The bridge: frames and nothing else, and a chat that outlives its daemon."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.desk import HELLO, WAIT, Desk, eventually


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.at(tmp_path_factory.mktemp("bridge") / "home") as desk:
        yield desk


async def test_two_bridges_at_once_start_one_daemon_and_share_it(desk: Desk) -> None:
    desk.run("stop")
    async with desk.host() as one, desk.host() as two:
        answers = await asyncio.gather(one.hello(), two.hello())
        assert [a["result"]["serverInfo"]["name"] for a in answers] == ["zero-dte-desk"] * 2
        daemon = desk.daemon()
        assert daemon["mode"] == "paper-local"
        tools = [await host.ask("tools/list") for host in (one, two)]
        assert tools[0]["result"] == tools[1]["result"]
        assert desk.daemon() == daemon


async def test_only_frames_reach_stdout_whatever_comes_in(desk: Desk) -> None:
    async with desk.host() as host:
        await host.write(b"not json\n\n[1,2]\n\xff\xfe\n")
        await host.hello()
        assert "error" in await host.ask("no/such/method")
        unknown = await host.call("iron_condor_30_delta", widht=3)
        assert unknown["isError"]
        assert "did you mean 'width'?" in unknown["content"][0]["text"]
        assert await host.end() == 0
        await host.leave()
    assert len(host.lines) >= 3
    assert all(line.startswith('{"jsonrpc":"2.0"') for line in host.lines)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_and_leaves_the_daemon(desk: Desk, told: int) -> None:
    async with desk.host() as host:
        await host.hello()
        daemon = desk.daemon()
        host.process.send_signal(told)
        assert await asyncio.wait_for(host.process.wait(), WAIT) == 0
    assert desk.daemon() == daemon
    os.kill(daemon["pid"], 0)


async def test_it_goes_on_with_a_new_daemon_after_a_crash(desk: Desk) -> None:
    async with desk.host() as host:
        await host.hello()
        killed = desk.kill9()
        # It does not wait to be asked: exits want minding.
        await eventually(lambda: desk.daemon().get("pid", killed) != killed)
        assert not (await host.call("streaming_status"))["isError"]


async def test_who_waits_for_an_answer_is_told_that_the_daemon_is_gone(desk: Desk) -> None:
    async with desk.host() as host:
        await host.hello()
        os.kill(desk.daemon()["pid"], signal.SIGSTOP)  # so that the call is under way
        asked = await host.send("tools/call", {"name": "get_positions", "arguments": {}})
        await asyncio.to_thread(desk.kill9)
        told = (await host.answer(asked))["error"]["message"]
        assert told.startswith("[daemon_gone]")
        assert "an order may have been sent" in told
        assert not (await host.call("streaming_status"))["isError"]


async def test_a_daemon_that_was_stopped_stays_down_until_the_host_asks(desk: Desk) -> None:
    async with desk.host() as host:
        await host.hello()
        await asyncio.to_thread(desk.run, "stop")
        log = desk.home / "paper-local" / "bridge.log"
        await eventually(lambda: "starts when the host asks" in log.read_text())
        assert desk.daemon() == {}
        assert not (await host.call("streaming_status"))["isError"]
        assert desk.daemon()["pid"]


async def test_a_bridge_with_other_settings_refuses_and_says_why(desk: Desk) -> None:
    async with desk.host() as host:
        await host.hello()
        daemon = desk.daemon()
        async with desk.host(MAX_DAILY_LOSS="400") as other:
            answer = await other.hello()
            assert answer["error"]["message"].startswith("[daemon_differs]")
            assert "another settings than" in answer["error"]["message"]
            assert await other.end() == 1
        assert desk.daemon() == daemon


async def test_a_daemon_that_cannot_start_is_an_answer(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    async with desk.host(HOST="203.0.113.1") as host:  # an address that is not ours
        answer = await host.ask("initialize", HELLO)
        assert answer["error"]["message"].startswith("[misconfigured] the daemon did not start")
        assert "cannot listen on 203.0.113.1" in answer["error"]["message"]
        assert await host.end() == 1
