"""The command with which a person approves orders at a terminal."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx2

from common.config import Settings
from common.errors import BadArgument
from serving.state import StateFolder

LOOK_EVERY = 1.0  # seconds
INDENT = "  "


async def approve(settings: Settings, *, watch: bool) -> int:
    """Show each order that waits, and send or refuse it as the person says.

    watch goes on with what comes later. Raises BadArgument away from a terminal, and where
    no order needs a person.
    """
    if not sys.stdin.isatty():
        raise BadArgument(
            "only a person approves an order, at a terminal", remedy="run it in one of your own"
        )
    url = page_of(StateFolder(settings))
    asked: set[str] = set()
    async with httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        if watch:
            print("Waiting for orders to approve. Ctrl-C ends.", flush=True)
        while True:
            found = [one for one in await _waiting(client) if one["id"] not in asked]
            if not found and not watch:
                break
            for one in found:
                asked.add(one["id"])
                await _settle(client, one)
            if not found:
                await asyncio.sleep(LOOK_EVERY)
    if not asked:
        print("No order waits for you.")
    return 0


def page_of(folder: StateFolder) -> str:
    """Return the approval page's address, its secret included; BadArgument when there is none."""
    try:
        return folder.approvals.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise BadArgument(
            "no daemon runs here whose orders need a person",
            remedy="set APPROVAL=always to try it on paper; on live it is always so",
        ) from None


async def _settle(client: httpx2.AsyncClient, order: dict[str, Any]) -> None:
    _show(order)
    print("Type yes to send it, no to refuse it, anything else to leave it waiting: ", end="")
    sys.stdout.flush()
    said = sys.stdin.readline().strip().lower()
    if said not in {"yes", "no"}:
        print("Left waiting.")
        return
    answer = "approve" if said == "yes" else "deny"
    reply = await client.post("terminal", data={"id": order["id"], "answer": answer})
    reply.raise_for_status()
    print(reply.json()["outcome"], flush=True)


async def _waiting(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    try:
        reply = await client.get("waiting")
        reply.raise_for_status()
    except httpx2.HTTPError as e:
        raise BadArgument(
            f"the daemon did not answer: {type(e).__name__}", remedy="look at status, then again"
        ) from None
    found: list[dict[str, Any]] = reply.json()
    return found


def _show(order: dict[str, Any]) -> None:
    print(f"\n{order['question']}\n")
    print(f"asked for by {order['asked_by']}, {order['seconds_left']} s left")
    for line in lines_of(order["preview"]):
        print(line)


def lines_of(value: dict[str, Any], depth: int = 0) -> list[str]:
    """Return a preview as indented lines."""
    lines = []
    for name, inner in value.items():
        label = f"{INDENT * depth}{name.replace('_', ' ')}"
        if isinstance(inner, dict):
            lines += [f"{label}:", *lines_of(inner, depth + 1)]
        elif isinstance(inner, list) and any(isinstance(one, dict) for one in inner):
            lines += [f"{label}:", *(f"{INDENT * (depth + 1)}{_row(one)}" for one in inner)]
        elif isinstance(inner, list):
            lines.append(f"{label}: {'; '.join(str(one) for one in inner) or 'none'}")
        else:
            lines.append(f"{label}: {'unknown' if inner is None else inner}")
    return lines


def _row(value: Any) -> str:
    """Return one of several alike on a line of its own."""
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name.replace('_', ' ')} {inner}" for name, inner in value.items())
