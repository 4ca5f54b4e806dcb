"""How a path such as `steps.a.bars.shape[0]` moves through values: by key, index or public attribute; never a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_PLAIN = (str, bytes, int, float, complex, bool, type(None), list, tuple, set, frozenset)


class Missing:
    """The type of MISSING."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()
"""What stands for a value that is not there."""


def child(value: Any, key: str | int) -> Any:
    """The value behind one key, index or public attribute; MISSING where there is none."""
    if isinstance(value, Mapping):
        return value[key] if key in value else value.get(str(key), MISSING)
    if isinstance(key, int):
        return _item(value, key)
    if key.startswith("_") or isinstance(value, (*_PLAIN, type)):
        return MISSING
    found = getattr(value, key, MISSING)
    return MISSING if callable(found) else found


def names(value: Any) -> list[str]:
    """The keys that may follow a value, as far as they can be told."""
    if isinstance(value, Mapping):
        return [str(key) for key in value]
    return [] if isinstance(value, _PLAIN) else [n for n in getattr(value, "__dict__", ()) if not n.startswith("_")]


def _item(value: Any, index: int) -> Any:
    if isinstance(value, str | bytes | set | frozenset) or not hasattr(value, "__getitem__"):
        return MISSING
    reach = getattr(value, "iloc", value)
    return reach[index] if 0 <= index < len(value) else MISSING
