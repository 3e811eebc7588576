"""JSON schemas as small as they can be told to a model, and plain for every host."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

BRIEF: Final = MappingProxyType({"type": "object"})
CLOSED: Final = MappingProxyType({"additionalProperties": False})
REFERENCE: Final = "#/$defs/"
Change = Callable[[dict[str, Any]], dict[str, Any]]


def arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a tool's arguments, closed, untitled and without null.

    "string or null, default null" becomes an optional string: some hosts refuse a schema
    without a type, and every null costs tokens. A definition stands where it is used, without
    the words its readers in the code have. What is accepted does not change.
    """
    defined = schema.get("$defs", {})
    inline = {key: value for key, value in schema.items() if key != "$defs"}
    return {**_slim(inline, lambda node: _without_null(_placed(node, defined))), **CLOSED}


def answer(schema: dict[str, Any], *, full: bool) -> dict[str, Any]:
    """Return the schema of a tool's answer without titles; null there means unknown.

    In brief it only says that there is one: a model reads the fields from the answer
    itself, and all of them would be five times the rest of the list.
    """
    return _slim(schema, dict) if full else dict(BRIEF)


def _slim(schema: dict[str, Any], change: Change) -> dict[str, Any]:
    return {
        key: _slim_value(key, value, change)
        for key, value in change(schema).items()
        if key != "title" and not (key == "default" and value is None)
    }


def _slim_value(key: str, value: Any, change: Change) -> Any:
    if key in {"properties", "$defs"}:  # a map of names, where "title" is a name like another
        return {name: _slim(inner, change) for name, inner in value.items()}
    if isinstance(value, dict):
        return _slim(value, change)
    if isinstance(value, list):
        return [_slim(item, change) if isinstance(item, dict) else item for item in value]
    return value


def _placed(schema: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    if not str(schema.get("$ref", "")).startswith(REFERENCE):
        return schema
    meant = defined[schema["$ref"].removeprefix(REFERENCE)]
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {key: value for key, value in meant.items() if key != "description"} | rest


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("anyOf")
    if options is None or {"type": "null"} not in options or schema.get("default", 0) is not None:
        return schema
    kept = [option for option in options if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**rest, **kept[0]} if len(kept) == 1 else {**rest, "anyOf": kept}
