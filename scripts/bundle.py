"""Pack the desk as an .mcpb bundle: what Claude Desktop installs by a double click.

python scripts/bundle.py FOLDER

The bundle holds the sources, the manifest and a pyproject.toml with the exact versions of
requirements.txt: the host's own uv makes the environment. The same sources give the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "packaging" / "manifest.json"
ENTRYPOINT = "alpaca_mcp_server.py"
PACKAGES = ("common", "services", "serving", "tools", "paper_exchange")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day a zip archive can name
READABLE = 0o100644 << 16


def project(version: str, pins: list[str]) -> str:
    """Return the pyproject.toml by which uv makes the environment, and builds nothing."""
    lines = "".join(f"  {json.dumps(pin)},\n" for pin in pins)
    return (
        f'[project]\nname = "zero-dte-desk"\nversion = "{version}"\n'
        f'requires-python = ">=3.11"\ndependencies = [\n{lines}]\n\n[tool.uv]\npackage = false\n'
    )


def contents() -> Iterator[tuple[str, bytes]]:
    """Yield every file of the bundle: its name there and its bytes."""
    manifest = MANIFEST.read_bytes()
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^[\w.-]+==\S+", pinned, re.MULTILINE)
    yield "manifest.json", manifest
    yield "pyproject.toml", project(json.loads(manifest)["version"], pins).encode()
    yield "requirements.txt", pinned.encode()
    yield ENTRYPOINT, (ROOT / ENTRYPOINT).read_bytes()
    for package in PACKAGES:
        shipped = (one for one in (ROOT / package).rglob("*") if one.suffix in {".py", ".html"})
        for source in sorted(shipped):
            yield source.relative_to(ROOT).as_posix(), source.read_bytes()


def pack(folder: Path) -> Path:
    """Write the bundle into a folder, made if need be; return where it is."""
    version = json.loads(MANIFEST.read_text(encoding="utf-8"))["version"]
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / f"zero-dte-desk-{version}.mcpb"
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in contents():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = READABLE
            packed.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return bundle


if __name__ == "__main__":
    print(pack(Path(sys.argv[1])))
