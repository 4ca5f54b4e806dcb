"""The inputs of a run: given ones checked by their schemas, the others filled in, and words turned into values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import ValidationError, did_you_mean
from gpt_trader.workflow.jsonchecks import problems

if TYPE_CHECKING:
    from gpt_trader.workflow.definition import Workflow


def resolve_inputs(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every input, in the order of their declaration; one error names all that is wrong."""
    wrong = list(_unknown(workflow, given))
    values: dict[str, Any] = {}
    for name, schema in workflow.inputs.items():
        if name in given:
            values[name] = _plain(given[name], schema)
            wrong += [(f"input '{name}': {p.message.strip()}", p.hint) for p in problems(schema, values[name])]
        elif "default" in schema:
            values[name] = schema["default"]
        else:
            wrong.append((f"input '{name}' is required", schema.get("description")))
    _raise(workflow, wrong)
    return values


def coerce_inputs(workflow: Workflow, texts: Mapping[str, list[str]]) -> dict[str, Any]:
    """The values of inputs written as words: `AAPL MSFT`, `AAPL,MSFT`, `5000`, `true`, or JSON."""
    wrong = list(_unknown(workflow, texts))
    values: dict[str, Any] = {}
    for name, words in texts.items():
        if name in workflow.inputs:
            try:
                values[name] = _value(workflow.inputs[name], words)
            except ValueError as error:
                wrong.append((f"input '{name}': {error}", workflow.inputs[name].get("description")))
    _raise(workflow, wrong)
    return values


def _unknown(workflow: Workflow, given: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    for name in given:
        if name not in workflow.inputs:
            hint = did_you_mean(name, workflow.inputs) or f"the workflow '{workflow.name}' takes no inputs"
            yield f"no input is called '{name}'", hint


def _raise(workflow: Workflow, wrong: list[tuple[str, str | None]]) -> None:
    if wrong:
        hints = dict.fromkeys(hint for _, hint in wrong if hint)
        text = "; ".join(message for message, _ in wrong)
        raise ValidationError(f"{workflow.name}: {text}", hint="; ".join(hints) or None)


def _plain(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, tuple | list):
        items = schema.get("items", {})
        return [_plain(item, items if isinstance(items, Mapping) else {}) for item in value]
    if isinstance(value, Mapping):
        inner = schema.get("properties", {})
        return {key: _plain(item, inner.get(key, {})) for key, item in value.items()}
    whole = isinstance(value, float) and value.is_integer() and schema.get("type") == "integer"
    return int(value) if whole else value


# --- words of the command line ----------------------------------------------------------------------------------------


def _value(schema: Mapping[str, Any], words: list[str]) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return _list(schema, words)
    if len(words) != 1:
        raise ValueError(f"takes one value, not {len(words)}")
    return _READ.get(str(kind), _guess)(words[0])


def _list(schema: Mapping[str, Any], words: list[str]) -> list[Any]:
    if len(words) == 1 and words[0].lstrip().startswith("["):
        return list(_json(words[0]))
    items = schema.get("items", {})
    pieces = [piece.strip() for word in words for piece in word.split(",")]
    return [_value(items, [piece]) for piece in pieces if piece]


def _integer(word: str) -> int:
    try:
        return int(word.replace("_", ""))
    except ValueError:
        raise ValueError(f"must be a whole number, not '{word:.60}'") from None


def _number(word: str) -> float | int:
    try:
        return int(word.replace("_", ""))
    except ValueError:
        pass
    try:
        value = float(word.replace("_", ""))
    except ValueError:
        raise ValueError(f"must be a number, not '{word:.60}'") from None
    if value - value != 0:
        raise ValueError(f"must be a finite number, not '{word:.60}'")
    return value


_TRUTHS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def _boolean(word: str) -> bool:
    if word.lower() not in _TRUTHS:
        raise ValueError(f"must be true or false, not '{word:.60}'")
    return _TRUTHS[word.lower()]


def _json(word: str) -> Any:
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        raise ValueError(f"must be JSON, not '{word:.60}'") from None


def _guess(word: str) -> Any:
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        return word


_READ: dict[str, Callable[[str], Any]] = {
    "string": str,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "object": _json,
    "null": _json,
}
