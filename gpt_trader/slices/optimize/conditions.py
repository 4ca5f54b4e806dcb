"""Conditions on parameters and on figures, such as `fast < slow`, `slow >= 2 * fast` or `trades >= 20`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import ValidationError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NAME = r"[A-Za-z_]\w*"
_FORM = re.compile(rf"\s*({_NAME})\s*(<=|>=|==|!=|<|>)\s*(?:({_NUMBER})|(?:({_NUMBER})\s*\*\s*)?({_NAME}))\s*")
_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Condition:
    """A name, a comparison, and a number or another name times a factor."""

    text: str
    left: str
    sign: str
    factor: float
    right: str

    @property
    def names(self) -> tuple[str, ...]:
        """What it speaks of."""
        return (self.left, self.right) if self.right else (self.left,)

    def violations(self, values: Mapping[str, Sequence[float] | Floats]) -> Floats:
        """By how much each row breaks it, 0 where it holds; what is not defined breaks it wholly."""
        left = np.asarray(values[self.left], dtype=np.float64)
        right = np.asarray(values[self.right], dtype=np.float64) * self.factor if self.right else self.factor
        off = np.maximum(np.nan_to_num(np.abs(left - right), nan=1.0, posinf=1.0), LEAST)
        return np.where(_SIGNS[self.sign](left, right), 0.0, off)


def conditions_of(texts: Sequence[str], names: Collection[str]) -> tuple[Condition, ...]:
    """The conditions as they were written; names that nothing has are an error."""
    return tuple(_condition(text, names) for text in texts)


def _condition(text: str, names: Collection[str]) -> Condition:
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValidationError(f"'{text}' is no condition", hint="write fast < slow, slow >= 2 * fast or trades >= 20")
    left, sign, number, factor, right = found.groups()
    for name in (left, right):
        if name is not None and name not in names:
            raise ValidationError(f"'{text}': there is no '{name}'", hint=did_you_mean(name, names))
    return Condition(text, left, sign, float(number or factor or 1.0), right or "")


def broken(conditions: Sequence[Condition], values: Mapping[str, Any], count: int) -> Floats:
    """By how much each of so many rows breaks the conditions in all."""
    total = np.zeros(count)
    for condition in conditions if count else ():
        total += condition.violations(values)
    return total
