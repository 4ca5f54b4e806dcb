"""TA-Lib, if it is there: its functions by name, each with the columns of a bar that it reads."""

from __future__ import annotations

from typing import Any

from gpt_trader.core.extras import needed

EXTRA = "ta"


def talib(what: str) -> Any:
    """TA-Lib, or an error that names what wants it and the line that installs it."""
    return needed("talib", extra=EXTRA, what=what)


def streams() -> Any:
    """TA-Lib's handles, which are carried forward one bar at a time."""
    return needed("talib.stream", extra=EXTRA, what="a stream of indicators")


def is_installed() -> bool:
    """Whether TA-Lib can be used; nothing is imported to find out."""
    from importlib.util import find_spec

    return find_spec("talib") is not None


def described(name: str) -> Any:
    """What TA-Lib says of a function: what it reads, its params, what it makes, how many bars it needs first."""
    return needed("talib.abstract", extra=EXTRA, what=name).Function(name)


def columns_of(name: str) -> tuple[str, ...]:
    """The columns of a bar that a function reads, in the order of its arguments."""
    names = described(name).info["input_names"].values()
    return tuple(column for given in names for column in ([given] if isinstance(given, str) else given))
