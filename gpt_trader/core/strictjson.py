"""JSON from outside as the standard has it: NaN, Infinity and numbers beyond all numbers are none."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, NoReturn


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text; ValueError for anything else."""
    return json.loads(text, parse_constant=_no_number, parse_float=_number)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _number(word: str) -> float:
    number = float(word)
    if not isfinite(number):
        raise ValueError(f"{word:.40} is beyond all numbers")
    return number
