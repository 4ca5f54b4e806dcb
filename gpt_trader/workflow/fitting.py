"""Sees quickly that a value fits a schema, so that jsonschema, which takes long to import, is asked only in doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any

Schema = Mapping[str, Any]
_REFERENCE = re.compile(r"#/definitions/([\w-]+)")


def fits(schema: Any, value: Any, root: Schema | None = None) -> bool:
    """True only where jsonschema would find nothing wrong; False also for what is not understood here."""
    if not isinstance(schema, Mapping):
        return schema is True
    root = schema if root is None else root
    if "$ref" in schema:  # what stands beside it counts for nothing in draft 7
        named = _REFERENCE.fullmatch(schema["$ref"])
        return named is not None and fits(root.get("definitions", {}).get(named[1]), value, root)
    return all(word in _NOTES or (word in _RULES and _RULES[word](schema, value, root)) for word in schema)


_Rule = Callable[[Schema, Any, Schema], bool]
_NOTES = frozenset({"default", "definitions", "description", "examples", "format", "title"})
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: type(value) is int,
    "null": lambda value: value is None,
    "number": lambda value: type(value) in (int, float),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _of_type(schema: Schema, value: Any, root: Schema) -> bool:
    del root
    rule = schema["type"]
    return any(each in _TYPES and _TYPES[each](value) for each in ([rule] if isinstance(rule, str) else rule))


def _same(one: Any, other: Any) -> bool:
    """Certain for single values of one type: 1 is not true, and lists may hold either."""
    return type(one) is type(other) and not isinstance(one, list | dict) and bool(one == other)


def _about(kind: type, word: str, keeps: Callable[[Any, Any], bool]) -> _Rule:
    """A rule about values of one kind; whatever else there is keeps it."""

    def rule(schema: Schema, value: Any, root: Schema) -> bool:
        del root
        return isinstance(value, bool) or not isinstance(value, kind) or keeps(value, schema[word])

    return rule


def _of_items(schema: Schema, value: Any, root: Schema) -> bool:
    return not isinstance(value, list) or all(fits(schema["items"], item, root) for item in value)


def _of_names(schema: Schema, value: Any, root: Schema) -> bool:
    return not isinstance(value, dict) or all(fits(schema["propertyNames"], name, root) for name in value)


def _of_properties(schema: Schema, value: Any, root: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    return all(fits(known.get(name, others), each, root) for name, each in value.items())


def _unlike(value: list[Any], wanted: bool) -> bool:  # noqa: FBT001 - the rule's own value
    return not wanted or (all(isinstance(item, str) for item in value) and len(set(value)) == len(value))


_RULES: Mapping[str, _Rule] = {
    "type": _of_type,
    "enum": lambda schema, value, _: any(_same(value, each) for each in schema["enum"]),
    "const": lambda schema, value, _: _same(value, schema["const"]),
    "pattern": _about(str, "pattern", lambda value, form: re.search(form, value) is not None),
    "minLength": _about(str, "minLength", lambda value, least: len(value) >= least),
    "maxLength": _about(str, "maxLength", lambda value, most: len(value) <= most),
    "minimum": _about(Number, "minimum", lambda value, least: bool(value >= least)),
    "maximum": _about(Number, "maximum", lambda value, most: bool(value <= most)),
    "exclusiveMinimum": _about(Number, "exclusiveMinimum", lambda value, bound: bool(value > bound)),
    "exclusiveMaximum": _about(Number, "exclusiveMaximum", lambda value, bound: bool(value < bound)),
    "items": _of_items,
    "minItems": _about(list, "minItems", lambda value, least: len(value) >= least),
    "maxItems": _about(list, "maxItems", lambda value, most: len(value) <= most),
    "uniqueItems": _about(list, "uniqueItems", _unlike),
    "properties": _of_properties,
    "additionalProperties": _of_properties,
    "required": _about(dict, "required", lambda value, names: all(name in value for name in names)),
    "propertyNames": _of_names,
    "minProperties": _about(dict, "minProperties", lambda value, least: len(value) >= least),
    "maxProperties": _about(dict, "maxProperties", lambda value, most: len(value) <= most),
    "allOf": lambda schema, value, root: all(fits(each, value, root) for each in schema["allOf"]),
}
