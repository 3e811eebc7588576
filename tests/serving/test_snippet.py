"""What hosts are told to start is what runs here, and what the pages show is what is printed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from common.place import ENTRYPOINT, ROOT
from scripts import snippets
from serving.snippet import HOSTS, NAMES, host, start_of
from tests.serving.desk import WAIT, Desk

PAGES = ROOT / "docs" / "hosts"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A daemon as the image runs it: listening on every address."""
    with Desk.at(tmp_path_factory.mktemp("desk")) as desk:
        desk.serve("--host", "0.0.0.0")  # noqa: S104 as in the image; on a port for this test
        yield desk


def test_every_page_shows_what_is_printed_now() -> None:
    """Run python scripts/snippets.py to bring them up to date."""
    stale = [page.name for page in snippets.pages() if snippets.written(_text(page)) != _text(page)]
    assert stale == []


def test_every_host_has_a_page_with_its_own_snippet_and_the_readme_names_it() -> None:
    readme = _text(ROOT / "README.md")
    assert {page.stem for page in PAGES.glob("*.md")} == set(NAMES)
    for name in NAMES:
        assert f"(docs/hosts/{name}.md)" in readme
        assert f"<!-- snippet {name} -->" in _text(PAGES / f"{name}.md")


def test_every_link_between_the_pages_leads_somewhere() -> None:
    dead = [
        f"{page.name}: {linked}"
        for page in snippets.pages()
        for linked in re.findall(r"\]\((?!https?:)([^)#]+)\)", _text(page))
        if not (page.parent / linked).exists()
    ]
    assert dead == []


@pytest.mark.parametrize("name", ["claude-desktop", "cursor", "vscode", "claude-code"])
def test_what_a_host_starts_is_this_interpreter_on_this_file(name: str) -> None:
    shown = host(name).snippet(start_of())
    if name == "claude-code":
        typed = shlex.split(shown)
        assert typed[:6] == ["claude", "mcp", "add", "--scope", "user", "zero-dte-desk"]
        assert typed[6:] == ["--", sys.executable, str(ENTRYPOINT)]
        return
    [servers] = json.loads(shown).values()
    server = servers["zero-dte-desk"]
    assert [server["command"], *server["args"]] == [sys.executable, str(ENTRYPOINT)]
    assert ("type" in server) is (name == "vscode")


def test_the_doctor_prints_the_configuration_that_is_asked_for(desk: Desk) -> None:
    token = desk.run("token", "laptop").stdout.strip()
    for one in HOSTS:
        said = desk.run("doctor", "--host", one.name).stdout
        start = start_of(url=desk.daemon()["url"])
        assert said.endswith(f"{one.snippet(start)}\n")
        assert f"\n{one.title}, in {one.where}" in said
        assert token not in said
    assert desk.run("doctor", "--host", "emacs").returncode == 2


def test_by_uvx_the_host_is_told_uvx_and_where_the_wheel_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An environment of uvx's own cache may be gone tomorrow."""
    monkeypatch.setenv("UV", "/opt/uv/bin/uv")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "archive-v0" / "x"))
    assert start_of().command == "/opt/uv/bin/uvx"
    assert start_of().arguments == ("zero-dte-desk",)

    known = tmp_path / "zero_dte_desk-0.1.0.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: zero-dte-desk\nVersion: 0.1.0\n")
    (known / "direct_url.json").write_text('{"url": "file:///my%20wheels/desk.whl"}')
    monkeypatch.syspath_prepend(tmp_path)
    assert start_of().arguments == ("--from", "/my wheels/desk.whl", "zero-dte-desk")


async def test_a_bridge_beside_the_daemon_is_what_docker_exec_starts(desk: Desk) -> None:
    server = json.loads(host("docker").snippet(start_of()))["mcpServers"]["zero-dte-desk"]
    assert server["args"] == ["exec", "-i", "desk", "python", "alpaca_mcp_server.py"]
    assert "--name desk " in _text(PAGES / "docker.md")

    async with desk.host() as bridge:
        await bridge.hello()
        assert (await bridge.ask("tools/list"))["result"]["tools"]


def test_the_program_on_the_page_of_agents_runs(desk: Desk) -> None:
    [program] = re.findall(r"```python\n(.*?)```", _text(PAGES / "agents-http.md"), re.DOTALL)
    token = desk.run("token", "agent").stdout.strip()

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=desk.environment(DESK_URL=desk.daemon()["url"], DESK_TOKEN=token),
        capture_output=True,
        text=True,
        timeout=WAIT,
    )

    assert done.returncode == 0, done.stderr
    assert "'mode': 'paper-local'" in done.stdout


def test_the_refusals_over_http_are_the_ones_that_are_told(desk: Desk) -> None:
    url, token = desk.daemon()["url"], desk.run("token", "agent").stdout.strip()
    mine = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    tried = {
        401: {**mine, "Authorization": "Bearer wrong"},
        421: {**mine, "Host": "desk.example"},
        403: {**mine, "Origin": "http://desk.example"},
        406: {**mine, "Accept": "text/html"},
    }
    with httpx2.Client(trust_env=False, timeout=WAIT) as client:
        found = {
            code: client.post(url, json=ping, headers=headers).status_code
            for code, headers in tried.items()
        }
    assert found == {code: code for code in tried}
    told = _text(PAGES / "agents-http.md")
    assert all(str(code) in told for code in tried)


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")
