"""What goes into each host's configuration: one place, for the doctor and for docs/hosts."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from common.place import COMMAND, ENTRYPOINT, NAME

CACHED = "archive-v0"  # where uvx keeps the environment of a command; it may be cleared any day


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How this installation is started and reached: absolute paths, for a host knows no PATH."""

    command: str
    arguments: tuple[str, ...]
    docker: str
    url: str
    token: str = "TOKEN"  # noqa: S105 never the token itself: snippets are shown to others


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One kind of MCP client. where: what the snippet goes into; then: what makes it count."""

    name: str
    title: str
    where: str
    then: str
    snippet: Callable[[Start], str]


def _servers(server: dict[str, object], key: str = "mcpServers") -> str:
    return json.dumps({key: {NAME: server}}, indent=2)


def _stdio(start: Start) -> dict[str, object]:
    return {"command": start.command, "args": list(start.arguments)}


def _json(start: Start) -> str:
    return _servers(_stdio(start))


def _vscode(start: Start) -> str:
    return _servers({"type": "stdio", **_stdio(start)}, key="servers")


def _claude_code(start: Start) -> str:
    typed = shlex.join([start.command, *start.arguments])
    return f"claude mcp add --scope user {NAME} -- {typed}"


def _docker(start: Start) -> str:
    inside = ["exec", "-i", "desk", "python", ENTRYPOINT.name]
    return _servers({"command": start.docker, "args": inside})


def _http(start: Start) -> str:
    headers = {"Authorization": f"Bearer {start.token}"}
    return _servers({"type": "http", "url": start.url, "headers": headers})


HOSTS = (
    Host(
        name="claude-desktop",
        title="Claude Desktop",
        where="claude_desktop_config.json",
        then="quit it completely and open it again",
        snippet=_json,
    ),
    Host(
        name="claude-code",
        title="Claude Code",
        where="a terminal",
        then="start a new session, and look with /mcp",
        snippet=_claude_code,
    ),
    Host(
        name="cursor",
        title="Cursor",
        where="~/.cursor/mcp.json, or .cursor/mcp.json of one project",
        then="switch the server on in Settings, MCP",
        snippet=_json,
    ),
    Host(
        name="vscode",
        title="VS Code",
        where=".vscode/mcp.json, or what 'MCP: Open User Configuration' opens",
        then="press Start above the entry, and use agent mode",
        snippet=_vscode,
    ),
    Host(
        name="docker",
        title="Docker",
        where="the configuration of a host that starts a command, the desk running in a container",
        then="restart the host; the container must be running and be called desk",
        snippet=_docker,
    ),
    Host(
        name="agents-http",
        title="Agents over HTTP",
        where="the configuration of a client that takes a URL; a token stands for one principal",
        then="start the daemon first, with 'serve', so that its port stays the same",
        snippet=_http,
    ),
)

NAMES = tuple(one.name for one in HOSTS)


def host(name: str) -> Host:
    """Return a host by its name; raise KeyError for none of ours."""
    return {one.name: one for one in HOSTS}[name]


def told_for(which: Host, start: Start) -> str:
    """Return the snippet with where it goes and what to do then, as a terminal shows it."""
    return f"{which.title}, in {which.where} (then {which.then}):\n\n{which.snippet(start)}"


def start_of(port: int = 0, url: str | None = None) -> Start:
    """Return how this very installation is started; port: configured; url: of a running daemon."""
    command, *arguments = _typed()
    return Start(
        command=command,
        arguments=tuple(arguments),
        docker=shutil.which("docker") or "docker",
        url=url or f"http://127.0.0.1:{port or 8080}/mcp",
    )


def _typed() -> list[str]:
    """Return the bridge's command line: by uvx, by the installed command, or by the file."""
    uv = os.environ.get("UV")
    if uv and CACHED in Path(sys.prefix).parts:
        return [str(Path(uv).with_name("uvx")), *_source(), NAME]
    installed = Path(sys.executable).with_name(NAME)
    if COMMAND == NAME and installed.exists():
        return [str(installed)]
    return [sys.executable, str(ENTRYPOINT)]


def _source() -> list[str]:
    """Return uvx's --from where it was given a file or an address."""
    import importlib.metadata  # late: the bridge comes past here and does not need it

    try:
        said = importlib.metadata.distribution(NAME).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return []
    url = json.loads(said)["url"] if said else ""
    if not url:
        return []
    parts = urlsplit(url)
    return ["--from", unquote(parts.path) if parts.scheme == "file" else url]
