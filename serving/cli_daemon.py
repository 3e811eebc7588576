"""The commands about running processes: serve, status, stop, reset."""

from __future__ import annotations

import sys
from typing import Any

import httpx2

from common.clock import MonotonicClock
from common.config import Mode, Settings, load_settings
from common.errors import BadArgument, Halted
from common.place import COMMAND
from serving import kill, launch, logs
from serving.sibling import SiblingExchange
from serving.snippet import HOSTS, start_of, told_for
from serving.state import Daemon, StateFolder, held


async def serve(build_server: Any, host: str | None, port: int | None, *, any_port: bool) -> int:
    """Run the daemon in the foreground until a signal; host and port override the settings."""
    from serving import daemon  # the engine's imports, which no other command needs

    given = {"host": host, "port": port}
    settings = load_settings(**{name: v for name, v in given.items() if v is not None})
    logs.configure(settings.log_level)
    await daemon.serve(settings, build_server, any_port=any_port, announce=_announce)
    return 0


def _announce(running: Daemon, folder: StateFolder) -> None:
    told = {
        "mode": f"{running.mode}, broker at {running.base_url}",
        "MCP": running.url,
        "health": running.health_url,
        "metrics": running.metrics_url,
        "state": folder.home,
        "stop": f"Ctrl-C, or {COMMAND} stop",
    }
    if folder.approvals.exists():
        told["approve"] = approval_told(folder)
    for name, value in told.items():
        print(f"{name:<8} {value}")
    print(f"\n{told_for(HOSTS[0], start_of(url=running.url))}\n")
    others = ", ".join(host.name for host in HOSTS[1:])
    print(f"Others: {COMMAND} doctor --host NAME, one of {others}", flush=True)


def approval_told(folder: StateFolder) -> str:
    """Return where a person approves orders; the page's secret goes to a terminal only."""
    command = f"{COMMAND} approve"
    if not sys.stdout.isatty():
        return command
    return f"{folder.approvals.read_text(encoding='ascii').strip()} or {command}"


async def status(settings: Settings) -> int:
    """Show what runs on this configuration's state folder."""
    folder = StateFolder(settings)
    found = await launch.find(folder)
    if found is None:
        print(f"daemon    not running ({folder.desk})")
    else:
        print(f"daemon    pid {found.pid}, version {found.version}, mode {found.mode}")
        print(f"MCP       {found.url}\nhealth    {found.health_url}\nmetrics   {found.metrics_url}")
        for line in await _health(found):
            print(line)
    if settings.mode is Mode.PAPER_LOCAL:
        exchange = await _sibling(settings, folder).find()
        where = f"pid {exchange.pid}, {exchange.url}" if exchange else "not running"
        print(f"exchange  {where}")
    print(f"kill      {'SET' if kill.is_set(folder.home, folder.database) else 'not set'}")
    return 0 if found else 1


async def _health(found: Daemon) -> list[str]:
    try:
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
            body = (await client.get(found.health_url)).json()
    except (httpx2.HTTPError, ValueError) as e:
        return [f"ready     no: {e}"]
    return [f"ready     {'yes' if body['ready'] else 'no'}", *(f"  {r}" for r in body["reasons"])]


async def stop(settings: Settings) -> int:
    """Stop the daemon and, when paper-local, its exchange; say what was stopped."""
    folder = StateFolder(settings)
    stopped = await _stop_all(settings, folder)
    for name, was in stopped.items():
        print(f"{name:<9} {'stopped' if was else 'was not running'}")
    return 0


async def reset(settings: Settings, *, ask: bool) -> int:
    """Delete the paper-local desk and its exchange; the kill switch is never reset so."""
    if settings.mode is not Mode.PAPER_LOCAL:
        raise BadArgument(
            f"mode is {settings.mode.value}: only paper-local has an account here to delete",
            remedy="reset a broker's paper account on the broker's own site",
        )
    folder = StateFolder(settings)
    if kill.is_set(folder.home, folder.database):
        raise Halted("the kill switch is set, and a reset would lose it: nothing was deleted")
    if ask and not _agreed(folder):
        raise BadArgument(
            "nobody agreed: nothing was deleted",
            remedy="answer yes at a terminal, or add --yes",
        )
    await _stop_all(settings, folder)
    with held(folder.lock) as lock:  # so that no bridge starts a daemon on half of it
        if lock is None:
            raise launch.still_running(folder)
        for path in (*folder.desk.glob("desk.sqlite*"), *_of_exchange(settings, folder)):
            path.unlink(missing_ok=True)
    print(f"paper-local starts anew, with ${settings.exchange.cash:,} in cash")
    return 0


def _agreed(folder: StateFolder) -> bool:
    if not sys.stdin.isatty():
        return False
    print(f"Every order, position and dollar of the paper-local desk in {folder.home} is deleted.")
    print("Type yes to go on: ", end="", flush=True)
    return sys.stdin.readline().strip() == "yes"


async def _stop_all(settings: Settings, folder: StateFolder) -> dict[str, bool]:
    if settings.mode is not Mode.PAPER_LOCAL:
        return {"daemon": await launch.stop(folder)}
    sibling = _sibling(settings, folder)
    ran = await sibling.find() is not None
    daemon = await launch.stop(folder)  # which stops its exchange, unless it was killed before
    await sibling.stop()
    return {"daemon": daemon, "exchange": ran}


def _of_exchange(settings: Settings, folder: StateFolder) -> list[Any]:
    """Return the exchange's own files: its database, the keys into it, where it was."""
    sibling = _sibling(settings, folder)
    return [*folder.exchange.glob(f"{sibling.database.name}*"), sibling.keys, sibling.address]


def _sibling(settings: Settings, folder: StateFolder) -> SiblingExchange:
    return SiblingExchange(folder.exchange, settings.exchange, MonotonicClock())
