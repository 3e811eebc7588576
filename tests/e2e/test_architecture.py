"""The diagrams of docs/architecture.md, held against one real trade, exit and crash."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.diagrams import PAGE, Call, Diagram, diagrams, watched
from tests.serving.desk import WAIT, Desk, Host, eventually

DRAWN = diagrams(PAGE.read_text(encoding="utf-8"))
TITLES = ["From preview to fill", "From tick to exit", "Bridge and daemon", "Crash and recovery"]
RECORDER = Path(__file__).parent / "recorder"
TRADE, TERMS = "iron_condor_30_delta", {"width": 2}
TRIES = 8
NEAR = 0.02  # dollars of SPY: a level which the next minute reaches
SETTINGS = {
    "EXCHANGE__DAY": "2026-12-08",
    "EXCHANGE__AT": "10:05",
    "EXCHANGE__SEED": "7",
    "EXCHANGE__SPEED": "5",
    "ENTRY_STEP": "0.2",
    "ENTRY_TIMEOUT": "3",
    "HISTORY_DAYS": "0",
    "TOOLSETS": "all",
    "QUOTE_AGE_MAX": "60",
    "PRICE_TOLERANCE": "0.5",
    "DUPLICATE_WINDOW": "0",
    "COOLDOWN_AFTER_LOSS": "0",
}


class Tape:
    """The file in which every process writes its calls, cut into scenes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0
        self.scenes: dict[str, list[Call]] = {}

    def cut(self, title: str) -> None:
        """End a scene here."""
        lines = self._file.read_text(encoding="utf-8").splitlines()
        self.scenes[title] = [Call(**json.loads(line)) for line in lines[self._read :]]
        self._read = len(lines)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """What was recorded while a host traded, an exit fired, and the daemon was killed."""
    folder = tmp_path_factory.mktemp("flow")
    file = folder / "calls.jsonl"
    watching = {
        "PYTHONPATH": str(RECORDER),
        "FLOW_FILE": str(file),
        "FLOW_CALLS": json.dumps(watched(DRAWN)),
    }
    tape = Tape(file)
    with Desk.at(folder / "home", **SETTINGS, **watching) as desk:
        asyncio.run(_played(desk, tape))
    return tape


async def _played(desk: Desk, tape: Tape) -> None:
    async with desk.host() as host:
        await host.hello()
        await _scenes(desk, host, tape)


async def _scenes(desk: Desk, host: Host, tape: Tape) -> None:
    await _until(host, "health_check", lambda found: found["ready"])
    tape.cut("Bridge and daemon")
    order = await _filled(host)
    tape.cut("From preview to fill")
    await _guarded(host, order["client_order_id"])
    await _until(host, "get_positions", lambda found: not found["positions"])
    await _until(host, "list_exits", lambda found: not found["trades"])
    tape.cut("From tick to exit")
    await _filled(host)
    tape.cut("a second trade")
    dead = desk.kill9()
    await eventually(lambda: desk.daemon().get("pid", dead) != dead)
    await _until(host, "health_check", lambda found: found["ready"])
    await _until(host, "list_exits", lambda found: len(found["trades"]) == 1)
    tape.cut("Crash and recovery")


async def _filled(host: Host) -> dict[str, Any]:
    """Preview the trade, confirm it, and return its filled order; an unfilled one is given up."""
    for _ in range(TRIES):
        shown = await _asked(host, TRADE, **TERMS)
        while shown["status"] != "sent":
            token = shown["confirm_token"]
            shown = await _asked(host, TRADE, **TERMS, preview=False, confirm_token=token)
        name = {"order_id": shown["order"]["client_order_id"]}
        found = await _until(host, "get_order_status", _ended, **name)
        if found["order"]["status"] == "filled":
            return dict(found["order"])
    raise AssertionError(f"{TRADE} never filled: {found}")


def _ended(found: dict[str, Any]) -> bool:
    return found["order"]["status"] in {"filled", "canceled", "rejected", "expired"}


async def _guarded(host: Host, order_id: str) -> None:
    """Give a trade a stop and a target near the market: one of them fires soon."""
    for cents in range(1, 20):
        spot = float((await _asked(host, "market_context"))["spot"])
        level = NEAR * cents
        answer = await host.call(
            "edit_exit",
            order_id=order_id,
            stop=f"SPY<{spot - level:.2f}",
            target=f"SPY>{spot + level:.2f}",
        )
        if not answer.get("isError"):
            return
    raise AssertionError(f"no exit could be set: {answer}")


async def _asked(host: Host, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await host.call(tool, **arguments)
    assert not answer.get("isError"), answer
    return dict(answer["structuredContent"])


async def _until(
    host: Host, tool: str, true: Callable[[dict[str, Any]], bool], **arguments: Any
) -> dict[str, Any]:
    """Ask until the answer is as wanted; a daemon that died in between is asked again."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        frame = await host.ask("tools/call", {"name": tool, "arguments": arguments})
        answer = frame.get("result", {}).get("structuredContent")
        if answer is not None and true(answer):
            return dict(answer)
        await asyncio.sleep(0.05)
    raise AssertionError(f"{tool} never answered as wanted: {frame}")


def test_there_are_four_diagrams_and_each_says_something() -> None:
    assert [one.title for one in DRAWN] == TITLES
    assert all(len(one.arrows) > 9 for one in DRAWN)


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda one: one.title)
def test_every_arrow_points_at_a_part_of_the_product(drawn: Diagram) -> None:
    outside = [str(arrow) for arrow in drawn.arrows if arrow.receiver not in drawn.parts]
    assert outside == []


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda one: one.title)
def test_what_is_drawn_is_what_happens(drawn: Diagram, tape: Tape) -> None:
    calls = tape.scenes[drawn.title]
    missing = drawn.missing(calls)
    told = [f"{call.part}: {call.called} from {call.stack}" for call in calls if missing]
    assert missing is None, f"{missing} did not happen there\n" + "\n".join(told[-400:])


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda one: one.title)
def test_a_diagram_that_lies_is_found(drawn: Diagram, tape: Tape) -> None:
    """Another sender, another function, or another order than the true one is no match."""
    calls, arrows, last = tape.scenes[drawn.title], drawn.arrows, drawn.arrows[-1]
    others = [name for name in drawn.parts if name not in (last.sender, last.receiver)]
    lies = {
        "another function": (*arrows[:-1], replace(last, called="nothing_of_the_kind")),
        "another receiver": (*arrows[:-1], replace(last, receiver=others[0])),
        "another sender": tuple(replace(arrow, sender=last.receiver) for arrow in arrows),
        "another order": arrows[::-1],
    }
    found = {
        name: replace(drawn, steps=tuple(((arrow,),) for arrow in lie)).missing(calls)
        for name, lie in lies.items()
    }
    assert drawn.missing(calls) is None
    assert [name for name, missing in found.items() if missing is None] == []
