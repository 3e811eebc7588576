"""What tests of a person's approval do: look at the page, answer, and read what was kept."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import PATIENT

CONDOR = "iron_condor_30_delta"
MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": "7"}


@contextmanager
def asking(exchange: Exchange, folder: Path, seconds: int = 60) -> Iterator[Desk]:
    """Run a desk on paper which has a person approve all the same, within some seconds."""
    settings = PATIENT | {"approval": "always", "approval_timeout": seconds}
    with Desk.start(folder, exchange, **settings) as desk:
        yield desk


async def left_clean(desk: Desk, exchange: Exchange) -> None:
    """Deny what still waits and close everything, which nobody has to approve."""
    for left in httpx2.get(f"{page(desk)}waiting", trust_env=False).json():
        answer(page(desk), left["id"], "deny")
    async with desk.client() as client:
        assert (await client.ask("flatten_all"))["flat"]
    assert exchange.positions() == []


def page(desk: Desk) -> str:
    [file] = desk.folder.glob("*/approvals.url")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file.read_text().strip()


def answer(url: str, name: str, said: str, *, origin: str | None = None) -> httpx2.Response:
    root = url.rsplit("/", 2)[0]
    headers = {"Origin": origin or root}
    return httpx2.post(
        f"{url}page", data={"id": name, "answer": said}, headers=headers, trust_env=False
    )


async def wanted(client: DeskClient, width: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Preview, confirm by token, and return the arguments of that call with what it told."""
    shown = await client.ask(CONDOR, width=width)
    call = {"width": width, "preview": False, "confirm_token": shown["confirm_token"]}
    return call, await client.ask(CONDOR, **call)


def audited(desk: Desk, kind: str) -> list[dict[str, Any]]:
    records = [
        json.loads(line)
        for file in sorted(desk.folder.glob("*/audit/*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    return [record for record in records if record["kind"] == kind]
