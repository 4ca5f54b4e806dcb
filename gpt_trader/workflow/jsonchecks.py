"""Checks JSON values against a schema and says what is wrong in words for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpt_trader.core.errors import did_you_mean
from gpt_trader.workflow.fitting import fits

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a value: where, and whether the key itself is meant."""

    code: str
    message: str
    path: Path
    hint: str | None = None
    at_key: bool = False


def problems(schema: Mapping[str, Any], value: Any) -> Iterator[Problem]:
    """Everything that is wrong with a value by a schema of draft 7, in the order of the value."""
    if fits(schema, value):
        return
    from jsonschema import Draft7Validator

    found = Draft7Validator(schema).iter_errors(value)
    for error in sorted(found, key=lambda e: [str(part) for part in e.absolute_path]):
        yield from _explained(error)


def _explained(error: Any) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown(error, path)
    elif error.validator == "required":
        name = next(n for n in error.validator_value if n not in error.instance and f"'{n}'" in error.message)
        yield Problem("missing-key", f"{_subject(path)}needs '{name}'", path, _titled(error))
    elif "propertyNames" in error.absolute_schema_path:
        expected = error.schema.get("title", "allowed here")
        yield Problem("bad-name", f"'{error.instance:.80}' is not {expected}", (*path, error.instance), at_key=True)
    else:
        yield _wrong(error, path)


def _unknown(error: Any, path: Path) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    for key in error.instance:
        if key not in known:
            yield Problem(
                "unknown-key", f"'{key:.80}' is no key here", (*path, key), did_you_mean(key, known), at_key=True
            )


_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a map",
    "string": "text",
}


def _wrong(error: Any, path: Path) -> Problem:
    code, message, hint = _RULES.get(error.validator, _out_of_range)(error, shown(error.instance))
    return Problem(code, _subject(path) + message, path, hint)


_Said = tuple[str, str, str | None]


def _wrong_type(error: Any, value: str) -> _Said:
    rule = error.validator_value
    wanted = " or ".join(_TYPES[t] for t in ([rule] if isinstance(rule, str) else rule))
    hint = _titled(error) or _quote_hint(rule, error.instance)
    return "wrong-type", f"must be {wanted}, not {value}", hint


def _other_word(error: Any, value: str) -> _Said:
    rule = [error.validator_value] if error.validator == "const" else error.validator_value
    words = ", ".join(shown(word) for word in rule)
    hint = did_you_mean(str(error.instance), [str(word) for word in rule])
    few = "must be" if len(rule) == 1 else "must be one of"
    return "not-allowed", f"{few} {words}, not {value}", hint if hint and hint.startswith("did") else None


def _other_form(error: Any, value: str) -> _Said:
    title = error.schema.get("title")
    return "wrong-form", f"must be {title or f'text that matches {error.validator_value}'}, not {value}", None


def _too_few(error: Any, value: str) -> _Said:
    return ("empty", "must not be empty", _titled(error)) if error.validator_value == 1 else _out_of_range(error, value)


def _too_many(error: Any, value: str) -> _Said:
    del value
    return "too-many-keys", f"takes exactly one of {', '.join(error.schema.get('properties', {}))}", None


def _twice(error: Any, value: str) -> _Said:
    del error, value
    return "twice", "names something twice", None


def _out_of_range(error: Any, value: str) -> _Said:
    limit = _LIMITS.get(error.validator, f"must keep {error.validator} {{}}").format(error.validator_value)
    return "out-of-range", f"{limit}, not {value}", None


def _titled(error: Any) -> str | None:
    title = error.schema.get("title")
    return f"write {title}" if title else None


_RULES: Mapping[str, Callable[[Any, str], _Said]] = {
    "type": _wrong_type,
    "enum": _other_word,
    "const": _other_word,
    "pattern": _other_form,
    "minItems": _too_few,
    "minLength": _too_few,
    "minProperties": _too_few,
    "maxProperties": _too_many,
    "uniqueItems": _twice,
}
_LIMITS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minLength": "must be at least {} characters long",
    "maxLength": "must be at most {} characters long",
}


def _quote_hint(rule: Any, value: Any) -> str | None:
    if "string" in rule and isinstance(value, bool | int | float):
        return "put it in quotes if it is meant as text"
    return None


def _subject(path: Path) -> str:
    names = [part for part in path if isinstance(part, str)]
    if not path:
        return ""
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of '{names[-1]}' " if names else f"item {path[-1] + 1} "
    return f"'{path[-1]:.80}' "


def shown(value: Any) -> str:
    """A short text for any value."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    return f"'{value:.60}'" if isinstance(value, str) else f"{value}"
