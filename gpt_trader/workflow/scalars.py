"""What a plain YAML word means: a number, a truth, nothing, or the text it is."""

from __future__ import annotations

import math
import re
from typing import Any

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_FIRST = frozenset("0123456789+-.")


class NumberTooLarge(ValueError):
    """A number that a workflow cannot hold."""


def scalar(text: str) -> Any:
    """The value of a plain word by YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    if _INTEGER.fullmatch(text) or _HEX.fullmatch(text):
        return _integer(text)
    if _NOT_FINITE.fullmatch(text):
        raise NumberTooLarge(f"{text} is not a finite number")
    if _FLOAT.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            raise NumberTooLarge(f"{text:.40} is too large for a number")
        return value
    return text


def _integer(text: str) -> int:
    value = int(text, 16 if text[:2] == "0x" else 10) if len(text) <= 40 else 1 << 64
    if not -(1 << 63) <= value < 1 << 63:
        raise NumberTooLarge(f"{text:.40} is too large for a number")
    return value
