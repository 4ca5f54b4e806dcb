"""What loops take: numbers, arrays of a few kinds, and named tuples of these. Their annotations are their interface."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Table = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Row = NDArray[np.int8]
    Rows = NDArray[np.int8]

F = TypeVar("F", bound="Callable[..., Any]")
SUMMING: set[str] = set()
EXPORTED: dict[str, Callable[..., Any]] = {}


class Array(NamedTuple):
    """An array whose values lie one behind the other."""

    dtype: np.dtype[Any]
    dimensions: int


ARRAYS = {
    "Floats": Array(np.dtype("float64"), 1),
    "Table": Array(np.dtype("float64"), 2),
    "Ints": Array(np.dtype("int64"), 1),
    "Row": Array(np.dtype("int8"), 1),
    "Rows": Array(np.dtype("int8"), 2),
}


class Group(NamedTuple):
    """A named tuple and the kinds of its fields."""

    type: type[Any]
    fields: dict[str, Kind]


Kind = Array | Group | type[float] | type[int]


def summing(function: F) -> F:
    """Mark a loop whose sums may be taken in any order, so that several are taken at once."""
    SUMMING.add(function.__name__)
    return function


def exported(function: F) -> F:
    """Mark a loop that is called from outside; what its results are, it writes into its arrays."""
    EXPORTED[function.__name__] = function
    return function


def parameters(function: Callable[..., Any]) -> dict[str, Kind]:
    """The kinds of a loop's parameters."""
    written = {name: kind for name, kind in function.__annotations__.items() if name != "return"}
    return {name: _kind(kind, function.__globals__) for name, kind in written.items()}


def fields_of(group: type[Any]) -> dict[str, Kind]:
    """The kinds of the fields of a named tuple."""
    return {name: _kind(kind, vars(sys.modules[group.__module__])) for name, kind in group.__annotations__.items()}


def _kind(written: Any, names: dict[str, Any]) -> Kind:
    name = getattr(written, "__forward_arg__", written)
    plain: dict[str, Kind] = {"float": float, "int": int, **ARRAYS}
    if name in plain:
        return plain[name]
    group = names[name]
    return Group(group, fields_of(group))
