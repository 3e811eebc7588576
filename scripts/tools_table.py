"""Write the table of tools in README.md, and docs/tools.md, from what is registered.

python scripts/tools_table.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from alpaca_mcp_server import toolsets  # noqa: E402
from scripts import tools_page  # noqa: E402
from tools.catalog import Catalog  # noqa: E402
from tools.toolset import effect_word  # noqa: E402

README = ROOT / "README.md"
OPENING, CLOSING = "<!-- tools -->\n", "<!-- /tools -->\n"


def table() -> str:
    """Return the table as Markdown, a row a tool."""
    rows = ["| tool | set | may | listed | what it does |", "|---|---|---|---|---|"]
    for name, offer in Catalog(toolsets()).offers.items():
        about, effect = (
            offer.tool.description.partition("\n")[0],
            effect_word(offer.tool.annotations),
        )
        listed = "by default" if offer.basic else ""
        rows.append(f"| `{name}` | {offer.toolset} | {effect} | {listed} | {about} |")
    return "\n".join(rows) + "\n"


def shown(readme: str) -> str:
    """Return the table that a README shows; raise ValueError without the markers."""
    return readme[readme.index(OPENING) + len(OPENING) : readme.index(CLOSING)]


def main() -> int:
    """Replace the table between the markers of README.md, and the page."""
    before, rest = README.read_text(encoding="utf-8").split(OPENING)
    after = rest.split(CLOSING)[1]
    README.write_text(f"{before}{OPENING}{table()}{CLOSING}{after}", encoding="utf-8")
    tools_page.PAGE.write_text(tools_page.page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
