"""Expressions of workflow files: `${{ }}` inside values, and conditions; no eval, nothing but what the scope holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpt_trader.core.errors import did_you_mean
from gpt_trader.workflow.cel import ExpressionError, Mention, program
from gpt_trader.workflow.celvalues import activation, from_cel
from gpt_trader.workflow.paths import MISSING, child, names

__all__ = ["Condition", "ExpressionError", "Mention", "Template", "condition", "mentions", "references", "template"]

OPEN, CLOSE = "${{", "}}"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_KEY = r"\[\s*(?:\d{1,9}|'[^'\\]*'|\"[^\"\\]*\")\s*\]"
_PATH = re.compile(rf"\s*{_NAME}(?:\.{_NAME}|{_KEY})*\s*")
_PART = re.compile(rf"({_NAME})|\[\s*(?:(\d+)|'([^']*)'|\"([^\"]*)\")\s*\]")
_WORD = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\}\}|[{}]", re.DOTALL)
_STEPS = ("steps",)
_LITERALS = frozenset({"true", "false", "null", "in"})

Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression: what it refers to, and its value in a scope."""

    text: str
    mentions: tuple[Mention, ...]
    value: Callable[[Scope], Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A JSON value with expressions in it; a constant one resolves to itself."""

    source: Any
    constant: bool
    mentions: tuple[Mention, ...]
    _value: Callable[[Scope], Any]

    def resolve(self, scope: Scope) -> Any:
        """The value in this scope: a whole `${{ }}` keeps its type, mixed text becomes text."""
        return self._value(scope)


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression that must be true or false."""

    text: str
    mentions: tuple[Mention, ...]
    _value: Callable[[Scope], Any]

    def holds(self, scope: Scope) -> bool:
        """Whether it is true in this scope."""
        value = self._value(scope)
        if isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}:
            return bool(value)
        raise ExpressionError(self.text, f"gives {value!r:.60}, which is not true or false")


def template(value: Any) -> Template:
    """The template of any JSON value; the parts of it that are text are read once."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, Sequence):
        return _sequence(value)
    return _constant(value)


@lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """The condition of a text, with or without its `${{ }}`."""
    parts = _split(text)
    inner = [p for p in parts if isinstance(p, Expression)]
    if not inner:
        whole = _expression(text, 0)
    elif len(inner) == 1 and all(isinstance(p, Expression) or not p.strip() for p in parts):
        whole = inner[0]
    else:
        raise ExpressionError(text, "a condition is one expression", hint="put all of it inside one ${{ }}")
    return Condition(whole.text, whole.mentions, whole.value)


def references(text: str) -> list[tuple[str, ...]]:
    """What a text with `${{ }}`, or one bare expression, refers to."""
    found = _text(text).mentions if OPEN in text else _expression(text, 0).mentions
    return [tuple(str(part) for part in m.path) for m in found]


def mentions(value: Any) -> tuple[Mention, ...]:
    """All references inside the `${{ }}` of any JSON value; an offset counts within its own text."""
    return template(value).mentions


# --- templates --------------------------------------------------------------------------------------------------------


def _constant(value: Any) -> Template:
    return Template(value, True, (), lambda _scope: value)


@lru_cache(maxsize=4096)
def _text(text: str) -> Template:
    if OPEN not in text:
        return _constant(text)
    parts = _split(text)
    found = tuple(m for p in parts if isinstance(p, Expression) for m in p.mentions)
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return Template(text, False, found, parts[0].value)
    return Template(text, False, found, lambda scope: _mixed(parts, scope))


def _mapping(value: Mapping[str, Any]) -> Template:
    inner = {key: template(item) for key, item in value.items()}
    if all(t.constant for t in inner.values()):
        return _constant(value)
    found = tuple(m for t in inner.values() for m in t.mentions)
    return Template(value, False, found, lambda scope: {key: t.resolve(scope) for key, t in inner.items()})


def _sequence(value: Sequence[Any]) -> Template:
    inner = [template(item) for item in value]
    if all(t.constant for t in inner):
        return _constant(value)
    found = tuple(m for t in inner for m in t.mentions)
    return Template(value, False, found, lambda scope: [t.resolve(scope) for t in inner])


def _mixed(parts: Sequence[str | Expression], scope: Scope) -> str:
    return "".join(p if isinstance(p, str) else _shown(p, p.value(scope)) for p in parts)


def _shown(expression: Expression, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, Mapping | list | tuple):
        try:
            return json.dumps(value, ensure_ascii=False, default=str)
        except (TypeError, ValueError) as error:
            raise ExpressionError(expression.text, f"cannot be written as text: {error}") from None
    if getattr(value, "ndim", None):
        raise ExpressionError(expression.text, f"is a {type(value).__name__}, which cannot stand inside text")
    return str(value)


def _split(text: str) -> list[str | Expression]:
    parts: list[str | Expression] = []
    at = 0
    while (start := text.find(OPEN, at)) >= 0:
        if start > at:
            parts.append(text[at:start])
        end = _end(text, start + len(OPEN))
        inner = text[start + len(OPEN) : end]
        parts.append(_expression(inner, start + len(OPEN)))
        at = end + len(CLOSE)
    if at < len(text):
        parts.append(text[at:])
    return parts


def _end(text: str, start: int) -> int:
    depth = 0
    at = start
    while (found := _WORD.search(text, at)) is not None:
        at = found.end()
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
        elif found[0] == CLOSE:
            if depth <= 0:
                return found.start()
            depth -= 1
            at -= 1
    raise ExpressionError(text[start:], "the ${{ is never closed", hint="close it with }}", offset=0)


# --- one expression: a bare path is walked in Python, all else is computed by CEL -------------------------------------


def _expression(text: str, start: int) -> Expression:
    try:
        whole = _whole(text)
    except ExpressionError as error:
        error.offset += start
        raise
    moved = tuple(Mention(m.path, m.offset + start, m.optional) for m in whole.mentions)
    return Expression(whole.text, moved, whole.value)


@lru_cache(maxsize=4096)
def _whole(text: str) -> Expression:
    if _PATH.fullmatch(text) and text.strip() not in _LITERALS:
        path = _parsed(text)
        mention = Mention(path, len(text) - len(text.lstrip()))
        return Expression(text, (mention,), lambda scope: _walk(text, path, scope))
    compiled = program(text)
    return Expression(text, compiled.mentions, lambda scope: from_cel(compiled.run(activation(compiled, scope))))


def _parsed(text: str) -> tuple[str | int, ...]:
    found = _PART.finditer(text)
    return tuple(int(m[2]) if m[2] else next(g for g in (m[1], m[3], m[4], "") if g is not None) for m in found)


def _walk(text: str, path: tuple[str | int, ...], scope: Scope) -> Any:
    value: Any = scope
    for depth, key in enumerate(path):
        inner = child(value, key)
        if inner is MISSING:
            where = ".".join(str(p) for p in path[:depth]) or "this place"
            problem = f"there is no '{key}' in {where}" if isinstance(key, str) else f"{where} has no item {key}"
            skipped = f"it failed or was skipped; `has(steps.{key})` asks whether it is there"
            near = skipped if path[:depth] == _STEPS else did_you_mean(str(key), names(value))
            raise ExpressionError(text, problem, hint=near)
        value = inner
    return value
