"""The bundle: a manifest the host takes, exact versions, the same bytes again, and it starts."""

from __future__ import annotations

import json
import re
import shlex
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from common.config import Settings
from scripts import bundle
from tests.packaging.starting import host, said
from tests.tidy.sources import ROOT

SCHEMAS = Path(__file__).parent
MANIFEST: dict[str, Any] = json.loads(bundle.MANIFEST.read_text())
SERVER: dict[str, Any] = json.loads((ROOT / "packaging" / "server.json").read_text())


def schema(name: str) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    return held


@pytest.mark.parametrize(("name", "document"), [("manifest", MANIFEST), ("server", SERVER)])
def test_the_document_keeps_to_its_published_constraints(
    name: str, document: dict[str, Any]
) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    jsonschema.validate(document, schema(name))


@pytest.mark.parametrize(
    ("name", "document", "change"),
    [
        ("manifest", MANIFEST, {"manifest_version": "0.2"}),
        ("manifest", MANIFEST, {"server": {"type": "uv", "entry_point": "x.py"}}),
        ("manifest", MANIFEST, {"surprise": 1}),
        ("server", SERVER, {"description": "x" * 101}),
        ("server", SERVER, {"name": "without-a-namespace"}),
        ("server", SERVER, {"version": "^1.0.0"}),
    ],
)
def test_the_constraints_refuse_what_the_registries_refuse(
    name: str, document: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, **change}, schema(name))


def test_the_form_names_settings_and_decides_none() -> None:
    """An empty field leaves .env and the defaults as they are; live has no switch here."""
    environment = MANIFEST["server"]["mcp_config"]["env"]
    fields = {name.upper() for name in Settings.model_fields}
    assert set(environment) <= fields - {"ALPACA_LIVE", "LIVE_TRADING_ACKNOWLEDGED"}
    filled = {re.sub(r"\$\{user_config\.(\w+)\}", r"\1", value) for value in environment.values()}
    assert filled == set(MANIFEST["user_config"])
    assert {field["default"] for field in MANIFEST["user_config"].values()} == {""}
    secret = {name for name, field in MANIFEST["user_config"].items() if field.get("sensitive")}
    assert secret == {"alpaca_api_key", "alpaca_secret_key"}


def test_the_registry_is_told_settings_with_their_defaults() -> None:
    [package] = SERVER["packages"]
    defaults = Settings(_env_file=None)
    for variable in package["environmentVariables"]:
        value = getattr(defaults, variable["name"].lower())
        assert variable.get("default") == (None if value is None else str(value))


def test_the_readme_in_the_wheel_names_the_registrys_entry_as_its_owner_must() -> None:
    assert f"\n<!-- mcp-name: {SERVER['name']} -->\n" in (ROOT / "README.md").read_text()


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first, again = bundle.pack(tmp_path / "a"), bundle.pack(tmp_path / "b")
    assert first.read_bytes() == again.read_bytes()


def test_it_pins_what_is_tested_and_builds_nothing(unpacked: Path) -> None:
    told = tomllib.loads((unpacked / "pyproject.toml").read_text())
    pins = re.findall(r"^[\w.-]+==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert told["project"]["dependencies"] == pins
    assert told["project"]["version"] == MANIFEST["version"]
    assert told["tool"]["uv"]["package"] is False
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o111 for path in unpacked.rglob("*.py")}
    assert modes == {0}


async def test_it_starts_with_its_form_left_empty(unpacked: Path, tmp_path: Path) -> None:
    """As the manifest says, but that uv has made the environment already: this one."""
    told = MANIFEST["server"]["mcp_config"]
    assert [told["command"], *told["args"][:3]] == ["uv", "run", "--directory", "${__dirname}"]
    command = [sys.executable, str(unpacked / told["args"][3])]
    empty = dict.fromkeys(told["env"], "")

    async with host(command, tmp_path, **empty) as client:
        tools = (await client.list_tools()).tools
        refused = await client.call_tool("kill_switch", {"enable": False})

    assert {"health_check", "kill_switch"} <= {tool.name for tool in tools}
    assert (tmp_path / ".zero-dte-desk" / "paper-local").is_dir()
    typed = said(refused).partition("a person runs '")[2].partition("'")[0]
    assert shlex.split(typed) == [*command, "kill", "--release"]
