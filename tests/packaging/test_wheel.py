"""The wheel holds all that runs, and runs without a checkout: what uvx and pip start."""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path

from alpaca_mcp_server import toolsets
from common.config import VERSION
from scripts import bundle
from tests.packaging.starting import command_of, host, run, said
from tests.tidy.sources import ROOT, files
from tools.catalog import Catalog


def test_everything_of_the_packages_is_in_it_and_nothing_else(wheel: Path) -> None:
    shipped = {
        name
        for name in files()
        if name.startswith(tuple(f"{package}/" for package in bundle.PACKAGES))
    } | {bundle.ENTRYPOINT}
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert held == shipped


def test_its_command_is_the_one_that_docs_and_snippets_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"][project["name"]] == "alpaca_mcp_server:main"
    assert project["name"] == "zero-dte-desk"


def test_it_needs_no_checkout(installed: Path, tmp_path: Path) -> None:
    said = run([str(installed), "--version"], tmp_path)
    assert said.stdout == f"{VERSION}\n"

    doctor = run([str(installed), "doctor", "--host", "cursor"], tmp_path)

    assert doctor.returncode == 0, doctor.stdout
    assert f"without {tmp_path}/.zero-dte-desk/.env" in doctor.stdout
    assert str(ROOT) not in doctor.stdout
    snippet = json.loads(doctor.stdout[doctor.stdout.index("{") :])
    assert snippet["mcpServers"]["zero-dte-desk"] == {"command": str(installed), "args": []}


async def test_a_host_lists_its_tools_and_the_state_lies_in_the_users_folder(
    installed: Path, tmp_path: Path
) -> None:
    async with host([str(installed)], tmp_path) as client:
        told = {tool.name for tool in (await client.list_tools()).tools}
        answer = await client.call_tool("get_account_info", {})
        refused = await client.call_tool("kill_switch", {"enable": False})
        state = tmp_path / ".zero-dte-desk"
        daemon = json.loads((state / "paper-local" / "daemon.lock").read_text())
        started = command_of(daemon["pid"])

    assert told <= set(Catalog(toolsets()).offers)
    assert "get_account_info" in told
    assert not answer.is_error
    assert "'zero-dte-desk kill --release'" in said(refused)
    assert (state / "exchange" / "exchange.sqlite").exists()
    assert started.startswith(f"{installed.with_name('python')} ")


async def test_settings_are_read_from_the_users_folder(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / ".zero-dte-desk"
    folder.mkdir()
    (folder / ".env").write_text("MAX_DAILY_LOSS=-1\n")

    refused = run([str(installed), "status"], tmp_path)

    assert refused.stderr.startswith("[misconfigured] MAX_DAILY_LOSS")
