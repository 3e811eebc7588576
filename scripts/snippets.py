"""Write the hosts' configurations into README.md and docs, where a marker asks for one.

python scripts/snippets.py

A marker is <!-- snippet HOST --> or <!-- snippet HOST uvx -->, closed by <!-- /snippet -->.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from common.config import VERSION  # noqa: E402
from common.place import ENTRYPOINT, NAME  # noqa: E402
from serving.snippet import Start, host  # noqa: E402

ANYWHERE = "/absolute/path/to"
URL = "http://127.0.0.1:8080/mcp"
CHECKOUT = Start(
    command=f"{ANYWHERE}/.venv/bin/python",
    arguments=(f"{ANYWHERE}/{ENTRYPOINT.name}",),
    docker=f"{ANYWHERE}/docker",
    url=URL,
)
UVX = Start(
    command=f"{ANYWHERE}/uvx",
    arguments=("--from", f"{ANYWHERE}/zero_dte_desk-{VERSION}-py3-none-any.whl", NAME),
    docker=CHECKOUT.docker,
    url=URL,
)
MARKED = re.compile(
    r"(?P<opening><!-- snippet (?P<host>[a-z-]+)(?P<uvx> uvx)? -->\n).*?(?=<!-- /snippet -->)",
    re.DOTALL,
)


def pages() -> Iterator[Path]:
    """Yield every page that may show a snippet."""
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").rglob("*.md"))


def written(page: str) -> str:
    """Return a page with every snippet it asks for as it is now."""
    return MARKED.sub(_snippet, page)


def _snippet(asked: re.Match[str]) -> str:
    shown = host(asked["host"]).snippet(UVX if asked["uvx"] else CHECKOUT)
    language = "json" if shown.startswith("{") else "sh"
    return f"{asked['opening']}```{language}\n{shown}\n```\n"


def main() -> int:
    """Bring every page up to date."""
    for page in pages():
        before = page.read_text(encoding="utf-8")
        if (now := written(before)) != before:
            page.write_text(now, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
