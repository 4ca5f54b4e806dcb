"""The one file that knows which CEL engine computes expressions: it compiles, tells what is referred to, and evaluates.

Of the two engines tried, cel-expr-python (C++) imports in milliseconds, has a recursion limit and an iteration budget,
and takes further overloads; common-expression-language needs half a second and has none of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_LENGTH = 10_000
_TYPES = frozenset(["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"])
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")
_NO_TRUTH = re.compile(r"^No matching overloads found : (<jump_condition>|!_|_&&_|_\|\|_)$")
_OVERLOAD = re.compile(r"found no matching overload for '(\S+)' applied to '\((.*)\)'")


class ExpressionError(ValidationError):
    """An expression that cannot be read or computed; it names the expression, and where in it."""

    def __init__(self, expression: str, problem: str, *, hint: str | None = None, offset: int = 0) -> None:
        shown = expression if len(expression) <= 200 else expression[:200] + " ..."
        super().__init__(f"${{{{ {shown.strip()} }}}}: {problem}", hint=hint)
        self.expression = expression
        self.problem = problem
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where an expression refers to a value; an optional one stands inside `has()`."""

    path: tuple[str | int, ...]
    offset: int
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression and all that it refers to."""

    text: str
    mentions: tuple[Mention, ...]
    _compiled: Any

    def run(self, data: Mapping[str, Any]) -> Any:
        """The value over these variables, as plain Python."""
        try:
            value = self._compiled.eval(data=data)
            if value.type().name() in {"ERROR", "UNKNOWN"}:
                raise ExpressionError(self.text, _reason(str(value.plain_value())))
            return value.plain_value()
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise ExpressionError(self.text, _reason(str(error))) from None


@lru_cache(maxsize=4096)
def program(text: str) -> Program:
    """Compile an expression; whatever names it uses are declared, for the caller to judge."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(text, f"it is longer than {MAX_LENGTH} characters")
    if not text.strip():
        raise ExpressionError(text, "it is empty")
    parsed = _compile(_environment(frozenset()), text, check=False)
    mentions = tuple(_mentions(parsed.serialize()))
    roots = frozenset(str(m.path[0]) for m in mentions)
    return Program(text, mentions, _compile(_environment(roots), text, check=True))


def _compile(environment: Any, text: str, *, check: bool) -> Any:
    try:
        return environment.compile(text, disable_check=not check)
    except (RuntimeError, ValueError, TypeError) as error:
        line, column, problem = _syntax(str(error))
        start = sum(len(row) + 1 for row in text.split("\n")[: line - 1])
        raise ExpressionError(text, problem, offset=max(0, min(start + column - 1, len(text)))) from None


def _syntax(message: str) -> tuple[int, int, str]:
    found = _PLACE.search(message)
    if found is None:
        return 1, 1, _reason(message)
    overload = _OVERLOAD.search(found[3])
    if overload:
        return int(found[1]), int(found[2]), f"{overload[1].strip('_@')} does not go with {overload[2]}"
    problem = found[3].partition(" expecting ")[0].removeprefix("Syntax error: ")
    problem = "it ends too early" if "<EOF>" in problem else problem
    problem = re.sub(r"undeclared reference to '(.*?)' .*", r"there is no function '\1'", problem)
    return int(found[1]), int(found[2]), re.sub(r"\s*\[[A-Z_]+\]$", "", problem)


def _reason(message: str) -> str:
    text = re.sub(r"^[A-Z_]+: ", "", message.strip())
    text = re.sub(r"\s*\[[A-Z_]+\]$", "", text).partition("\n")[0]
    text = re.sub(r"^No matching overloads found : (\S+?)\((.*)\)$", _without_overload, text)
    text = _NO_TRUTH.sub("a condition is not true or false", text)
    return text.replace('Key not found in map : "', 'there is no "')


def _without_overload(found: re.Match[str]) -> str:
    return f"{found[1].strip('_@')} does not go with {found[2]}"


# --- the environment: CEL's own operators, and those that mix integers with floats ------------------------------------

_ARITHMETIC = {
    "_+_": "int,int,int double,double,double uint,uint,uint string,string,string bytes,bytes,bytes list,list,list "
    "timestamp,timestamp,duration timestamp,duration,timestamp duration,duration,duration",
    "_-_": "int,int,int double,double,double uint,uint,uint timestamp,timestamp,duration duration,timestamp,timestamp "
    "duration,duration,duration",
    "_*_": "int,int,int double,double,double uint,uint,uint",
    "_/_": "int,int,int double,double,double uint,uint,uint",
    "_%_": "int,int,int uint,uint,uint",
}
_LOOSE = {
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"), "bool,dyn,dyn"),
    "@in": "bool,dyn,list bool,dyn,map",
    "_?_:_": "dyn,bool,dyn,dyn",
}


@cache
def _environment(roots: frozenset[str]) -> Any:
    from cel_expr_python import cel  # type: ignore[import-untyped]  # its stubs are not marked

    hidden = "".join(f'    - name: "{name}"\n' for name in (*_ARITHMETIC, *_LOOSE))
    config = cel.NewEnvConfigFromYaml(f"stdlib:\n  exclude_functions:\n{hidden}")
    functions = [cel.FunctionDecl(name, list(_overloads(cel, name))) for name in (*_ARITHMETIC, *_LOOSE)]
    return cel.NewEnv(variables=dict.fromkeys(sorted(roots), cel.Type.DYN), config=config, functions=functions)


def _overloads(cel: Any, name: str) -> Iterator[Any]:
    for signature in (_ARITHMETIC | _LOOSE)[name].split():
        returns, *takes = (getattr(cel.Type, word.upper()) for word in signature.split(","))
        yield cel.Overload(f"{name}:{signature}", returns, takes, False)
    if name in _ARITHMETIC:
        act, whole, real = _mixing(name), cel.Type.INT, cel.Type.DOUBLE
        yield cel.Overload(f"{name}:mixed1", real, [real, whole], False, act)
        yield cel.Overload(f"{name}:mixed2", real, [whole, real], False, act)
        if name == "_%_":
            yield cel.Overload(f"{name}:mixed3", real, [real, real], False, act)


def _mixing(name: str) -> Any:
    import math
    import operator

    acts = {"_+_": operator.add, "_-_": operator.sub, "_*_": operator.mul, "_/_": operator.truediv, "_%_": math.fmod}
    return acts[name]


# --- references, read from the parsed expression (the messages of cel/expr/syntax.proto) ------------------------------


def _mentions(serialized: bytes) -> Iterator[Mention]:
    parsed = dict(_fields(dict(_fields(serialized))[2]))
    entries = (dict(_fields(data)) for number, data in _fields(parsed.get(3, b"")) if number == 4)
    places = {entry.get(1, 0): entry.get(2, 0) for entry in entries}
    for path, identity, optional in _visit(parsed[2], frozenset(_TYPES)):
        yield Mention(path, int(places.get(identity, 0)), optional)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        size, at = _varint(data, at) if wire == 2 else ({1: 8, 5: 4}[wire], at)  # length-delimited
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:  # the last byte of a varint
            return value, at
        shift += 7


_Found = tuple[tuple[str | int, ...], int, bool]
_IDENT, _SELECT, _CALL, _LIST, _MAP, _COMPREHENSION = 4, 5, 6, 7, 8, 9
_INSIDE: dict[int, set[int]] = {_SELECT: {1}, _CALL: {1, 3}, _LIST: {1}, _MAP: set()}


def _visit(expression: bytes, bound: frozenset[str]) -> Iterator[_Found]:
    chain = _chain(expression)
    if chain is not None:
        if chain[0][0] not in bound:
            yield chain
        return
    for number, data in _fields(expression):
        if number == _COMPREHENSION:
            yield from _comprehension(data, bound)
        elif number in _INSIDE:
            for inner in _inside(number, data):
                yield from _visit(inner, bound)


def _inside(number: int, data: bytes) -> Iterator[bytes]:
    for kind, inner in _fields(data):
        if kind in _INSIDE[number]:
            yield inner
        elif number == _MAP and kind == 2:
            yield from (part for key, part in _fields(inner) if key in {3, 4})


def _comprehension(data: bytes, bound: frozenset[str]) -> Iterator[_Found]:
    parts = dict(_fields(data))
    inside = bound | {parts[n].decode() for n in (1, 3, 8) if n in parts}
    for number in (2, 4, 5, 6, 7):
        yield from _visit(parts.get(number, b""), bound if number == 2 else inside)  # the range


def _chain(expression: bytes) -> _Found | None:
    fields = dict(_fields(expression))
    if _IDENT in fields:
        name = dict(_fields(fields[_IDENT])).get(1, b"").decode()
        return (name.removeprefix("."),), int(fields.get(2, 0)), False
    if _SELECT in fields:
        select = dict(_fields(fields[_SELECT]))
        return _longer(select[1], select[2].decode(), optional=bool(select.get(3, 0)))
    if _CALL in fields:
        call = [f for f in _fields(fields[_CALL]) if f[0] in {2, 3}]
        if len(call) == 3 and call[0] == (2, b"_[_]"):  # the operator and its two sides
            key = _constant(call[2][1])
            return None if key is None else _longer(call[1][1], key)
    return None


def _longer(operand: bytes, key: str | int, *, optional: bool = False) -> _Found | None:
    chain = _chain(operand)
    return None if chain is None else ((*chain[0], key), chain[1], chain[2] or optional)


def _constant(expression: bytes) -> str | int | None:
    for number, data in _fields(dict(_fields(expression)).get(3, b"")):
        if number == 6:  # a string
            return str(data.decode())
        if number == 3:  # an integer
            return int(data) if data < 1 << 63 else int(data) - (1 << 64)
    return None
