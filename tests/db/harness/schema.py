"""A small validator of JSON Schema: the keywords that docs/json.schema.json uses. It is stricter in
one thing: what a schema does not name must not be there, so that no member goes undescribed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "docs" / "json.schema.json").read_text()
)

_TYPES: dict[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_KEYWORDS = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "const", "enum", "not"),
    *("pattern", "minimum", "maximum", "properties", "required", "items"),
    *("anyOf", "allOf", "if", "then"),
}


class Invalid(Exception):
    """What is wrong, and where."""


def check_documents(text: str) -> None:
    """Every line that is a document of --migrate-json, or an event, is as the schema says."""
    for line in text.splitlines():
        document = line.startswith('{"inlay": "') and '"verb": ' in line
        if document or line.startswith('{"event": '):
            validate(json.loads(line))


def validate(document: Any) -> None:
    """Raises Invalid."""
    _value(SCHEMA, document, "")


def _value(schema: dict[str, Any], value: Any, at: str) -> None:
    named = _names(schema, value, at)
    if isinstance(value, dict) and not value.keys() <= named:
        raise Invalid(f"{at}: {sorted(value.keys() - named)} is in no schema")


def _names(schema: dict[str, Any], value: Any, at: str) -> set[str]:
    """Checks everything but that; returns the names of members that it has a schema for."""
    assert schema.keys() <= _KEYWORDS, schema.keys() - _KEYWORDS
    _scalar(schema, value, at)
    named: set[str] = set()
    for part in [*_parts(schema, value), *_chosen(schema, value, at)]:
        named |= _names(part, value, at)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            _value(schema["items"], item, f"{at}/{index}")
    if isinstance(value, dict):
        named |= _members(schema, value, at)
    return named


def _scalar(schema: dict[str, Any], value: Any, at: str) -> None:
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    right = [
        isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in types
    ]
    wrong = (
        (types and not any(right))
        or ("const" in schema and value != schema["const"])
        or ("enum" in schema and value not in schema["enum"])
        or ("not" in schema and _fits(schema["not"], value))
    )
    if isinstance(value, str) and "pattern" in schema:
        wrong = wrong or not re.search(schema["pattern"], value)
    if isinstance(value, int):
        least, most = schema.get("minimum", value), schema.get("maximum", value)
        wrong = wrong or not least <= value <= most
    if wrong:
        raise Invalid(f"{at}: {value!r} is not {schema}")


def _members(schema: dict[str, Any], value: dict[str, Any], at: str) -> set[str]:
    properties = schema.get("properties", {})
    missing = [name for name in schema.get("required", []) if name not in value]
    if missing:
        raise Invalid(f"{at}: {missing} is missing")
    for name in properties.keys() & value.keys():
        _value(properties[name], value[name], f"{at}/{name}")
    return set(properties)


def _parts(schema: dict[str, Any], value: Any) -> list[dict[str, Any]]:
    """Further schemas that hold for the same value."""
    parts = list(schema.get("allOf", []))
    if "$ref" in schema:
        parts.append(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    if "if" in schema and _fits(schema["if"], value):
        parts.append(schema["then"])
    return parts


def _chosen(schema: dict[str, Any], value: Any, at: str) -> list[dict[str, Any]]:
    choices = schema.get("anyOf")
    if not choices:
        return []
    for choice in choices[:-1]:
        if _fits(choice, value):
            return [choice]
    return [choices[-1]]


def _fits(schema: dict[str, Any], value: Any) -> bool:
    try:
        _names(schema, value, "")
    except Invalid:
        return False
    return True
