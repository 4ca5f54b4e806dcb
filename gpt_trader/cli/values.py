"""Turns the words of options into the few types that our commands take, without the machinery that typer loads."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

from gpt_trader.core.errors import UsageError

_PLAIN = (str, int, float, bool, Path)


def lighten(param: Any) -> None:
    """Let a parameter of a command read its own values, if its type is one of ours."""
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    several = get_origin(annotation) is list
    kind = get_args(annotation)[0] if several else annotation
    if kind in _PLAIN:
        param.process_value = partial(_process, param, kind, several)


def _process(param: Any, kind: type, several: bool, ctx: Any, value: Any) -> Any:
    found: Any = [_read(param, kind, v) for v in value or ()] if several else _read(param, kind, value)
    if param.required and found in (None, []):
        raise UsageError(f"{_name(param)} is missing")
    return found if param.callback is None else param.callback(ctx, param, found)


def _name(param: Any) -> str:
    if param.param_type_name == "argument":
        return str(param.metavar or param.name).strip("[].")
    return str(max(param.opts, key=len))


def _read(param: Any, kind: type, value: Any) -> Any:
    if value is None:
        return None
    try:
        found = value if isinstance(value, kind) else kind(value)
    except ValueError:
        word = "a whole number" if kind is int else "a number"
        raise UsageError(f"{_name(param)} must be {word}, not '{value}'") from None
    return _in_range(param, found)


def _in_range(param: Any, value: Any) -> Any:
    least = getattr(param.type_descriptor.parameter_info, "min", None)
    if least is not None and value < least:
        raise UsageError(f"{_name(param)} must be at least {least}, not {value}")
    return value
