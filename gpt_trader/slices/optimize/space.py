"""The space of parameters: the values that each axis may take, as a grid, at random, or for a sampler that learns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import ValidationError

if TYPE_CHECKING:
    from numpy.random import Generator

Sets = dict[str, list[Any]]
"""Sets of parameters as columns of plain values."""
HINT = "write fast=5:50, threshold=0:0.1:0.01 or below=flat,short"
NEAR = 1e-9


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter: listed choices, or the numbers from low to high, both included."""

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    whole: bool = False

    @property
    def points(self) -> list[Any]:
        """Every value, where there is an end to them."""
        if self.choices:
            return list(self.choices)
        if self.step is None:
            raise ValidationError(f"{self.name} has no step, so it has no grid", hint=f"{HINT}; or sample: tpe")
        count = math.floor((self.high - self.low) / self.step + NEAR) + 1
        if self.whole:
            return [int(self.low) + int(self.step) * i for i in range(count)]
        return [round(self.low + self.step * i, 12) for i in range(count)]

    @property
    def size(self) -> float:
        """How many values there are; infinite for a range without steps."""
        return math.inf if not self.choices and self.step is None else len(self.points)

    def draw(self, rng: Generator, count: int) -> list[Any]:
        """So many values at random."""
        if self.size < math.inf and not self.log:
            points = self.points
            return [points[i] for i in rng.integers(0, len(points), count).tolist()]
        if not self.log:
            return list(rng.uniform(self.low, self.high, count).tolist())
        drawn = np.exp(rng.uniform(math.log(self.low), math.log(self.high), count))
        return [int(v) for v in np.rint(drawn).tolist()] if self.whole else list(drawn.tolist())

    def distribution(self, optuna: Any) -> Any:
        """The axis in the words of optuna."""
        kinds = optuna.distributions
        if self.choices:
            return kinds.CategoricalDistribution(self.choices)
        if self.whole:
            step = 1 if self.log else int(self.step or 1)
            return kinds.IntDistribution(int(self.low), int(self.high), log=self.log, step=step)
        return kinds.FloatDistribution(self.low, self.high, log=self.log, step=None if self.log else self.step)


def axes_of(space: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes as they were written: a list, `low:high:step`, `a,b,c`, or {low, high, step, log}."""
    if not space:
        raise ValidationError("there is no parameter to search", hint=HINT)
    return tuple(_axis(name, written) for name, written in space.items())


def _axis(name: str, written: Any) -> Axis:
    if isinstance(written, str):
        low, colon, rest = written.partition(":")
        if not colon:
            return _axis(name, [_scalar(word.strip()) for word in written.split(",")])
        high, _, step = rest.partition(":")
        return _range(name, *(_scalar(word) if word else None for word in (low, high, step)))
    if isinstance(written, Mapping):
        unknown = set(written) - {"low", "high", "step", "log"}
        if unknown or not {"low", "high"} <= set(written):
            raise ValidationError(f"{name}: a range is {{low, high, step, log}}, not {dict(written)!r}", hint=HINT)
        return _range(name, written["low"], written["high"], written.get("step"), log=written.get("log", False))
    values = written if isinstance(written, list | tuple) else [written]
    if not values or not all(isinstance(v, bool | int | float | str) for v in values):
        raise ValidationError(f"{name}: {written!r} is no list of values", hint=HINT)
    return Axis(name, choices=tuple(dict.fromkeys(values)))


def _range(name: str, low: Any, high: Any, step: Any, *, log: bool = False) -> Axis:
    given = [value for value in (low, high, step) if value is not None]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in given)
    if not numbers or None in (low, high) or not low <= high or (step is not None and step <= 0):
        raise ValidationError(
            f"{name}: there is no range from {low} to {high} by {'any step' if step is None else step}", hint=HINT
        )
    if log and low <= 0:
        raise ValidationError(f"{name}: a logarithmic range begins above 0", hint=HINT)
    whole = all(isinstance(value, int) for value in given)
    return Axis(name, low=low, high=high, step=(step or 1) if whole else step, log=log, whole=whole)


def _scalar(word: str) -> Any:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def size_of(axes: tuple[Axis, ...]) -> float:
    """How many sets there are before any condition."""
    return math.prod(axis.size for axis in axes)


def grid_of(axes: tuple[Axis, ...]) -> Sets:
    """Every set, the last axis moving first."""
    lengths = [len(axis.points) for axis in axes]
    places = np.indices(lengths).reshape(len(axes), -1)
    sets: Sets = {}
    for axis, at in zip(axes, places, strict=True):
        points = axis.points
        sets[axis.name] = [points[i] for i in at.tolist()]
    return sets


def count_of(sets: Sets) -> int:
    """How many sets there are."""
    return len(next(iter(sets.values()), ()))


def chosen(sets: Sets, rows: list[int]) -> Sets:
    """Some of the sets, in this order."""
    return {name: [column[i] for i in rows] for name, column in sets.items()}


def set_at(sets: Sets, row: int) -> dict[str, Any]:
    """One of the sets."""
    return {name: column[row] for name, column in sets.items()}
