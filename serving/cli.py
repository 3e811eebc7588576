"""The commands: one table, one parser, one place where a failure becomes one line."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from common.config import VERSION, load_settings
from common.errors import TradingError, told
from common.place import COMMAND
from serving import snippet

FAILED = 1
USAGE = 2

BuildServer = Callable[..., Any]
Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]

DESCRIPTION = """\
A same-day options desk for MCP clients. Without a command: the stdio bridge that a host such as
Claude Desktop starts; it finds the daemon or starts it."""


def run(arguments: Sequence[str], build_server: BuildServer) -> int:
    """Run one command and return its exit code: 0 done, 1 failed with the reason, 2 usage."""
    parsed = parser().parse_args(arguments)
    parsed.build_server = build_server
    command: Command = COMMANDS[parsed.command]
    try:
        return _run(command, parsed)
    except TradingError as e:
        print(told(e), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough; nothing may be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    root = argparse.ArgumentParser(
        prog=COMMAND,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=VERSION)
    root.set_defaults(command="bridge")
    commands = root.add_subparsers(metavar="COMMAND", title="commands")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(command=name)
        return made

    serve = add("serve", "run the daemon in the foreground; prints its URLs and the host's JSON")
    serve.add_argument("--host", help="address to listen on (HOST)")
    serve.add_argument("--port", type=int, help="port of MCP and /health (PORT); 0 takes any")
    serve.add_argument(
        "--any-port", action="store_true", help="take a free port where one is in use"
    )
    add("status", "show what runs; exit code 1 when no daemon does")
    add("stop", "stop the daemon, and the paper exchange beside it")
    _add_doctor(
        add("doctor", "check configuration, folders, daemon, broker and clock; say what to do")
    )
    _add_tools(add("tools", "list the tools, or call one from the terminal"))
    _add_token(add("token", "print the bearer token of another client, made when it is new"))
    approve = add("approve", "show the orders that wait for a person, and send or refuse each")
    approve.add_argument("--watch", action="store_true", help="go on with what comes later")
    _add_audit(add("audit", "check the audit log"))
    reset = add("reset", "delete the paper-local desk and its exchange, to start with fresh cash")
    reset.add_argument("--paper", action="store_true", required=True, help="say what is deleted")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    add("demo", "watch the desk trade on the local paper exchange")
    kill = add("kill", "set the kill switch: no desk opens a position until it is released")
    kill.add_argument("--release", action="store_true", help="release it; asks at a terminal")
    return root


def _add_doctor(doctor: argparse.ArgumentParser) -> None:
    doctor.add_argument(
        "--host",
        choices=snippet.NAMES,
        default=snippet.NAMES[0],
        help="whose configuration to show",
    )


def _add_tools(tools: argparse.ArgumentParser) -> None:
    which = tools.add_subparsers(metavar="list|call", required=True)
    which.add_parser("list", help="list the tools").set_defaults(command="tools list")
    call = which.add_parser("call", help="call a tool and print its answer as JSON")
    call.set_defaults(command="tools call")
    call.add_argument("name", metavar="NAME")
    call.add_argument("pairs", metavar="key=value", nargs="*", help="values are JSON, else text")


def _add_token(token: argparse.ArgumentParser) -> None:
    token.add_argument("name", help="who it is for: a-z, 0-9, - and _")
    token.add_argument("--read-only", action="store_true", help="it lists and calls only reads")
    token.add_argument(
        "--toolsets", metavar="A,B", help="what it is shown, instead of TOOLSETS; all is everything"
    )


def _add_audit(audit: argparse.ArgumentParser) -> None:
    which = audit.add_subparsers(metavar="verify", required=True)
    verify = which.add_parser("verify", help="find whatever was changed, removed or cut off")
    verify.set_defaults(command="audit verify")
    verify.add_argument("file", nargs="?", help="a file or folder; default: this desk's own log")
    verify.add_argument("--head", help="a head noted elsewhere, NUMBER:HASH")


def _run(command: Command, parsed: argparse.Namespace) -> int:
    """Run a command on the loop that suits it: the daemon's is uvloop, for its sockets."""
    if parsed.command == "serve":
        import uvloop

        return uvloop.run(command(parsed))
    return asyncio.run(command(parsed))


async def _bridge(_: argparse.Namespace) -> int:
    from serving import logs
    from serving.bridge import run_bridge
    from serving.state import StateFolder

    settings = load_settings()
    logs.configure(settings.log_level, StateFolder(settings).desk / "bridge.log")
    await run_bridge(settings)
    return 0


async def _serve(parsed: argparse.Namespace) -> int:
    from serving.cli_daemon import serve

    return await serve(parsed.build_server, parsed.host, parsed.port, any_port=parsed.any_port)


async def _status(_: argparse.Namespace) -> int:
    from serving.cli_daemon import status

    return await status(load_settings())


async def _stop(_: argparse.Namespace) -> int:
    from serving.cli_daemon import stop

    return await stop(load_settings())


async def _reset(parsed: argparse.Namespace) -> int:
    from serving.cli_daemon import reset

    return await reset(load_settings(), ask=not parsed.yes)


async def _doctor(parsed: argparse.Namespace) -> int:
    from serving.doctor import doctor

    return await doctor(parsed.host)


async def _tools_list(_: argparse.Namespace) -> int:
    from serving.cli_tools import list_tools

    return await list_tools(load_settings())


async def _tools_call(parsed: argparse.Namespace) -> int:
    from serving.cli_tools import call_tool

    return await call_tool(load_settings(), parsed.name, parsed.pairs)


async def _token(parsed: argparse.Namespace) -> int:
    from serving.cli_tools import token

    return await token(
        load_settings(), parsed.name, read_only=parsed.read_only, toolsets=parsed.toolsets
    )


async def _approve(parsed: argparse.Namespace) -> int:
    from serving.cli_approve import approve

    return await approve(load_settings(), watch=parsed.watch)


async def _audit_verify(parsed: argparse.Namespace) -> int:
    from serving.cli_audit import audit_verify

    return await audit_verify(load_settings(), parsed.file, parsed.head)


async def _demo(_: argparse.Namespace) -> int:
    from serving.demo import run_demo

    return await run_demo()


COMMANDS: Mapping[str, Command] = {
    "bridge": _bridge,
    "serve": _serve,
    "status": _status,
    "stop": _stop,
    "reset": _reset,
    "doctor": _doctor,
    "tools list": _tools_list,
    "tools call": _tools_call,
    "token": _token,
    "approve": _approve,
    "audit verify": _audit_verify,
    "demo": _demo,
}
