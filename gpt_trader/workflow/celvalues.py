"""What CEL may see of Python's values: only what an expression mentions, with every number a float so that they mix.

A moment is its ISO text in UTC (`timestamp(item.at)` computes with it), a length of time its seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from gpt_trader.workflow.cel import ExpressionError
from gpt_trader.workflow.paths import MISSING, child

if TYPE_CHECKING:
    from gpt_trader.workflow.cel import Program

MAX_ITEMS = 100_000
_EXACT = 1 << 53
_AS_THEY_ARE = frozenset({type(None), bool, str, bytes, float})


def activation(program: Program, scope: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of one evaluation: the values at the mentioned paths, and nothing beside them."""
    wanted: dict[str, Any] = {}
    for mention in program.mentions:
        inner = wanted
        path = _until_index(mention.path)
        for key in path[:-1]:
            above, inner = inner, inner.setdefault(key, {})
            if inner is _PRESENT:
                inner = above[key] = {}
            if inner is _WHOLE:
                break
        else:
            if mention.optional and len(path) == len(mention.path):
                inner.setdefault(path[-1], _PRESENT)
            else:
                inner[path[-1]] = _WHOLE
    left = [MAX_ITEMS]
    return _chosen(program.text, wanted, scope, left)


def from_cel(value: Any) -> Any:
    """The Python value of a result: a float that is whole becomes an integer again."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _EXACT else value
    if isinstance(value, list):
        return [from_cel(v) for v in value]
    if isinstance(value, dict):
        return {k: from_cel(v) for k, v in value.items()}
    return value


_WHOLE: Any = "whole"
_PRESENT: Any = "present"


def _until_index(path: tuple[str | int, ...]) -> tuple[str, ...]:
    kept: list[str] = []
    for key in path:
        if isinstance(key, int):
            break
        kept.append(key)
    return tuple(kept)


def _chosen(text: str, wanted: dict[str, Any], value: Any, left: list[int]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, inner in wanted.items():
        found = child(value, key)
        if found is MISSING:
            continue
        if inner is _PRESENT:
            made[key] = True
        elif inner is _WHOLE or found is None or isinstance(found, str | int | float | list | tuple):
            made[key] = _seen(text, found, left)
        else:
            made[key] = _chosen(text, inner, found, left)
    return made


def _seen(text: str, value: Any, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise ExpressionError(text, f"it looks at more than {MAX_ITEMS:,} values")
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, Mapping):
        return {str(k): _seen(text, v, left) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_seen(text, v, left) for v in value]
    return _single(text, value, left)


def _single(text: str, value: Any, left: list[int]) -> Any:
    if isinstance(value, Enum):
        return _seen(text, value.value, left)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, str | bytes):
        return str(value) if isinstance(value, str) else bytes(value)
    if isinstance(value, datetime | date | time | timedelta):
        return _moment(value)
    return _foreign(text, value, left)


def _number(value: float | Decimal) -> float | int:
    if isinstance(value, int) and _EXACT < abs(value) < 1 << 63:
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _moment(value: Any) -> Any:
    if value != value:  # noqa: PLR0124 - pandas' "not a time"
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()


def _foreign(text: str, value: Any, left: list[int]) -> Any:
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) <= 1:
        if getattr(value, "size", 1) > left[0]:
            raise ExpressionError(text, f"it looks at more than {MAX_ITEMS:,} values")
        return _seen(text, value.tolist(), left)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _seen(text, getattr(value, f.name), left) for f in fields(value) if f.name[0] != "_"}
    model = getattr(type(value), "model_fields", None)
    if isinstance(model, Mapping):
        return {name: _seen(text, getattr(value, name), left) for name in model}
    raise ExpressionError(
        text,
        f"a {type(value).__name__} cannot be computed with",
        hint="hand it to a method whole, or look at what it has: steps.fetch.bars.shape[0]",
    )
