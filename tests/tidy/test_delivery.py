"""What is shipped: the image, the pins, the commands, and nothing of the machine it was made on."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import PurePosixPath

import pytest

from common.config import VERSION
from tests.tidy.sources import ENTRYPOINT, PACKAGES, ROOT, files

PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.-]*)==[\w.+!]+$")
# Hosts of package registries, local paths, addresses of somebody's machine.
MACHINE = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.org|crates\.io|proxy\.golang"
    r"|(?<![\w./$~}-])/(?:work|root|home/\w+|Users/\w+|opt/(?:pypi|wheels)[\w-]*)/"
    r"|/tmp/(?!\W)\w+/"
)


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, argument) pairs, continuation lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    parted = (line.partition(" ") for line in lines if line.strip())
    return [(instruction, argument.strip()) for instruction, _, argument in parted]


def last(instructions: list[tuple[str, str]], instruction: str) -> str:
    """Return the argument which is in force: the last one."""
    return [argument for name, argument in instructions if name == instruction][-1]


def test_the_image_is_built_in_stages_on_the_slim_python(
    instructions: list[tuple[str, str]],
) -> None:
    bases = [argument.split()[0] for name, argument in instructions if name == "FROM"]
    assert bases == ["python:3.13-slim"] * 2


def test_the_image_runs_as_nobody_in_particular(instructions: list[tuple[str, str]]) -> None:
    assert int(last(instructions, "USER")) > 0
    assert last(instructions, "VOLUME") == "/data"
    assert "STATE_DIR=/data" in last(instructions, "ENV")


def test_the_image_checks_its_health_in_python(instructions: list[tuple[str, str]]) -> None:
    check = json.loads(last(instructions, "HEALTHCHECK").partition("CMD ")[2])
    assert check[0] == "python"
    assert "http://127.0.0.1:8080/health" in check[2]
    compile(check[2], "HEALTHCHECK", "exec")
    assert not any(
        re.search(r"\b(?:curl|wget|apt-get)\b", argument) for _, argument in instructions
    )


def test_the_image_serves(instructions: list[tuple[str, str]]) -> None:
    assert json.loads(last(instructions, "CMD")) == [
        *("python", ENTRYPOINT, "serve"),
        *("--host", "0.0.0.0", "--port", "8080"),  # noqa: S104 inside the container only
    ]
    assert last(instructions, "EXPOSE").split() == ["8080", "9090"]


def test_the_image_holds_the_whole_product_and_the_context_offers_it(
    instructions: list[tuple[str, str]],
) -> None:
    copied = {
        argument.split()[0]
        for name, argument in instructions
        if name == "COPY" and not argument.startswith("--from")
    }
    assert copied == {ENTRYPOINT, "requirements.txt", *PACKAGES}
    offered = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in offered if line.startswith("!")} == copied


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    manifest = json.loads((ROOT / "packaging" / "manifest.json").read_text())
    server = json.loads((ROOT / "packaging" / "server.json").read_text())
    packaged = {package["version"] for package in server["packages"]}
    assert {project["version"], manifest["version"], server["version"], *packaged} == {VERSION}


@pytest.mark.parametrize("kind", ["", "-dev", "-bench", "-peer", "-node"])
def test_requirements_are_pins_and_nothing_else(kind: str) -> None:
    pinned = _pinned(f"requirements{kind}.txt")
    asked = re.findall(r"^([\w.-]+)", (ROOT / f"requirements{kind}.in").read_text(), re.MULTILINE)
    wanted = {name.lower().replace("_", "-") for name in asked if not name.startswith("-")}
    assert wanted <= pinned.keys()


@pytest.mark.parametrize("kind", ["-dev", "-bench"])
def test_no_package_is_pinned_twice_with_two_versions(kind: str) -> None:
    """What the tests and the benchmark run on is what ships."""
    shipped, other = _pinned("requirements.txt"), _pinned(f"requirements{kind}.txt")
    assert {name: shipped[name] for name in shipped.keys() & other} == {
        name: other[name] for name in shipped.keys() & other
    }


def test_ci_runs_the_gate_and_the_test_command_of_the_readme() -> None:
    run = (ROOT / ".ci" / "run").read_text()
    readme = (ROOT / "README.md").read_text()
    assert re.search(r"^make --keep-going check$", run, re.MULTILINE)
    assert re.search(r"^make test\b", run, re.MULTILINE)
    assert re.search(r"^\s*make test\b", readme, re.MULTILINE)


def test_every_target_is_phony_and_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    targets = re.findall(r"^([a-z-]+):(?!.*export)", makefile, re.MULTILINE)
    assert set(targets) == set(phony.split())
    explained = set(re.findall(r'@echo "make ([\w-]+)', makefile))
    assert explained == {
        *("demo", "run", "test", "test-paper", "check", "bench", "crash", "sequences"),
        *(
            "burn-in",
            "simulate",
            "peer",
            "node",
            "conformance",
            "fuzz",
            "fuzz-tools",
            "lock",
            "clean",
        ),
        *("wheel", "bundle", "newcomer"),
    }


def test_no_file_names_a_registry_or_somebodys_machine() -> None:
    named = [
        f"{name}:{number}: {found.group()}"
        for name in files()
        for number, line in enumerate(_lines(name), 1)
        if (found := MACHINE.search(line))
    ]
    assert named == []


def _pinned(name: str) -> dict[str, str]:
    lines = [line for line in _lines(name) if line.strip() and not line.lstrip().startswith("#")]
    assert [line for line in lines if not PIN.match(line)] == []
    return dict(line.split("==") for line in lines)


def _lines(name: str) -> list[str]:
    if PurePosixPath(name).suffix in {".png", ".gif", ".ico", ".woff2", ".gz", ".db"}:
        return []
    return (ROOT / name).read_text(encoding="utf-8").splitlines()
