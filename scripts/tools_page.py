"""Tell every tool with its arguments as docs/tools.md, from what is registered.

scripts/tools_table.py writes it, together with the table of the README.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alpaca_mcp_server import toolsets
from tools.catalog import Catalog, Offer
from tools.toolset import effect_word

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tools.md"
HEAD = """\
# Tools

Written by `scripts/tools_table.py` from what the server registers; change the tools, not the page.

*Reads* looks. *Sets* changes this server only. *Trades* previews, and sends with the preview's
token. *Stops* cancels or closes, and no limit holds it up. An argument that is unknown or out of
its bounds is refused before anything happens. Every answer says its mode; `null` is unknown, never
zero. A refusal reads `[code] what happened. Next: what to do.` What is not listed by
default is there once `TOOLSETS` names its set, or `all`.
"""
BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} items"),
    ("pattern", "like `{}`"),
)


def page() -> str:
    """Return the page as Markdown."""
    told, toolset = [HEAD], ""
    for offer in Catalog(toolsets()).offers.values():
        if offer.toolset != toolset:
            toolset = offer.toolset
            told.append(f"\n## {toolset}\n")
        told.append(_tool(offer))
    return "".join(told)


def _tool(offer: Offer) -> str:
    tool = offer.tool
    about = "\n\n".join(" ".join(part.split()) for part in tool.description.split("\n\n"))
    rows = "".join(f"{row}\n" for row in _rows(tool.parameters))
    table = (
        f"\n| argument | type | default | what it is |\n|---|---|---|---|\n{rows}" if rows else ""
    )
    listed = ", listed by default" if offer.basic else ""
    return f"\n### {tool.name}\n\n*{effect_word(tool.annotations)}*{listed}. {about}\n{table}"


def _rows(schema: dict[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    defined = schema.get("$defs", {})
    for name, argument in schema.get("properties", {}).items():
        default = "required" if name in required else _default(argument)
        cells = (f"`{name}`", _type(argument, defined), default, _about(argument))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(argument: dict[str, Any], defined: dict[str, Any]) -> str:
    """Return an argument's type in words, its enumeration where it has one."""
    if "$ref" in argument:
        return _type(defined[argument["$ref"].rpartition("/")[2]], defined)
    if "anyOf" in argument:
        return " or ".join(_type(one, defined) for one in argument["anyOf"])
    if "enum" in argument or "const" in argument:
        return ", ".join(f"`{value}`" for value in argument.get("enum", [argument.get("const")]))
    if argument.get("type") == "array":
        return f"list of {_type(argument.get('items', {}), defined)}"
    named: dict[str, str] = {"string": "text", "boolean": "true or false", "object": "object"}
    kind = str(argument.get("type", "any"))
    return named.get(kind, kind)


def _default(argument: dict[str, Any]) -> str:
    default = argument.get("default")
    if default is None:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _about(argument: dict[str, Any]) -> str:
    bounds = [text.format(_number(argument[key])) for key, text in BOUNDS if key in argument]
    return "; ".join([*filter(None, [" ".join(argument.get("description", "").split())]), *bounds])


def _number(value: Any) -> str:
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)
